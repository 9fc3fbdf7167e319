"""ScaledObjects as the twin reads them: every field modelled, without a part in it, or refused by its own path."""
from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from elastometer.hpa.parse import parse_hpa
from elastometer.model.errors import SpecError
from elastometer.model.triggers import KEYS
from elastometer.promql.series import TestSeries
from elastometer.twin.reading.scaled_object import ReadScaledObject, annotation_flaws, keda_loop, read_scaled_object
from elastometer.twin.reading.scaled_object_fields import FIELDS, METADATA, Treatment, treatment_of
from elastometer.twin.scenario import HpaController
from elastometer.twin.sources import Asked, Nowhere, Signal, Trigger

SERIES = TestSeries("default", "demo", "Qwen/Qwen2.5-0.5B-Instruct")
SCHEMAS = Path(__file__).parents[3] / "contract/autoscaler_schemas.json"
QUERY = "sum(vllm:num_requests_waiting)"


def prometheus(**changes: Any) -> dict[str, Any]:
    stated = {"serverAddress": "http://prometheus:9090", "query": QUERY, "threshold": "2"}
    metadata = {**stated, **changes.pop("metadata", {})}
    kept = {key: value for key, value in metadata.items() if value is not None}
    return {"type": "prometheus", "metadata": kept, **changes}


def cpu(**metadata: Any) -> dict[str, Any]:
    return {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "60", **metadata}}


def scaled(*triggers: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "demo-server"},
            "minReplicaCount": 1, "maxReplicaCount": 4, "triggers": list(triggers or (prometheus(),)), **changes}


def test_each_key_that_keda_reads_of_a_modelled_trigger_has_a_treatment() -> None:
    assert METADATA
    assert {kind: set(keys) for kind, keys in METADATA.items()} == {kind: set(KEYS[kind]) for kind in METADATA}


def read(*triggers: dict[str, Any], **changes: Any) -> ReadScaledObject:
    return read_scaled_object(scaled(*triggers, **changes), SERIES)


def flaws(*triggers: dict[str, Any], **changes: Any) -> tuple[str, ...]:
    with pytest.raises(SpecError) as caught:
        read(*triggers, **changes)
    return caught.value.flaws


