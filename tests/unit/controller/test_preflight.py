"""A dry run that the API server refuses: its own words, and where the field is in the test that the user wrote."""

from __future__ import annotations

from typing import Any, cast

import pytest

from elastometer.controller.preflight import preflight
from elastometer.model.errors import SpecError
from elastometer.model.spec import parse
from elastometer.plan import Environment, TestPlan
from elastometer.world.cluster import Cluster, Refused

STRICT = '{} in version "{}" cannot be handled as a {}: strict decoding error: unknown field "{}"'


class StrictCluster:
    """An API server that refuses one kind."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind, self.message = kind, message

    async def create(self, manifest: dict[str, Any], *, dry_run: bool) -> bool:
        assert dry_run
        if manifest["kind"] == self.kind:
            raise Refused(400, self.message)
        return True


async def refusal(plan: TestPlan, kind: str, message: str) -> str:
    fact = await preflight(plan, cast(Cluster, StrictCluster(kind, message)), [{"status": {"allocatable": {
        "nvidia.com/gpu": "99"}}}])
    assert fact.flaw is not None
    return fact.flaw[2]


def planned(body: dict[str, Any], environment: Environment, path: str, value: object) -> TestPlan:
    *parents, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    node: Any = body["spec"]
    for step in parents:
        node = node[step]
    node[last] = value
    return TestPlan(parse(body), environment)


@pytest.mark.parametrize(("path", "value", "kind", "said", "place"), [
    ("autoscaler.horizontalPodAutoscaler.behavior.scaleUp.selectpolicy", "Min", "HorizontalPodAutoscaler",
     "spec.behavior.scaleUp.selectpolicy",
     "spec.autoscaler.horizontalPodAutoscaler.behavior.scaleUp.selectpolicy: is not a known field of autoscaling/v2 in "
     "Kubernetes 1.35; did you mean selectPolicy?"),
    ("target.server.podTemplate.spec.containers.0.resource", {}, "Deployment",
     "spec.template.spec.containers[0].resource",
     "spec.target.server.podTemplate.spec.containers[0].resource: is not a known field of a Pod template in Kubernetes "
     "1.35; did you mean resources?"),
])
async def test_a_misspelt_field_is_named_as_the_api_server_and_as_the_user_call_it(
    demo_body: dict[str, Any], environment: Environment, path: str, value: object, kind: str, said: str, place: str,
) -> None:
    plan = planned(demo_body, environment, path, value)
    message = STRICT.format(kind, "v2", kind, said)
    assert await refusal(plan, kind, message) == f"the API server refused the {kind} in a dry run: {message}; {place}"


async def test_a_field_that_the_api_server_takes_is_no_reason_of_ours(
    demo_body: dict[str, Any], environment: Environment,
) -> None:
    plan = planned(demo_body, environment, "autoscaler.horizontalPodAutoscaler.behavior.ofAFutureRelease", 1)
    message = "HorizontalPodAutoscaler is invalid: spec.maxReplicas: Invalid value: 0"
    assert await refusal(plan, "HorizontalPodAutoscaler", message) == (
        f"the API server refused the HorizontalPodAutoscaler in a dry run: {message}")


async def test_a_scaled_object_s_field_is_named_too(demo_body: dict[str, Any], environment: Environment) -> None:
    trigger = {"type": "prometheus", "metadata": {"serverAddress": "http://p", "query": "sum(x)", "threshold": "2"}}
    scaled = {"maxReplicaCount": 2, "cooldownperiod": 5, "triggers": [trigger]}
    plan = planned(demo_body, environment, "autoscaler", {"type": "ScaledObject", "scaledObject": scaled})
    message = STRICT.format("ScaledObject", "keda.sh/v1alpha1", "ScaledObject", "spec.cooldownperiod")
    assert (await refusal(plan, "ScaledObject", message)).endswith(
        "; spec.autoscaler.scaledObject.cooldownperiod: is not a known field of a ScaledObject in KEDA 2.21; did you "
        "mean cooldownPeriod?")


@pytest.mark.parametrize(("metadata", "flaw"), [
    ({"treshold": "2"},
     "triggers[0].metadata.treshold: is not read by KEDA, which would take its default; did you mean threshold?"),
    ({"ServerAddress": "x"},
     "triggers[0].metadata.ServerAddress: is not read by KEDA, which would take its default; did you mean "
     "serverAddress?"),
])
def test_a_misspelt_key_of_a_trigger_is_refused_by_the_operator_since_nobody_else_would(
    demo_body: dict[str, Any], environment: Environment, metadata: dict[str, str], flaw: str,
) -> None:
    scaled = {"maxReplicaCount": 2, "triggers": [{"type": "prometheus", "metadata": metadata}]}
    with pytest.raises(SpecError) as refused:
        planned(demo_body, environment, "autoscaler", {"type": "ScaledObject", "scaledObject": scaled})
    assert f"spec.autoscaler.scaledObject.{flaw}" in str(refused.value)


@pytest.mark.parametrize("metadata", [
    {"metricName": "old"}, {"mine": "of no program that we know"}, {"threshold": "2", "timeout": "3s"},
])
def test_a_key_that_resembles_none_is_passed_over_as_by_keda(
    demo_body: dict[str, Any], environment: Environment, metadata: dict[str, str],
) -> None:
    scaled = {"maxReplicaCount": 2, "triggers": [{"type": "prometheus", "metadata": metadata}]}
    assert planned(demo_body, environment, "autoscaler", {"type": "ScaledObject", "scaledObject": scaled})
