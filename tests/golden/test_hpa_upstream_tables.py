"""The HPA controller's own tests, run through our model: their inputs and expected results are data (Apache-2.0)."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from elastometer.hpa import limits
from elastometer.hpa.combine import combine
from elastometer.hpa.decision import Condition, Proposal
from elastometer.hpa.grouping import group
from elastometer.hpa.parse import parse_hpa
from elastometer.hpa.recording import Recording
from elastometer.hpa.replay import compare
from elastometer.hpa.settings import (
    Behavior,
    ControllerSettings,
    HpaSpec,
    Metric,
    MetricType,
    Policy,
    PolicyType,
    ScalingRules,
    TargetType,
)
from elastometer.hpa.stabilize import stabilize
from elastometer.hpa.state import Recommendation, ScaleRecord, State
from elastometer.hpa.step import step
from elastometer.hpa.sync import SyncInput
from elastometer.hpa.trace import recording_from

Case = dict[str, Any]

LINES = (Path(__file__).parent.parent / "oracle" / "data" / "upstream-tables.jsonl").read_bytes().splitlines()
HEADER, CASES = orjson.loads(LINES[0]), [orjson.loads(line) for line in LINES[1:]]

TARGET = {"kind": "Deployment", "name": "test", "apiVersion": "apps/v1"}
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}
FAR = 2**31 - 1

SELECTOR = "what is wrong with the target's selector is not part of a sync"
NO_SUCH_TYPE = "the API server takes no metric of the type CheddarCheese"
NOT_OURS = {
    "TestBuildQuantity": "how a quantity is written in the HPA's status",
    "TestMultipleHPAs": "a thousand equal HPAs at once: about the queue",
    "TestConditionInvalidSelectorMissing": SELECTOR,
    "TestConditionInvalidSelectorUnparsable": SELECTOR,
    "TestConditionAmbiguousSelectorWhenFullSelectorOverlapBetweenHPAs": SELECTOR,
    "TestConditionAmbiguousSelectorWhenPartialSelectorOverlapBetweenHPAs": SELECTOR,
    "TestScaleUpOneMetricInvalid": NO_SUCH_TYPE,
    "TestScaleUpFromZeroOneMetricInvalid": NO_SUCH_TYPE,
    "TestScaleUpBothMetricsEmpty": NO_SUCH_TYPE,
    "TestNoScaleDownOneMetricInvalid": NO_SUCH_TYPE,
    "TestConditionInvalidSourceType": NO_SUCH_TYPE,
}
"""Upstream's tests of which no case applies to the model, and why."""


def is_ours(case: Case) -> bool:
    """Without the tests above, and the cases that turn off a gate which is on in every cluster: of configurable
    tolerances and of what a Pod requests as a whole. A test of no Pods at all asks for nothing."""
    if case["test"] in NOT_OURS or case["test"].endswith("as_the_feature_gate_is_disabled"):
        return False
    arguments = case.get("arguments", {})
    return arguments.get("podLevelResources") is not False and arguments.get("pods") != []


def of(kind: str, *functions: str) -> list[Any]:
    """The cases of a kind that apply to the model, with their names."""
    chosen = [case for case in CASES if case["kind"] == kind and case.get("function", "") in (functions or ("",))]
    numbered = enumerate(case for case in chosen if is_ours(case))
    return [pytest.param(case, id=f"{case['test']}-{number}") for number, case in numbered]


@pytest.fixture(autouse=True)
def _factor_of_upstream_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Upstream's tests let a target without `behavior` grow faster than the controller does."""
    (factor,) = {case["scaleUpLimitFactor"] for case in CASES}
    monkeypatch.setattr(limits, "_FACTOR", factor)


def read(trace: Case) -> Recording:
    """The API server would refuse some of these specs: minReplicas 0 without the feature gate, and a resource metric
    without a target that the sync does not read."""
    hpa = dict(trace["hpa"])
    hpa["metrics"] = [metric if metric.get("resource", {}).get("target", {}).get("type", "x") else CPU
                      for metric in hpa["metrics"]]
    low = hpa["minReplicas"]
    recording = recording_from({**trace, "hpa": {**hpa, "minReplicas": max(1, low)}})
    return replace(recording, spec=replace(recording.spec, minimum=low))


def records(events: list[Case]) -> tuple[ScaleRecord, ...]:
    return tuple(ScaleRecord(event["atSeconds"], event["change"], event["outdated"]) for event in events)


def recommendations(lines: list[Case]) -> tuple[Recommendation, ...]:
    return tuple(Recommendation(line["atSeconds"], line["replicas"]) for line in lines)


def recalled(memory: Case) -> State:
    """A list of recommendations that exists but is empty keeps the current replicas from becoming the first
    recommendation; here, a recommendation that no window sees stands for it."""
    known = recommendations(memory["recommendations"])
    if memory["started"] and not known:
        known = (Recommendation(-1e9, 0),)
    conditions = {name: Condition(*pair) for name, pair in memory.get("conditions", {}).items()}
    ups, downs = records(memory["scaleUpEvents"]), records(memory["scaleDownEvents"])
    return State(known, ups, downs, conditions, memory["desiredReplicas"])


