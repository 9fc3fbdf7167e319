"""Specs of autoscaling/v2: what the API server would refuse is refused, every flaw by path, rule and value."""

from typing import Any

import pytest

from elastometer.hpa.parse import DEFAULT_SCALE_DOWN, DEFAULT_SCALE_UP, parse_hpa
from elastometer.hpa.settings import (
    Metric,
    MetricType,
    Policy,
    PolicyType,
    ScalingRules,
    SelectPolicy,
    TargetType,
)
from elastometer.model.errors import SpecError

TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "server"}
AVERAGE = {"type": "AverageValue", "averageValue": "2"}
OBJECT = {"apiVersion": "v1", "kind": "Service", "name": "front"}


def spec(**fields: Any) -> dict[str, Any]:
    return {"scaleTargetRef": TARGET, "maxReplicas": 5, **fields}


def pods(name: Any = "waiting", target: Any = AVERAGE) -> dict[str, Any]:
    return {"type": "Pods", "pods": {"metric": {"name": name}, "target": target}}


def cpu(**target: Any) -> dict[str, Any]:
    return {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", **target}}}


def container(**fields: Any) -> dict[str, Any]:
    whole = {"name": "cpu", "container": "engine", "target": {"type": "Utilization", "averageUtilization": 70}}
    return {"type": "ContainerResource", "containerResource": {**whole, **fields}}


def whole(kind: str, field: str, target: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, field: {"metric": {"name": "queue"}, "target": target, **more}}


def external(target: Any) -> dict[str, Any]:
    return whole("External", "external", target)


def of_object(target: Any, described: Any = OBJECT) -> dict[str, Any]:
    return whole("Object", "object", target, describedObject=described)


def metrics(*entries: Any) -> dict[str, Any]:
    return spec(metrics=list(entries))


def behavior(**rules: Any) -> dict[str, Any]:
    return spec(behavior={"scaleUp": rules})


def policy(**fields: Any) -> dict[str, Any]:
    return behavior(policies=[{"type": "Pods", "value": 1, "periodSeconds": 15, **fields}])


@pytest.mark.parametrize(("document", "flaw"), [
    ({}, "spec.maxReplicas: must be a whole number from 1 to 2147483647, is absent"),
    (spec(maxReplicas=0), "spec.maxReplicas: must be a whole number from 1 to 2147483647, is 0"),
    (spec(maxReplicas=2**31), "spec.maxReplicas: must be a whole number from 1 to 2147483647, is 2147483648"),
    (spec(maxReplicas="5"), "spec.maxReplicas: must be a whole number from 1 to 2147483647, is '5'"),
    (spec(maxReplicas=True), "spec.maxReplicas: must be a whole number from 1 to 2147483647, is true"),
    (spec(maxReplicas=2.5), "spec.maxReplicas: must be a whole number from 1 to 2147483647, is 2.5"),
    (spec(minReplicas=6), "spec.maxReplicas: must be at least minReplicas (6), is 5"),
    (spec(minReplicas=-1), "spec.minReplicas: must be a whole number from 0 to 2147483647, is -1"),
    (spec(minReplicas=0), "spec.minReplicas: must be at least 1 (0 needs the feature gate HPAScaleToZero), is 0"),
    ({"maxReplicas": 5}, "spec.scaleTargetRef.kind: must be a string, is absent"),
    (spec(scaleTargetRef={**TARGET, "name": "a/b"}),
     "spec.scaleTargetRef.name: must be neither '.' nor '..' and must not hold '/' or '%', is 'a/b'"),
    (spec(scaleTargetRef={**TARGET, "apiVersion": "v1"}),
     "spec.scaleTargetRef.apiVersion: must be an API group and a version, such as apps/v1, is 'v1'"),
    (spec(scaleTargetRef={**TARGET, "apiVersion": "a/b/c"}),
     "spec.scaleTargetRef.apiVersion: must be an API group and a version, such as apps/v1, is 'a/b/c'"),
    (spec(metrics={}), "spec.metrics: must be a list, is an object"),
    (metrics("cpu"), "spec.metrics[0]: must be an object, is 'cpu'"),
    (metrics({"type": "Pod"}),
     "spec.metrics[0].type: must be one of Resource, ContainerResource, Pods, Object, External, is 'Pod'"),
    (metrics({}),
     "spec.metrics[0].type: must be one of Resource, ContainerResource, Pods, Object, External, is absent"),
    (metrics({"type": "Pods"}), "spec.metrics[0].pods: must be given where type is Pods, is absent"),
    (metrics({**pods(), **cpu(averageUtilization=5), "type": "Pods"}),
     "spec.metrics[0].resource: must be absent where type is Pods, is an object"),
    (metrics(pods(), pods(name="")), "spec.metrics[1].pods.metric.name: must be a string, is ''"),
    (metrics(pods(name="a%b")),
     "spec.metrics[0].pods.metric.name: must be neither '.' nor '..' and must not hold '/' or '%', is 'a%b'"),
    (metrics(pods(target={"type": "AverageValue"})),
     "spec.metrics[0].pods.target.averageValue: must be given, is absent"),
    (metrics(pods(target={"type": "AverageValue", "averageValue": "0"})),
     "spec.metrics[0].pods.target.averageValue: must be positive, is '0'"),
    (metrics(pods(target={"type": "AverageValue", "averageValue": "1x"})),
     "spec.metrics[0].pods.target.averageValue: must be a quantity such as 500m, 1.5 or 2Gi, is '1x'"),
    (metrics(pods(target={"averageValue": "1"})),
     "spec.metrics[0].pods.target.type: must be one of Utilization, Value, AverageValue, is absent"),
    (metrics(cpu()), "spec.metrics[0].resource.target.averageUtilization: must be given, or averageValue, is absent"),
    (metrics(cpu(averageUtilization=0)),
     "spec.metrics[0].resource.target.averageUtilization: must be a whole number from 1 to 2147483647, is 0"),
    (metrics(cpu(averageUtilization=5, averageValue="1")),
     "spec.metrics[0].resource.target.averageValue: must be absent where averageUtilization is given, is '1'"),
    (metrics(container(container="")), "spec.metrics[0].containerResource.container: must be a string, is ''"),
    (metrics(container(container="Engine")), "spec.metrics[0].containerResource.container: "
     "must be the name of a container: at most 63 of a-z, 0-9 and '-', is 'Engine'"),
    (metrics(container(name="gpu")), "spec.metrics[0].containerResource.name: "
     "must be one of cpu, memory, ephemeral-storage, or an extended resource, is 'gpu'"),
    (metrics(container(name="requests.example.com/gpu")), "spec.metrics[0].containerResource.name: "
     "must be one of cpu, memory, ephemeral-storage, or an extended resource, is 'requests.example.com/gpu'"),
    (metrics(external({"type": "Value"})),
     "spec.metrics[0].external.target.averageValue: must be given, or value, is absent"),
    (metrics(external({"type": "Value", "value": "1", "averageValue": "1"})),
     "spec.metrics[0].external.target.value: must be absent where averageValue is given, is '1'"),
    (metrics(of_object(AVERAGE, {"kind": "Service"})),
     "spec.metrics[0].object.describedObject.name: must be a string, is absent"),
    (metrics(of_object(AVERAGE, {**OBJECT, "apiVersion": "a/b/c"})), "spec.metrics[0].object.describedObject.apiVersion"
     ": must be a version, or an API group and a version, such as apps/v1, is 'a/b/c'"),
    (behavior(policies=[]), "spec.behavior.scaleUp.policies: must hold at least one policy, is a list of 0"),
    (policy(type="Nodes"), "spec.behavior.scaleUp.policies[0].type: must be one of Pods, Percent, is 'Nodes'"),
    (policy(value=0), "spec.behavior.scaleUp.policies[0].value: must be a whole number from 1 to 2147483647, is 0"),
    (policy(periodSeconds=1801),
     "spec.behavior.scaleUp.policies[0].periodSeconds: must be a whole number from 1 to 1800, is 1801"),
    (behavior(selectPolicy="Most"),
     "spec.behavior.scaleUp.selectPolicy: must be one of Max, Min, Disabled, is 'Most'"),
    (behavior(stabilizationWindowSeconds=3601),
     "spec.behavior.scaleUp.stabilizationWindowSeconds: must be a whole number from 0 to 3600, is 3601"),
    (behavior(tolerance="-100m"), "spec.behavior.scaleUp.tolerance: must not be negative, is '-100m'"),
    (behavior(tolerance="ten"),
     "spec.behavior.scaleUp.tolerance: must be a quantity such as 500m, 1.5 or 2Gi, is 'ten'"),
    ({"spec": 7}, "spec: must be an object, is 7"),
])
def test_what_the_api_server_would_refuse_is_refused(document: dict[str, Any], flaw: str):
    with pytest.raises(SpecError) as caught:
        parse_hpa(document)
    assert flaw in caught.value.flaws


def test_every_flaw_is_named_at_once():
    with pytest.raises(SpecError) as caught:
        parse_hpa(spec(maxReplicas=0, metrics=[pods(name=""), {"type": "Pod"}], behavior={"scaleUp": {"policies": []}}))
    assert [flaw.partition(":")[0] for flaw in caught.value.flaws] == [
        "spec.maxReplicas", "spec.metrics[0].pods.metric.name", "spec.metrics[1].type",
        "spec.behavior.scaleUp.policies"]


def test_a_spec_without_metrics_has_the_api_servers_default():
    assert parse_hpa(spec()).metrics == (Metric(MetricType.RESOURCE, "cpu", TargetType.UTILIZATION, 80),)
    assert parse_hpa(spec()).minimum == 1


@pytest.mark.parametrize(("given", "expected"), [
    (pods(), Metric(MetricType.PODS, "waiting", TargetType.AVERAGE_VALUE, 2000)),
    (pods(target={"type": "Value", "averageValue": 3}),
     Metric(MetricType.PODS, "waiting", TargetType.AVERAGE_VALUE, 3000)),
    (cpu(averageUtilization=70), Metric(MetricType.RESOURCE, "cpu", TargetType.UTILIZATION, 70)),
    (cpu(averageValue="250m"), Metric(MetricType.RESOURCE, "cpu", TargetType.AVERAGE_VALUE, 250)),
    (container(), Metric(MetricType.CONTAINER_RESOURCE, "cpu", TargetType.UTILIZATION, 70, "engine")),
    (container(name="example.com/gpu"),
     Metric(MetricType.CONTAINER_RESOURCE, "example.com/gpu", TargetType.UTILIZATION, 70, "engine")),
    (external({"type": "Value", "averageValue": "4"}),
     Metric(MetricType.EXTERNAL, "queue", TargetType.AVERAGE_VALUE, 4000)),
    (external({"type": "Value", "value": "4"}), Metric(MetricType.EXTERNAL, "queue", TargetType.VALUE, 4000)),
    (of_object({"type": "Value", "value": "4", "averageValue": "5"}),
     Metric(MetricType.OBJECT, "queue", TargetType.VALUE, 4000)),
    (of_object(AVERAGE), Metric(MetricType.OBJECT, "queue", TargetType.AVERAGE_VALUE, 2000)),
    (of_object({"type": "Value", "averageValue": "5"}), Metric(MetricType.OBJECT, "queue", TargetType.UTILIZATION, 0)),
])
def test_the_target_is_the_one_that_the_controller_reads(given: dict[str, Any], expected: Metric):
    assert parse_hpa(metrics(given)).metrics == (expected,)


def test_a_behavior_of_one_direction_gets_the_other_and_what_it_leaves_out():
    found = parse_hpa(spec(behavior={"scaleDown": {"selectPolicy": "Disabled", "tolerance": "0"}})).behavior
    assert found is not None
    assert found.scale_up == DEFAULT_SCALE_UP
    assert found.scale_down == ScalingRules(DEFAULT_SCALE_DOWN.policies, SelectPolicy.DISABLED, None, 0.0)


def test_an_empty_behavior_is_the_default_and_an_absent_one_stays_absent():
    found = parse_hpa(spec(behavior={})).behavior
    assert found is not None
    assert (found.scale_up.stabilization_seconds, found.scale_down.stabilization_seconds) == (0, None)
    assert found.scale_up.policies == (Policy(PolicyType.PODS, 4, 15), Policy(PolicyType.PERCENT, 100, 15))
    assert parse_hpa(spec()).behavior is None


def test_an_object_that_was_served_may_scale_to_zero():
    given = {"metadata": {"uid": "u"}, "spec": spec(minReplicas=0, metrics=[external(AVERAGE)])}
    assert parse_hpa(given).minimum == 0
    with pytest.raises(SpecError, match=r"metrics: must hold an Object or External metric where minReplicas is 0"):
        parse_hpa({**given, "spec": spec(minReplicas=0, metrics=[pods()])})


def test_an_object_that_was_served_may_have_fields_of_a_later_release():
    later = spec(behavior={"scaleUp": {"ofALaterRelease": 1}}, pace="slow")
    metadata = {"uid": "u"}
    same = spec(behavior={"scaleUp": {}})
    assert parse_hpa({"metadata": metadata, "spec": later}) == parse_hpa({"metadata": metadata, "spec": same})
