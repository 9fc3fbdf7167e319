"""`elastometer simulate` on queries, triggers, formulas and selectors that do something else than a plain sum.

Each row changes one of the two tests in tests/cases/simulate in one thing. The service scales out, it stays at its size
with a warning that says why, or the test is refused under its own path.
"""
from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from elastometer.cli.base.exits import Exit
from elastometer.cli.main import main
from support.simulate_cases import CASES, Refused, Row, Scales, Stays, check

HPA, KEDA = "autoscaler.horizontalPodAutoscaler", "autoscaler.scaledObject"
TRIGGER, METRIC = f"{KEDA}.triggers[0]", f"{HPA}.metrics[0]"
WAITING = "vllm:num_requests_waiting"
OF_TRIGGER, OF_METRIC = f"spec.{TRIGGER}", f"spec.{METRIC}"


def query(text: str) -> tuple[str, ...]:
    return (f"{TRIGGER}.metadata.query='{text}'",)


def cpu(target: str = "{type: Utilization, averageUtilization: 60}", container: str | None = None) -> tuple[str, ...]:
    if container is None:
        return (f"{HPA}.metrics=[{{type: Resource, resource: {{name: cpu, target: {target}}}}}]",)
    source = f"{{name: cpu, container: {container}, target: {target}}}"
    return (f"{HPA}.metrics=[{{type: ContainerResource, containerResource: {source}}}]",)