def behavior(up: Case | None, down: Case | None) -> Behavior:
    """Rules as in upstream's tests; rules without policies, which no parser would accept, have a window only."""
    return Behavior(rules(up, "scaleUp"), rules(down, "scaleDown"))


def rules(document: Case | None, direction: str) -> ScalingRules:
    if document is None or not document.get("policies"):
        return ScalingRules((), stabilization_seconds=(document or {}).get("stabilizationWindowSeconds"))
    hpa = {"scaleTargetRef": TARGET, "maxReplicas": 1, "metrics": [CPU], "behavior": {direction: document}}
    parsed = parse_hpa(hpa).behavior
    assert parsed is not None
    return parsed.scale_up if direction == "scaleUp" else parsed.scale_down


def history(arguments: Case) -> State:
    return State(scale_ups=records(arguments["scaleUpEvents"]), scale_downs=records(arguments["scaleDownEvents"]))


@pytest.mark.parametrize("case", of("sync"))
def test_a_sync_ends_as_in_the_controller(case: Case) -> None:
    recording = read(case["trace"])
    _, decision = step(recalled(case["memory"]), recording.spec, recording.syncs[0].input)
    agreement = compare(recording.syncs[0].observed, decision)
    assert agreement == dict.fromkeys(("decisions", "conditions", "events", "accounts"), True)


@pytest.mark.parametrize("case", of("proposal"))
def test_a_metric_proposes_what_the_calculator_does(case: Case) -> None:
    recording, allowed = read(case["trace"]), case["tolerances"]
    tolerant = Behavior(ScalingRules((), tolerance=allowed["up"]), ScalingRules((), tolerance=allowed["down"]))
    (proposal,) = combine(replace(recording.spec, behavior=tolerant), recording.syncs[0].input).proposals
    assert document_of(proposal) == case["result"]


def document_of(proposal: Proposal) -> Case:
    if proposal.error is not None:
        return {"failed": True}
    return {"failed": False, "replicas": proposal.replicas, "value": proposal.value}


@pytest.mark.parametrize("case", of("call", "groupPods"))
def test_pods_are_grouped_as_the_calculator_groups_them(case: Case) -> None:
    given = case["arguments"]
    settings = ControllerSettings(
        cpu_initialization_seconds=given["cpuInitializationPeriodSeconds"],
        initial_readiness_delay_seconds=given["initialReadinessDelaySeconds"])
    seen = synced(given["pods"], given["samples"], given["resource"])
    groups = group(seen.pods, seen.metrics[0].samples, given["resource"], 0.0, settings)
    assert groups.ready == case["result"]["ready"]
    assert sorted(groups.unready) == case["result"]["unready"]
    assert sorted(groups.missing) == case["result"]["missing"]
    assert sorted(groups.ignored) == case["result"]["ignored"]


def synced(pods: list[Case], samples: list[Case], resource: str) -> SyncInput:
    """One sync of these Pods with one metric of this resource. Upstream states no phases where they do not matter."""
    target = {"type": "AverageValue", "averageValue": "1"}
    metric = {"type": "Resource", "resource": {"name": resource, "target": target}}
    phased = [{**pod, "phase": pod["phase"] or "Running"} for pod in pods]
    sync = {"atSeconds": 0, "specReplicas": 1, "statusReplicas": 1, "pods": phased, "metrics": [{"samples": samples}]}
    flags = {"tolerance": 0.1, "downscaleStabilizationSeconds": 0, "cpuInitializationPeriodSeconds": 0,
             "initialReadinessDelaySeconds": 0, "syncPeriodSeconds": 15}
    hpa = {"scaleTargetRef": TARGET, "maxReplicas": 1, "metrics": [metric]}
    return recording_from({"name": "sync", "controller": flags, "hpa": hpa, "syncs": [sync]}).syncs[0].input


@pytest.mark.parametrize("case", of("call", "calculateRequests"))
def test_a_utilization_is_relative_to_the_request_that_the_calculator_uses(case: Case) -> None:
    """A Pod that uses a thousand times its request has a utilization of 100,000 %, if the request is the same."""
    given, requests = case["arguments"], case["result"]["requests"]
    used = [{"pod": pod["name"], "value": f"{1000 * (requests or {}).get(pod['name'], 1)}m", "timestampSeconds": 0,
             "windowSeconds": 1} for pod in given["pods"]]
    seen = synced(given["pods"], used, given["resource"])
    container = given["container"] or None
    kind = MetricType.RESOURCE if container is None else MetricType.CONTAINER_RESOURCE
    metric = Metric(kind, given["resource"], TargetType.UTILIZATION, 50, container)
    ready = replace(seen, pods=tuple(pod._replace(ready=True, start=-9e9, ready_transition=-9e9)
                                     for pod in seen.pods))
    (proposal,) = combine(HpaSpec(1, 10, (metric,)), ready).proposals
    assert (proposal.error is not None) == case["result"]["failed"]
    assert proposal.value == (None if case["result"]["failed"] else 100_000)


