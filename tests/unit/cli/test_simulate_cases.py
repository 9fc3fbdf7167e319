"""`elastometer simulate` on tests that differ from a working one in one thing, as people really write them.

Each row changes one of the two tests in tests/cases/simulate by `--set` and claims how the prediction must end: the
service scales out, it stays at its minimum and the output says why, or the test is refused by name.
"""
from __future__ import annotations

import pytest

from support.simulate_cases import Refused, Row, Scales, check

WORKING: dict[str, Row] = {
    "the base under KEDA": ("keda", (), Scales()),
    "the base under an HPA": ("hpa", (), Scales()),
}
# Fields and values that the API server would not take, with the nearest name that exists.
HPA, KEDA = "autoscaler.horizontalPodAutoscaler", "autoscaler.scaledObject"
OF_KEDA = f"{KEDA}.advanced.horizontalPodAutoscalerConfig.behavior"
POD = "target.server.podTemplate.spec"
TYPOS: dict[str, Row] = {
    "a word in British spelling, under KEDA": (
        "keda", (f"{OF_KEDA}.scaleDown={{stabilisationWindowSeconds: 0}}",), Refused((
            f"spec.{OF_KEDA}.scaleDown.stabilisationWindowSeconds: is not a known field",
            "did you mean stabilizationWindowSeconds?"))),
    "a policy with another field for its period, under KEDA": (
        "keda", (f"{OF_KEDA}.scaleUp.policies[0].period=15",), Refused((
            f"spec.{OF_KEDA}.scaleUp.policies[0].period: is not", "did you mean periodSeconds?"))),
    "two words of an HPA's behavior": (
        "hpa", (f"{HPA}.behavior.scaleDown={{stabilisationWindowSeconds: 0}}",
                f"{HPA}.behavior.scaleUp={{selectpolicy: Disabled}}"), Refused((
            f"spec.{HPA}.behavior.scaleDown.stabilisationWindowSeconds: is not a known field of autoscaling/v2 in Kube",
            f"spec.{HPA}.behavior.scaleUp.selectpolicy: is not", "did you mean selectPolicy?"))),
    "a metric's target beside the right one": (
        "hpa", (f"{HPA}.metrics[0].pods.target.averagevalue='9'",), Refused((
            f"spec.{HPA}.metrics[0].pods.target.averagevalue: is not", "did you mean averageValue?"))),
    "a label expression of a selector": (
        "hpa", (f"{HPA}.metrics[0].pods.metric.selector={{matchExpressions: [{{key: a, operatr: In, values: [b]}}]}}",),
        Refused((".metric.selector.matchExpressions[0].operatr: is not", "did you mean operator?"))),
    "a cooldown in lower case": (
        "keda", (f"{KEDA}.cooldownperiod=60",),
        Refused((f"spec.{KEDA}.cooldownperiod: is not", "did you mean cooldownPeriod?"))),
    "a threshold that KEDA would not read": (
        "keda", (f"{KEDA}.triggers[0].metadata.activationTreshold='3'",), Refused((
            f"spec.{KEDA}.triggers[0].metadata.activationTreshold: is not read by KEDA",
            "did you mean activationThreshold?"))),
    "a flag of a trigger in lower case": (
        "keda", (f"{KEDA}.triggers[0].metadata.ignorenullvalues='false'",),
        Refused((f"spec.{KEDA}.triggers[0].metadata.ignorenullvalues: ", "did you mean ignoreNullValues?"))),
    "a threshold that is no text": (
        "keda", (f"{KEDA}.triggers[0].metadata.threshold=2",),
        Refused((f"spec.{KEDA}.triggers[0].metadata.threshold: must be of type string, is 2",))),
    "a threshold that YAML reads as a number": (
        "keda", (f"{KEDA}.triggers[0].metadata.threshold=1e1",),
        Refused((f"spec.{KEDA}.triggers[0].metadata.threshold: must be of type string, is 10",))),
    "a flag that YAML reads as true": (
        "keda", (f"{KEDA}.triggers[0].metadata.ignoreNullValues=y",),
        Refused((f"spec.{KEDA}.triggers[0].metadata.ignoreNullValues: must be of type string, is True",))),
    "a target that the operator fills in": (
        "keda", (f"{KEDA}.scaleTargetRef.name=other",),
        Refused((f"spec.{KEDA}.scaleTargetRef: must be absent, since the operator fills it in",))),
    "a container's resources in the singular": (
        "hpa", (f"{POD}.containers[0].resource={{}}",),
        Refused((f"spec.{POD}.containers[0].resource: is not a known field of a Pod template", "resources?"))),
    "a node selector in lower case": (
        "hpa", (f"{POD}.nodeselector={{}}",), Refused((f"spec.{POD}.nodeselector: ", "did you mean nodeSelector?"))),
    "a hook in lower case": (
        "hpa", (f"{POD}.containers[0].lifecycle={{prestop: {{sleep: {{seconds: 5}}}}}}",),
        Refused((f"spec.{POD}.containers[0].lifecycle.prestop: ", "did you mean preStop?"))),
    "limits in the singular": (
        "hpa", (f"{POD}.containers[0].resources={{limit: {{cpu: 1}}}}",),
        Refused((f"spec.{POD}.containers[0].resources.limit: ", "did you mean limits?"))),
    "a variable that is no text": (
        "hpa", (f"{POD}.containers[0].env=[{{name: A, value: 1}}]",),
        Refused((f"spec.{POD}.containers[0].env[0].value: must be of type string, is 1",))),
    "replicas as text": (
        "hpa", (f"{HPA}.minReplicas='1'",), Refused((f"spec.{HPA}.minReplicas: must be of type integer, is '1'",))),
    "replicas that YAML reads as true": (
        "hpa", (f"{HPA}.maxReplicas=yes",), Refused((f"spec.{HPA}.maxReplicas: must be of type integer, is True",))),
    "a period with a fraction": (
        "hpa", (f"{HPA}.behavior.scaleUp.policies[0].periodSeconds=15.5",),
        Refused((f"spec.{HPA}.behavior.scaleUp.policies[0].periodSeconds: must be of type integer, is 15.5",))),
    "a whole period that is written with a fraction": (
        "hpa", (f"{HPA}.behavior.scaleUp.policies[0].periodSeconds=15.0",), Scales()),
    "a target of its own, under an HPA": (
        "hpa", (f"{HPA}.scaleTargetRef={{apiVersion: apps/v1, kind: Deployment, name: chat}}",), Refused((
            f"spec.{HPA}.scaleTargetRef: must be absent, since the operator fills it in",))),
    "a target of its own, under KEDA": (
        "keda", (f"{KEDA}.scaleTargetRef={{}}",), Refused((
            f"spec.{KEDA}.scaleTargetRef: must be absent, since the operator fills it in, is {{}}",))),
    "no trigger": ("keda", (f"{KEDA}.triggers=[]",), Refused((
        f"spec.{KEDA}.triggers: must have at least 1 entry, is []",))),
    "a request that is no quantity": (
        "hpa", (f"{POD}.containers[0].resources.requests.cpu=one",), Refused((
            f"spec.{POD}.containers[0].resources.requests.cpu: must be a quantity such as 500m, 1.5 or 2Gi, "
            "is 'one'",))),
    # The operator merges by the name, so this is a second container, and the API server wants an image for it.
    "an overlay of a container of another name": (
        "hpa", (f"{POD}.containers=[{{name: vllm, args: [--max-num-seqs=2]}}]",), Refused((
            f"spec.{POD}.containers[0].image: must be given for a container other than 'server'",
            "(this one is called 'vllm')"))),
    "a sidecar": ("hpa", (f"{POD}.containers=[{{name: proxy, image: proxy}}]",), Scales()),
    "two objectives of one name": (
        "hpa", ("objectives=[{name: a, indicator: RequestSuccess, minimumPercent: 9}, "
                "{name: a, indicator: RequestSuccess, minimumPercent: 8}]",), Refused((
            "spec.objectives[1].name: must differ from that of every other entry, is 'a'",))),
    "a value with one key twice": (
        "hpa", (f"{HPA}.behavior.scaleDown={{selectPolicy: Max, selectPolicy: Min}}",),
        Refused(("'selectPolicy' is given twice",))),
    "a null, which is the same as absent": ("hpa", (f"{HPA}.minReplicas=null", "measurement=null"), Scales()),
    "a quantity as a number": ("hpa", (f"{HPA}.metrics[0].pods.target.averageValue=2",), Scales()),
}
# The server's own arguments, in every spelling that its parser takes.
SERVER_FLAGS: dict[str, Row] = {}
ALL = {**WORKING, **TYPOS, **SERVER_FLAGS}


@pytest.mark.parametrize("row", [pytest.param(row, id=name) for name, row in ALL.items()])
def test_a_prediction_ends_as_the_real_autoscaler_would(row: Row, capsys: pytest.CaptureFixture[str]) -> None:
    check(row, capsys.readouterr)