def leaves(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """Every field of the schema that holds a value, without the indices of lists."""
    inner = schema.get("items", schema)
    if "properties" not in inner:
        yield path
    for name, child in inner.get("properties", {}).items():
        yield from leaves(child, f"{path}.{name}".lstrip("."))


def test_every_field_that_keda_has_is_treated_by_name() -> None:
    spec = json.loads(SCHEMAS.read_text())["ScaledObject"]["properties"]["spec"]
    every = list(leaves(spec))
    assert len(every) > 30
    assert [path for path in every if treatment_of(path) is None] == []
    assert all(kind is Treatment.MODELLED or why for kind, why in FIELDS.values())


def test_a_field_of_a_later_release_is_refused() -> None:
    assert flaws(novelty=3) == ("novelty: must be absent, since KEDA does not read it; is 3",)
    assert flaws(advanced={"horizontalPodAutoscalerConfig": {"tempo": "high"}}) == (
        "advanced.horizontalPodAutoscalerConfig.tempo: must be absent, since KEDA does not read it; is 'high'",)


def test_a_plain_scaled_object_becomes_the_hpa_that_keda_creates() -> None:
    made = read(maxReplicaCount=None)
    assert made.hpa["metrics"] == [{"type": "External", "external": {
        "metric": {"name": "s0-prometheus"}, "target": {"type": "AverageValue", "averageValue": "2"}}}]
    assert (made.hpa["minReplicas"], made.hpa["maxReplicas"], made.notes) == (1, 100, ())
    assert made.triggers[0].source is Signal.WAITING


@pytest.mark.parametrize(("threshold", "quantity"), [
    ("5", "5"), ("2.5", "2500m"), ("0.0015", "2m"), ("1e1", "10"), (" 3 ", "3"), ("0.5", "500m")])
def test_a_threshold_becomes_the_target_with_three_decimals(threshold: str, quantity: str) -> None:
    made = read(prometheus(metadata={"threshold": threshold}))
    assert made.hpa["metrics"][0]["external"]["target"]["averageValue"] == quantity


@pytest.mark.parametrize("name", ["activationThreshold", "ignoreNullValues", "namespace", "customHeaders", "timeout"])
def test_an_empty_value_is_an_absent_one(name: str) -> None:
    """Charts render one for what was not set."""
    assert read(prometheus(metadata={name: " "})) == read(prometheus())


def test_metrics_stand_in_the_order_of_keda_and_keep_their_triggers() -> None:
    made = read(cpu(), prometheus(metricType="Value"), cpu(containerName="server"), prometheus(), minReplicaCount=2)
    assert [metric["type"] for metric in made.hpa["metrics"]] == ["ContainerResource", "External", "External"
    , "Resource"]
    assert [metric["external"]["metric"]["name"] for metric in made.hpa["metrics"][1:3]] == ["s1-prometheus",
                                                                                           "s3-prometheus"]
    assert made.hpa["metrics"][0]["containerResource"]["container"] == "server"
    assert made.hpa["metrics"][1]["external"]["target"] == {"type": "Value", "value": "2"}
    assert made.in_own_words("spec.metrics[0].containerResource: x") == "triggers[2].containerResource: x"
    assert made.in_own_words("spec.behavior.scaleUp: x") == "advanced.horizontalPodAutoscalerConfig.behavior.scaleUp: x"


def test_every_trigger_keeps_its_own_settings() -> None:
    first = prometheus(metadata={"activationThreshold": "3", "ignoreNullValues": "false"}, name="a")
    second = prometheus(metadata={"query": "sum(vllm:num_requests_running)"}, useCachedMetrics=True)
    one, two = read(first, second).triggers
    assert one == Trigger(Signal.WAITING, 3.0, null_is_zero=False, name="a")
    assert two == Trigger(Signal.RUNNING, is_cached=True)


def test_the_loop_has_the_scaled_objects_own_numbers() -> None:
    document = scaled(minReplicaCount=2, idleReplicaCount=0, cooldownPeriod=0, initialCooldownPeriod=45)
    made = read_scaled_object(document, SERIES)
    loop = keda_loop(HpaController(parse_hpa(made.hpa), (None,)), document, made)
    assert (loop.polling_seconds, loop.cooldown_seconds, loop.initial_cooldown_seconds) == (30.0, 0.0, 45.0)
    assert (loop.minimum, loop.idle_replicas, loop.hpa.spec.minimum) == (2, 0, 2)


BAD: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"type": "cron", "metadata": {"start": "0 6 * * *"}}, {},
     "triggers[0].type: must be one of prometheus, cpu to be simulated: cron is not modelled, is 'cron'"),
    ({"type": "memory", "metricType": "Utilization", "metadata": {"value": "60"}}, {},
     "triggers[0].type: must be one of prometheus, cpu to be simulated: memory is not modelled, is 'memory'"),
    (prometheus(metadata={"threshold": None}), {},
     "triggers[0].metadata.threshold: must be a number as a string, is absent"),
    (prometheus(metadata={"threshold": "many"}), {},
     "triggers[0].metadata.threshold: must be a number as a string, is 'many'"),
    (prometheus(metadata={"threshold": "0"}), {}, "triggers[0].metadata.threshold: must be at least 0.001 "
     "to be a target of the HPA, is '0'"),
    (prometheus(metadata={"threshold": "NaN"}), {},
     "triggers[0].metadata.threshold: must be a number as a string, is 'NaN'"),
    (prometheus(metadata={"activationThreshold": "x"}), {},
     "triggers[0].metadata.activationThreshold: must be a number as a string, is 'x'"),
    (prometheus(metadata={"ignoreNullValues": "no"}), {},
     "triggers[0].metadata.ignoreNullValues: must be true or false as a string, is 'no'"),
    (prometheus(metadata={"query": None}), {}, "triggers[0].metadata.query: must be given, is absent or empty"),
    (prometheus(metadata={"threshold": "+3"}), {},
     "triggers[0].metadata.threshold: must be a number as a string, in the form that JSON has, is '+3'"),
    (prometheus(metadata={"activationThreshold": ".5"}), {},
     "triggers[0].metadata.activationThreshold: must be a number as a string, in the form that JSON has, is '.5'"),
    (prometheus(metadata={"unsafeSsl": "maybe"}), {},
     "triggers[0].metadata.unsafeSsl: must be true or false as a string, is 'maybe'"),
    (prometheus(metadata={"timeout": "5 s"}), {},
     "triggers[0].metadata.timeout: must be a time such as 30s, or milliseconds, is '5 s'"),
    (prometheus(metadata={"serverAddress": ""}), {},
     "triggers[0].metadata.serverAddress: must be given, is absent or empty"),
    (prometheus(metricType="Utilization"), {},
     "triggers[0].metricType: must be AverageValue or Value, since KEDA has Utilization only for cpu and memory, is "
     "'Utilization'"),
    (prometheus(metadata={"query": "sum(rate(vllm:num_requests_waiting[1m]))"}), {},
     "triggers[0].metadata.query: must be a query that the simulator models, but `rate` is not modelled; is "
     "'sum(rate(vllm:num_requests_waiting[1m]))'"),
    (prometheus(authenticationRef={"name": "token"}), {},
     "triggers[0].authenticationRef: must be absent to be simulated (how KEDA authenticates at Prometheus is not "
     "modelled), is {'name': 'token'}"),
    (prometheus(metadata={"customHeaders": "X-Scope-OrgID=a"}), {},
     "triggers[0].metadata.customHeaders: must be absent to be simulated (what it does to the answer of Prometheus "
     "is not modelled), is 'X-Scope-OrgID=a'"),
    (prometheus(metadata={"namespace": "other"}), {},
     "triggers[0].metadata.namespace: must be absent to be simulated (what it does to the answer of Prometheus is not "
     "modelled), is 'other'"),
    (prometheus(), {"idleReplicaCount": 1}, "idleReplicaCount: must be below minReplicaCount (1), is 1"),
    (prometheus(), {"minReplicaCount": 7}, "minReplicaCount: must be at most maxReplicaCount (4), is 7"),
    (prometheus(), {"pollingInterval": 0}, "pollingInterval: must be a whole number of at least 1, is 0"),
    (prometheus(), {"initialCooldownPeriod": -1}, "initialCooldownPeriod: must be a whole number of at least 0, is -1"),
    (cpu(), {"minReplicaCount": 0}, "minReplicaCount: must be at least 1 where all triggers are cpu or memory, "
     "which have no value at zero, is 0"),
    ({"type": "cpu", "metadata": {"value": "60"}}, {},
     "triggers[0].metricType: must be Utilization or AverageValue for cpu, is absent"),
    (cpu(value="many"), {}, "triggers[0].metadata.value: must be a whole number of percent as a string, is 'many'"),
    (cpu(type="Utilization"), {}, "triggers[0].metadata.type: must be absent to be simulated (KEDA refuses it since "
     "2.18; `metricType` of the trigger is read instead), is 'Utilization'"),
    ({**cpu(), "useCachedMetrics": True}, {},
     "triggers[0].useCachedMetrics: must be false for cpu, since KEDA serves no value for it, is true"),
]