@pytest.mark.parametrize("case", of("call", "convertDesiredReplicasWithRules"))
def test_a_target_without_a_behavior_is_limited_as_in_the_controller(case: Case) -> None:
    given = case["arguments"]
    spec = HpaSpec(given["minimum"], given["maximum"], ())
    assert limits.limit(State(), spec, 0.0, current=given["current"], wanted=given["desired"]) == outcome(case)


@pytest.mark.parametrize("case", of("call", "convertDesiredReplicasWithBehaviorRate"))
def test_policies_limit_as_in_the_controller(case: Case) -> None:
    given = case["arguments"]
    spec = HpaSpec(given["minimum"], given["maximum"], (), behavior(given["scaleUp"], given["scaleDown"]))
    found = limits.limit(history(given), spec, 0.0, current=given["current"], wanted=given["desired"])
    assert found == outcome(case)


def outcome(case: Case) -> tuple[int, str]:
    return case["result"]["replicas"], case["result"]["reason"]


@pytest.mark.parametrize(
    "case", of("call", "calculateScaleUpLimitWithScalingRules", "calculateScaleDownLimitWithBehaviors"))
def test_policies_allow_as_many_as_in_the_controller(case: Case) -> None:
    given = case["arguments"]
    spec = HpaSpec(0, FAR, (), behavior(given["rules"], given["rules"]))
    wanted = FAR if "Up" in case["function"] else 0
    replicas, _ = limits.limit(history(given), spec, 0.0, current=given["current"], wanted=wanted)
    assert replicas == case["result"]["replicas"]


@pytest.mark.parametrize("case", of("call", "getReplicasChangePerPeriod"))
def test_a_period_has_the_changes_that_it_has_in_the_controller(case: Case) -> None:
    """Read through the limit: changes in the period are what a policy of that many Pods no longer allows."""
    given, allowed = case["arguments"], 1000
    policy = Policy(PolicyType.PODS, allowed, given["periodSeconds"])
    spec = HpaSpec(0, FAR, (), Behavior(ScalingRules((policy,)), ScalingRules((policy,))))
    most, _ = limits.limit(State(scale_ups=records(given["events"])), spec, 0.0, current=10, wanted=FAR)
    assert 10 + allowed - most == case["result"]["change"]


@pytest.mark.parametrize("case", of("call", "stabilizeRecommendation"))
def test_the_window_of_the_flag_holds_back_as_in_the_controller(case: Case) -> None:
    given = case["arguments"]
    spec = HpaSpec(1, FAR, (), None, ControllerSettings(downscale_stabilization_seconds=given["windowSeconds"]))
    kept, replicas = stabilize(
        recommendations(given["recommendations"]), spec, 0.0, current=0, wanted=given["desired"])
    assert replicas == case["result"]["replicas"]
    assert [one.replicas for one in kept] == [one["replicas"] for one in case["result"]["recommendations"]]


@pytest.mark.parametrize("case", of("call", "stabilizeRecommendationWithBehaviors"))
def test_the_windows_of_a_behavior_hold_back_as_in_the_controller(case: Case) -> None:
    given = case["arguments"]
    spec = HpaSpec(1, FAR, (), behavior(given["scaleUp"], given["scaleDown"]))
    kept, replicas = stabilize(
        recommendations(given["recommendations"]), spec, 0.0, current=given["current"], wanted=given["desired"])
    assert replicas == case["result"]["replicas"]
    assert [one.replicas for one in kept] == [one["replicas"] for one in case["result"]["recommendations"]]


@pytest.mark.parametrize("case", of("call", "storeScaleEvent"))
def test_rescales_are_remembered_as_in_the_controller(case: Case) -> None:
    given, change = case["arguments"], case["arguments"]["after"] - case["arguments"]["before"]
    direction, events = ("scaleUp", "scaleUpEvents") if change > 0 else ("scaleDown", "scaleDownEvents")
    remembered = records(given[events])
    if given["behavior"] is not None:  # without one, the model keeps nothing either
        remembered = limits.remember(remembered, rules(given["behavior"][direction], direction), 0.0, abs(change))
    assert [(one.change, one.outdated) for one in remembered] == [
        (one["change"], one["outdated"]) for one in case["result"][events]]


def test_every_test_of_upstream_is_run_through_the_model_or_named_here() -> None:
    run = {case["test"].split("/")[0] for case in CASES if is_ours(case)}
    assert set(HEADER["tests"]) == run | set(NOT_OURS)
    assert run & set(NOT_OURS) == set()


def test_most_cases_apply_to_the_model() -> None:
    ours = [case for case in CASES if is_ours(case)]
    assert (len(HEADER["tests"]), len(NOT_OURS)) == (167, 11)
    assert (len(CASES), len(ours)) == (287, 271)