QUERIES: dict[str, Row] = {
    "twice the same sum": ("keda", query(f"sum({WAITING}) + sum({WAITING})"), Scales()),
    "a threshold that only the doubled sum reaches": (
        "keda", (*query(f"(sum({WAITING}) + sum({WAITING})) * 100"), f"{TRIGGER}.metadata.threshold='2000'"), Scales()),
    "a mean": ("keda", query(f"avg({WAITING})"), Scales()),
    "two signals": ("keda", query(f"sum({WAITING}) + sum(vllm:num_requests_running)"), Scales()),
    "or nothing": ("keda", query(f"sum({WAITING}) or vector(0)"), Scales()),
    "nothing times a number": ("keda", query(f"sum({WAITING}) * 0"), Stays()),
    "a group for each Pod": (
        "keda", query(f"sum by (pod) ({WAITING})"), Scales((f"{OF_TRIGGER}.metadata.query: with 2 or more replicas",))),
    "no sum, and two replicas from the start": (
        "keda", (*query(WAITING), f"{KEDA}.minReplicaCount=2"), Stays(("with 2 or more replicas",))),
    "a group and a number beside it": (
        "keda", query(f"sum by (model_name) ({WAITING}) or vector(0)"), Stays(("with 1 or more replicas",))),
    "a group and a number instead of it": (
        "keda", query(f"sum by (model_name) ({WAITING}) or on() vector(0)"), Scales()),
    "a scalar": ("keda", query("1 + 1"), Stays(("returns a scalar, which KEDA cannot read",))),
    "another model": ("keda", query(f'sum({WAITING}{{model_name="somebody/else"}})'), Stays((
        f'{OF_TRIGGER}.metadata.query: model_name="somebody/else" selects no series of this test',))),
    "the own model": ("keda", query(f'sum({WAITING}{{model_name=~"Qwen/.*"}})'), Scales()),
    "a name given to the model": ("keda", (
        *query(f'sum({WAITING}{{model_name="chat"}})'), "target.server.args[1]=--served-model-name=chat"), Scales()),
    "the model's own name where it is served under another": ("keda", (
        *query(f'sum({WAITING}{{model_name=~"Qwen/.*"}})'), "target.server.args[1]=--served-model-name=chat"), Stays()),
    "an engine of several": ("keda", (
        *query(f'sum({WAITING}{{engine="0"}})'), "target.server.args[1]=--data_parallel_size=2"), Refused((
            f"{OF_TRIGGER}.metadata.query: must compare labels whose values are known", 'has engine="0"'))),
    "a name of the model that only the container knows": ("keda", (
        *query(f'sum({WAITING}{{model_name="chat"}})'), "target.server.args[1]=--served-model-name=$(NAME)",
        "target.server.podTemplate.spec.containers[0].envFrom=[{configMapRef: {name: a}}]"), Refused((
            f"{OF_TRIGGER}.metadata.query: must compare labels whose values are known", 'has model_name="chat"'))),
    "another namespace": ("keda", query(f'sum({WAITING}{{namespace="prod"}})'), Stays((
        "namespace=\"prod\" selects no series", "metadata.namespace: is absent, so the test is assumed to run in the "
        "namespace 'default'"))),
    "one Pod of another name": ("keda", query(f'sum({WAITING}{{pod="m-0"}})'), Stays(("selects no series",))),
    "Pods of another name": ("keda", query(f'sum({WAITING}{{pod=~"vllm-.*"}})'), Stays(("selects no series",))),
    "the server Pods of another test": ("keda", query(f'sum({WAITING}{{pod=~"mail-server-.*"}})'), Scales((
        "selects the server Pods of a test called 'mail', and this one is called 'queue'",))),
    "the server Pods of two other tests": ("keda", query(
        f'sum({WAITING}{{pod=~"mail-server-.*"}}) + sum({WAITING}{{pod=~"chat-server-.*"}})'), Refused((
            f"{OF_TRIGGER}.metadata.query: must select the Pods of one test",))),
    "the server Pods of this and another test": ("keda", query(
        f'sum({WAITING}{{pod=~"mail-server-.*"}}) + sum({WAITING}{{pod=~"queue-server-.*"}})'), Stays((
            "selects the server Pods of a test called 'mail'", 'pod=~"queue-server-.*" selects no series'))),
    "another job": ("keda", query(f'sum({WAITING}{{job="vllm"}})'), Stays((
        "whose job is 'pods' in the Prometheus of manifests/stack",))),
    "a node": ("keda", query(f'sum({WAITING}{{node="a"}})'), Refused((
        f"{OF_TRIGGER}.metadata.query: must compare labels whose values are known before the run", 'has node="a"'))),
    "a metric that the stand-in does not have": ("keda", query("avg(vllm:gpu_cache_usage_perc) * 1000000"), Stays((
        f"{OF_TRIGGER}.metadata.query: vllm:gpu_cache_usage_perc is no metric of this server",))),
    "the newer of two names of a metric": ("keda", query(
        "(max(vllm:gpu_cache_usage_perc) or max(vllm:kv_cache_usage_perc)) * 1000000"), Scales(("is no metric of",))),
    "sides that never meet": ("keda", query(f"sum by (job) ({WAITING}) + sum({WAITING})"), Stays((
        "the query returns no element, since none on one side has the labels of one on the other",))),
    "a rate": ("keda", query(f"sum(rate({WAITING}[1m]))"), Refused((
        f"{OF_TRIGGER}.metadata.query: must be a query that the simulator models, but `rate` is not modelled",))),
    "no query": ("keda", query("sum("), Refused((f"{OF_TRIGGER}.metadata.query: must be a query in PromQL",))),
}
MODIFIED = f"{KEDA}.advanced.scalingModifiers"
NAMED = f"{TRIGGER}.name=queue"
SCALED_OBJECTS: dict[str, Row] = {
    "a formula that is always zero": ("keda", (
        NAMED, f"{MODIFIED}={{formula: queue * 0, target: '1', metricType: AverageValue}}"), Stays()),
    "a formula that changes nothing": ("keda", (NAMED, f"{MODIFIED}={{formula: queue, target: '2'}}"), Scales()),
    "a formula that divides by a queue that may be empty": ("keda", (
        NAMED, f"{MODIFIED}={{formula: 10 / queue, target: '1'}}"), Refused((
            f"spec.{MODIFIED}.formula: must have a value at all times, but divides by zero",))),
    "metadata that KEDA does not read": ("keda", (f"{TRIGGER}.metadata.team=a",), Scales((
        f"{OF_TRIGGER}.metadata.team: is not read by KEDA",))),
    "a formula with a function that is not modelled": ("keda", (
        NAMED, f"{MODIFIED}={{formula: 'count([queue], {{# > 1}})', target: '1'}}"), Refused((
            f"spec.{MODIFIED}.formula: must be arithmetic", "`count` is not modelled"))),
    "utilization of a query": ("keda", (f"{TRIGGER}.metricType=Utilization",), Refused((
        f"{OF_TRIGGER}.metricType: must be AverageValue or Value", "is 'Utilization'"))),
    "a value instead of an average": ("keda", (f"{TRIGGER}.metricType=Value",), Scales()),
    "a second trigger on time": ("keda", (
        f"{KEDA}.triggers=[{{type: prometheus, metadata: {{serverAddress: a, query: 'sum({WAITING})', "
        "threshold: '2'}}, {type: cron, metadata: {timezone: UTC, desiredReplicas: '3'}}]",), Refused((
            f"spec.{KEDA}.triggers[1].type: must be one of prometheus, cpu to be simulated: cron is not modelled",))),
    "no threshold": ("keda", (f"{TRIGGER}.metadata={{serverAddress: a, query: 'sum({WAITING})'}}",), Refused((
        f"{OF_TRIGGER}.metadata.threshold: must be a number as a string, is absent",))),
    "an authentication": ("keda", (f"{TRIGGER}.authenticationRef={{name: token}}",), Refused((
        f"{OF_TRIGGER}.authenticationRef: must be absent to be simulated",))),
    "a fallback of a trigger that cannot fail": ("keda", (
        f"{KEDA}.fallback={{failureThreshold: 3, replicas: 4}}",), Scales((f"spec.{KEDA}.fallback: has no effect",))),
    "a fallback of a trigger that can": ("keda", (
        f"{KEDA}.fallback={{failureThreshold: 3, replicas: 4}}", f"{TRIGGER}.metadata.ignoreNullValues='false'"),
        Refused((
            f"spec.{KEDA}.fallback: must be absent to be simulated",))),
    "a fallback of cpu alone": ("keda", (
        f"{KEDA}.triggers=[{{type: cpu, metricType: Utilization, metadata: {{value: '20'}}}}]",
        f"{KEDA}.fallback={{failureThreshold: 3, replicas: 4}}"), Refused((
            f"spec.{KEDA}.fallback: must be absent where all triggers are cpu",))),
    "another name of KEDA's HPA": ("keda", (
        f"{KEDA}.advanced.horizontalPodAutoscalerConfig.name=keda-hpa-own",), Scales()),
    "an idle service": ("keda", (f"{KEDA}.idleReplicaCount=0", f"{KEDA}.cooldownPeriod=30"), Stays((
        f"{OF_TRIGGER}.metadata.query: at zero replicas the query sees no waiting request",))),
    "a cached metric": ("keda", (f"{TRIGGER}.useCachedMetrics=true",), Scales()),
    "cpu of the whole Pod": ("keda", (
        f"{KEDA}.triggers=[{{type: cpu, metricType: Utilization, metadata: {{value: '20'}}}}]",), Scales()),
    "cpu of a container that is not there": ("keda", (
        f"{KEDA}.triggers=[{{type: cpu, metricType: Utilization, metadata: {{value: '20', containerName: vllm}}}}]",),
        Stays((
            f"{OF_TRIGGER}.metadata.containerName: the Pod has no container 'vllm' (it has server)",
            "FailedGetContainerResourceMetric"))),
    "cpu of no percent": (
        "keda", (f"{KEDA}.triggers=[{{type: cpu, metricType: Utilization, metadata: {{value: '0'}}}}]",), Refused((
            f"{OF_TRIGGER}.metadata.value: must be a whole number from 1",))),
    "cpu of a container that requests none": ("keda", (
        f"{KEDA}.triggers=[{{type: cpu, metricType: AverageValue, metadata: {{value: 200m}}}}]",
        "target.server.podTemplate.spec.containers[0].resources={limits: {nvidia.com/gpu: '1'}}"), Refused((
            f"{OF_TRIGGER}: must be on a resource that each of its containers requests",))),
    "memory": ("keda", (
        f"{KEDA}.triggers=[{{type: memory, metricType: Utilization, metadata: {{value: '20'}}}}]",), Refused((
            f"{OF_TRIGGER}.type: must be one of prometheus, cpu to be simulated: memory is not modelled",))),
}
SELECTOR = f"{METRIC}.pods.metric.selector"
MODEL = "Qwen/Qwen2.5-0.5B-Instruct"
WITH_SIDECAR = "target.server.podTemplate.spec.initContainers=[{name: proxy, image: proxy, restartPolicy: Always, " \
               "resources: {requests: {memory: 8Mi}}}]"