@pytest.mark.parametrize(("trigger", "changes", "flaw"), BAD, ids=[row[2].split(":")[0] for row in BAD])
def test_what_keda_refuses_or_the_twin_does_not_model_is_refused_by_its_path(
    trigger: dict[str, Any], changes: dict[str, Any], flaw: str,
) -> None:
    assert flaws(trigger, **changes) == (flaw,)


def test_all_flaws_come_at_once_each_under_its_own_trigger() -> None:
    found = flaws(prometheus(name="a"), {"type": "kafka"
    , "metadata": {}}, prometheus(name="a", metricType="Utilization"))
    assert [flaw.partition(":")[0] for flaw in found] == ["triggers[2].name", "triggers[1].type"
    , "triggers[2].metricType"]


@pytest.mark.parametrize("fields", [
    {"name": "queue"}, {"useCachedMetrics": False},
    {"metadata": {"unsafeSsl": "true", "timeout": "5s", "metricName": "x", "namespace": "default"}}])
def test_what_has_no_part_in_a_simulation_changes_nothing(fields: dict[str, Any]) -> None:
    assert read(prometheus(**copy.deepcopy(fields))).hpa == read().hpa
    named = {"horizontalPodAutoscalerConfig": {"name": "own"}, "restoreToOriginalReplicaCount": True}
    assert read(advanced=named).hpa == read().hpa


def test_a_recorded_run_has_shown_what_a_simulation_cannot_know() -> None:
    secured = prometheus(authenticationRef={"name": "token"}, metadata={"customHeaders": "X-Scope-OrgID=a"})
    assert read_scaled_object(scaled(secured), SERIES, is_recorded=True).triggers[0].source is Signal.WAITING


def modifiers(formula: Any, **changes: Any) -> dict[str, Any]:
    return {"advanced": {"scalingModifiers": {"formula": formula, "target": "4.5", **changes}}}


def test_a_formula_is_the_only_external_metric_beside_those_of_whole_pods() -> None:
    made = read(prometheus(name="queue"), cpu(), cpu(containerName="server"),
                **modifiers("queue * 2", metricType="Value", activationTarget="3"))
    assert made.hpa["metrics"] == [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}},
        {"type": "External", "external": {"metric": {"name": "composite-metric"},
                                          "target": {"type": "Value", "value": "4500m"}}}]
    assert made.formula is not None
    assert (made.formula.text, made.formula.activation) == ("queue * 2", 3.0)