NAMESPACE = "{type: Object, object: {metric: {name: vllm_num_requests_waiting}, " \
            "describedObject: {kind: %s, name: default}, target: {type: AverageValue, averageValue: '2'}}}"
HPAS: dict[str, Row] = {
    "a selector of another model": ("hpa", (f"{SELECTOR}={{matchLabels: {{model_name: other}}}}",), Stays((
        f'{OF_METRIC}.pods.metric.selector: model_name="other" selects no series', "FailedGetPodsMetric"))),
    # No label of Kubernetes has a `/` in its value, so the controller cannot read such a selector.
    "a selector of the own model": ("hpa", (f"{SELECTOR}={{matchLabels: {{model_name: {MODEL}}}}}",), Stays((
        f"{OF_METRIC}.pods.metric.selector.matchLabels.model_name: must be a value that a label of "
        "Kubernetes can have", "FailedGetPodsMetric"))),
    "a selector of the own model in a list": ("hpa", (
        f"{SELECTOR}={{matchExpressions: [{{key: model_name, operator: In, values: [a, {MODEL}]}}]}}",),
        Stays((f"{OF_METRIC}.pods.metric.selector.matchExpressions[0]: must be a value",))),
    "a selector of a name without a slash": ("hpa", (
        f"{SELECTOR}={{matchExpressions: [{{key: model_name, operator: In, values: [a, chat]}}]}}",
        "target.server.args[1]=--served-model-name=chat"), Scales()),
    "a selector of all models but the own one": ("hpa", (
        f"{SELECTOR}={{matchExpressions: [{{key: model_name, operator: NotIn, values: [chat]}}]}}",
        "target.server.args[1]=--served-model-name=chat"), Stays(("FailedGetPodsMetric",))),
    "a selector with values that its operator does not take": ("hpa", (
        f"{SELECTOR}={{matchExpressions: [{{key: engine, operator: Exists, values: ['0']}}]}}",),
        Stays(("values: must have no value for the operator Exists", "FailedGetPodsMetric"))),
    "a label that must not be there": ("hpa", (
        f"{SELECTOR}={{matchExpressions: [{{key: model_name, operator: DoesNotExist}}]}}",), Stays()),
    "a label that is not known": ("hpa", (f"{SELECTOR}={{matchLabels: {{app: x}}}}",), Refused((
        f"{OF_METRIC}.pods.metric.selector: must compare labels whose values are known",))),
    "a container that is not there": ("hpa", cpu(container="vllm"), Stays((
        f"{OF_METRIC}.containerResource.container: the Pod has no container 'vllm' (it has server)",
        "FailedGetContainerResourceMetric"))),
    "the server's container": ("hpa", cpu("{type: Utilization, averageUtilization: 20}", "server"), Scales()),
    "a sidecar's container": ("hpa", (
        *cpu(container="proxy"), WITH_SIDECAR),
        Refused((f"{OF_METRIC}.containerResource.container: must be server",))),
    "a percentage where a sidecar requests nothing": ("hpa", (
        *cpu("{type: Utilization, averageUtilization: 20}"),
        WITH_SIDECAR), Stays((
            "the container 'proxy' requests no cpu", "FailedGetResourceMetric"))),
    "memory": ("hpa", (f"{METRIC}={{type: Resource, resource: {{name: memory, target: {{type: AverageValue, "
                       "averageValue: 1Gi}}}",),
                       Refused((f"{OF_METRIC}.resource.name: must be cpu, as memory is not",))),
    "another metric": ("hpa", (f"{METRIC}.pods.metric.name=queue_depth",), Refused((
        f"{OF_METRIC}.pods.metric.name: must be a metric that the simulator models", "is 'queue_depth'"))),
    "a metric that the stand-in does not have": ("hpa", (
        f"{METRIC}.pods.metric.name=vllm_gpu_cache_usage_perc",), Stays((
            f"{OF_METRIC}.pods.metric.name: vllm:gpu_cache_usage_perc is no metric of this server",
            "FailedGetPodsMetric"))),
    "a metric under the name of another adapter": ("hpa", (
        f"{METRIC}.pods.metric.name=vllm:num_requests_waiting",), Scales((
            f"{OF_METRIC}.pods.metric.name: vllm:num_requests_waiting is read as the metric that the adapter of "
            "manifests/stack serves as vllm_num_requests_waiting",))),
    "an External metric of somebody": ("hpa", (
        f"{METRIC}={{type: External, external: {{metric: {{name: q}}, target: {{type: Value, value: '1'}}}}}}",),
        Refused((
            f"{OF_METRIC}.external: must be a metric of KEDA",))),
    "a metric of the namespace": ("hpa", (f"{METRIC}={NAMESPACE % 'Namespace'}",), Scales()),
    "a metric of a Service": ("hpa", (f"{METRIC}={NAMESPACE % 'Service'}",), Refused((
        f"{OF_METRIC}.object.describedObject: must be the Namespace to be simulated",))),
}