@pytest.mark.parametrize(("trigger", "fields", "flaw"), [
    (prometheus(name="queue"), modifiers(""), "advanced.scalingModifiers.formula: must be given, is absent or empty"),
    (prometheus(name="queue"), modifiers("queue", target=None),
     "advanced.scalingModifiers.target: must be a number of at least 0.001 as a string, is absent"),
    (prometheus(name="queue"), modifiers("queue", metricType="Utilization"),
     "advanced.scalingModifiers.metricType: must be AverageValue or Value, is 'Utilization'"),
    (prometheus(), modifiers("queue"),
     "triggers[0].name: must be given where scalingModifiers has a formula, is absent"),
    (prometheus(name="queue"), modifiers("other * 2"),
     "advanced.scalingModifiers.formula: must be arithmetic on the names of the triggers (queue), but `other` is "
     "neither a trigger's name nor modelled; is 'other * 2'"),
])
def test_a_formula_that_keda_would_not_compile_is_refused(
    trigger: dict[str, Any], fields: dict[str, Any], flaw: str,
) -> None:
    assert flaws(trigger, **fields) == (flaw,)


def test_a_fallback_is_taken_where_nothing_can_fail_and_refused_where_something_can() -> None:
    fallback = {"failureThreshold": 3, "replicas": 2}
    assert read(fallback=fallback).notes == ("fallback: has no effect on the prediction, in which no trigger fails",)
    for metadata in ({"ignoreNullValues": "false"}, {"query": "vllm:num_requests_waiting"}):
        (flaw,) = flaws(prometheus(metadata=metadata), fallback=fallback)
        assert flaw.startswith("fallback: must be absent to be simulated, since triggers[0] can fail")


def test_a_query_that_selects_nothing_says_so() -> None:
    made = read(prometheus(metadata={"query": 'sum(vllm:num_requests_waiting{model_name="somebody/else"})'}))
    assert isinstance(made.triggers[0].source, Nowhere)
    assert made.notes == ('triggers[0].metadata.query: model_name="somebody/else" selects no series of this test, '
                          "whose model_name is 'Qwen/Qwen2.5-0.5B-Instruct'",)


def test_a_query_with_an_element_per_pod_says_from_when_on_it_fails() -> None:
    made = read(prometheus(metadata={"query": "sum by (pod) (vllm:num_requests_waiting)"}))
    assert isinstance(made.triggers[0].source, Asked)
    assert "with 2 or more replicas the query has several elements" in made.notes[0]
    scalar = read(prometheus(metadata={"query": "1 + 1"}))
    assert "returns a scalar, which KEDA cannot read" in scalar.notes[0]


@pytest.mark.parametrize(("query", "signal"), [
    ('sum(vllm:num_requests_waiting{namespace="default",pod=~"demo-server-.*"})', Signal.WAITING),
    ("sum by (namespace) (vllm:num_requests_running)", Signal.RUNNING),
    ("sum(vllm:num_requests_waiting{}) + sum(vllm:num_requests_running{})", Signal.IN_FLIGHT),
    ("sum(vllm:num_requests_waiting + vllm:num_requests_running)", Signal.IN_FLIGHT),
    ("sum(vllm:kv_cache_usage_perc)", Signal.KV_CACHE),
])
def test_a_plain_sum_is_taken_as_the_signal_itself(query: str, signal: Signal) -> None:
    assert read(prometheus(metadata={"query": query})).triggers[0].source is signal


def test_a_service_at_zero_is_said_to_sleep_on_where_its_query_reads_only_the_server() -> None:
    (note,) = read(minReplicaCount=0).notes
    assert "at zero replicas the query sees no waiting request" in note
    assert read(prometheus(metadata={"query": f"{QUERY} or vector(1)"}), minReplicaCount=0).notes == ()
    (formula,) = read(prometheus(name="queue"), minReplicaCount=0, **modifiers("queue * 2")).notes
    assert formula.startswith("advanced.scalingModifiers.formula: at zero replicas")
    assert read(prometheus(name="queue"), minReplicaCount=0, **modifiers("queue + 1")).notes == ()


@pytest.mark.parametrize(("annotations", "count"), [
    ({"autoscaling.keda.sh/paused": "true"}, 1), ({"autoscaling.keda.sh/paused": "false"}, 0),
    ({"autoscaling.keda.sh/paused": "yes"}, 1), ({"autoscaling.keda.sh/paused-replicas": "3"}, 1),
    ({"autoscaling.keda.sh/paused-scale-in": "true", "autoscaling.keda.sh/paused-scale-out": "1"}, 2),
    ({"autoscaling.keda.sh/force-activation": "true"}, 1), ({"team": "a"}, 0), ({}, 0),
])
def test_a_paused_scaled_object_is_refused(annotations: dict[str, str], count: int) -> None:
    assert len(list(annotation_flaws({"annotations": annotations}))) == count