@pytest.mark.parametrize("row", [
    pytest.param(row, id=name) for rows in (QUERIES, SCALED_OBJECTS, HPAS) for name, row in rows.items()])
def test_a_prediction_ends_as_the_real_autoscaler_would(row: Row, capsys: pytest.CaptureFixture[str]) -> None:
    check(row, capsys.readouterr)


@pytest.mark.parametrize(("annotation", "value", "is_refused"), [
    ("paused", "true", True), ("paused", "false", False), ("paused-replicas", "2", True),
    ("paused-scale-out", "true", True)])
def test_a_test_that_is_annotated_to_pause_keda_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], annotation: str, value: str, is_refused: bool,
) -> None:
    test = yaml.safe_load((CASES / "keda.yaml").read_text())
    test["metadata"]["annotations"] = {f"autoscaling.keda.sh/{annotation}": value}
    path = tmp_path / "test.yaml"
    path.write_text(yaml.safe_dump(test))
    assert (main(["simulate", str(path), "--draws", "1"]) == Exit.SPEC_OR_USAGE) is is_refused
    said = capsys.readouterr().err
    assert (f"metadata.annotations[autoscaling.keda.sh/{annotation}]: must be absent" in said) is is_refused


@pytest.mark.parametrize(("own", "asked_for", "size"), [
    ("prod", "prod", 2), ("prod", "default", 1), (None, "default", 2)])
def test_the_namespace_of_a_test_is_its_own_or_the_one_of_kubectl(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], own: str | None, asked_for: str, size: int,
) -> None:
    test = yaml.safe_load((CASES / "keda.yaml").read_text())
    test["metadata"] = {"name": "queue", **({} if own is None else {"namespace": own})}
    test["spec"]["autoscaler"]["scaledObject"] |= {"maxReplicaCount": 2}
    path = tmp_path / "test.yaml"
    path.write_text(yaml.safe_dump(test))
    (changed,) = query(f'sum({WAITING}{{namespace="{asked_for}"}})')
    main(["simulate", str(path), "--draws", "1", "--output", "json", "--set", changed])
    said = capsys.readouterr()
    assert max(desired for _, desired in json.loads(said.out)["timeline"]["desired"]) == size
    assert ("assumed to run in the namespace" in said.err) is (own is None)
