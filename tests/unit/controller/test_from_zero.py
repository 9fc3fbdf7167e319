"""A run whose autoscaler keeps no replica at rest: it begins at zero, and the load wakes the target."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from elastometer.controller.decide import decide
from elastometer.controller.decision import Action
from elastometer.model.snapshot import JobFact, PodFact, PreflightFact, ScaledObjectFact, ScalerFact, Snapshot
from elastometer.model.spec import parse
from elastometer.model.status import Status, phase_of, status_from, to_json
from elastometer.plan import Environment, TestPlan, delay_budget
from elastometer.resources.target import deployment

T0 = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
SENT = 'sum(rate(elastometer_load_sent_total{namespace="staging"}[10s]))'
WAITING = "sum(vllm:num_requests_waiting)"
QUIET = ScaledObjectFact(True, False, "ScaledObjectReady", "ScaledObject is defined correctly and is ready for scaling")
ACTIVE = replace(QUIET, active=True)
BROKEN = ScaledObjectFact(False, None, "ScaledObjectCheckFailed", "Failed to ensure HPA is correctly created")
DISABLED = ScalerFact(False, "ScalingDisabled", "scaling is disabled since the replica count of the target is zero", 0)
READS = ScalerFact(True, "ValidMetricFound", "the HPA was able to calculate a replica count", 1)
READY = PodFact("demo-server-a", ready=True, deleting=False, trouble=None)
STARTING = replace(READY, ready=False)
JOB = JobFact(T0, None, False, "", None)
PASSED = Snapshot(
    generation=1, preflight=PreflightFact(None), target_exists=False, replicas=None, pods=(), scaler_exists=False,
    scaler=None, job=None, load_start=None, report=None, bundle_sealed=False, leftovers=())
AT_ZERO = replace(PASSED, target_exists=True, replicas=0)
MADE = replace(AT_ZERO, scaler_exists=True, scaled_object=ScaledObjectFact(None, None, "", ""))
AT_REST = replace(MADE, scaled_object=QUIET, scaler=DISABLED)
LOADED = replace(AT_REST, job=JOB, load_start=T0)
WAKING = replace(LOADED, replicas=1, scaled_object=ACTIVE, pods=(STARTING,))
AWAKE = replace(WAKING, pods=(READY,), scaler=READS)


def planned(environment: Environment, body: dict[str, Any], query: str = SENT, **fields: Any) -> TestPlan:
    trigger = {"type": "prometheus", "metadata": {"query": query, "threshold": "2"}}
    scaled = {"minReplicaCount": 0, "maxReplicaCount": 4, "triggers": [trigger], **fields}
    body["spec"]["autoscaler"] = {"type": "ScaledObject", "scaledObject": scaled}
    return TestPlan(parse(body), environment)


@pytest.fixture
def keda(environment: Environment, demo_body: dict[str, Any]) -> TestPlan:
    return planned(environment, demo_body)


def after(plan: TestPlan, *snapshots: Snapshot, seconds: float = 0) -> Status:
    status = Status()
    for seen in snapshots:
        status = decide(plan, status, seen, T0 + timedelta(seconds=seconds)).status
    return status


@pytest.mark.parametrize(("fields", "replicas"), [
    ({}, 0), ({"minReplicaCount": 1, "idleReplicaCount": 0}, 0), ({"minReplicaCount": 2}, 2),
    ({"minReplicaCount": 3, "idleReplicaCount": 1}, 1)])
def test_the_target_starts_with_what_keda_keeps_without_load(
    environment: Environment, demo_body: dict[str, Any], fields: dict[str, int], replicas: int
) -> None:
    plan = planned(environment, demo_body, **fields)
    assert plan.initial_replicas == replicas
    assert deployment(plan)["spec"]["replicas"] == replicas


def test_a_wake_may_wait_for_kedas_poll(environment: Environment, demo_body: dict[str, Any]) -> None:
    assert delay_budget(planned(environment, demo_body, pollingInterval=5))["kedaPolling"] == 5.0
    assert "kedaPolling" not in delay_budget(planned(environment, demo_body, minReplicaCount=1))


@pytest.mark.parametrize(("seen", "action"), [
    pytest.param(PASSED, Action.CREATE_TARGET, id="first the target, without a replica"),
    pytest.param(AT_ZERO, Action.CREATE_SCALER, id="then the autoscaler, as no replica is awaited"),
    pytest.param(MADE, None, id="KEDA's first poll is awaited"),
    pytest.param(replace(AT_REST, scaled_object=BROKEN), None, id="and that its triggers work"),
    pytest.param(AT_REST, Action.CREATE_LOAD, id="then the load is made, although the HPA is disabled"),
    pytest.param(replace(AT_REST, scaler=None), Action.CREATE_LOAD, id="or has not synced yet"),
    pytest.param(replace(AT_REST, scaled_object=ACTIVE), None, id="an active trigger is about to wake it"),
    pytest.param(replace(AT_REST, pods=(replace(READY, deleting=True),)), None, id="a Pod that is leaving is awaited"),
    pytest.param(replace(WAKING, job=None, load_start=None), None, id="woken before the load, its Pod is awaited"),
    pytest.param(replace(AWAKE, job=None, load_start=None), Action.CREATE_LOAD, id="and the load begins as it is"),
    pytest.param(WAKING, None, id="woken by the load, its end is awaited"),
])
def test_the_next_step_follows_from_what_is_there(keda: TestPlan, seen: Snapshot, action: Action | None) -> None:
    decision = decide(keda, Status(), seen, T0)
    assert decision.action is action
    assert decision.status.failure is None


def test_a_whole_run_from_zero_to_zero_says_at_each_step_what_the_target_does(keda: TestPlan) -> None:
    status, said = Status(), []
    for seen in (PASSED, AT_ZERO, MADE, AT_REST, LOADED, WAKING, AWAKE, LOADED):
        status = decide(keda, status, seen, T0).status
        target, metrics = (status.conditions.get(kind) for kind in ("TargetReady", "MetricsAvailable"))
        said.append((target and target.reason, metrics and metrics.reason))
    assert said == [
        ("TargetStarting", None), ("NoReplicasWanted", "MetricsAwaited"), ("NoReplicasWanted", "MetricsAwaited"),
        ("NoReplicasWanted", "AutoscalerAtRest"), ("NoReplicasWanted", "AutoscalerAtRest"),
        ("TargetWaking", "MetricsAwaited"), ("FirstReplicaReady", "MetricsSeen"),
        ("NoReplicasWanted", "AutoscalerAtRest")]
    assert phase_of(status) == "Loading"
    assert status.target_ready_time == T0
    over = replace(LOADED, job=replace(JOB, ended=T0 + timedelta(seconds=60)))
    ended = decide(keda, status, over, T0 + timedelta(seconds=61)).status
    assert ended.load_end_time is not None
    settled = decide(keda, ended, over, T0 + timedelta(seconds=1000))
    assert settled.action is Action.JUDGE
    assert settled.status.failure is None


def test_an_operator_that_restarts_at_any_step_goes_on_as_if_it_had_not(keda: TestPlan) -> None:
    status = Status()
    for seen in (PASSED, AT_ZERO, MADE, AT_REST, LOADED, WAKING, AWAKE, LOADED):
        status = decide(keda, status, seen, T0).status
        restarted = replace(seen, preflight=None)
        again = decide(keda, status_from(to_json(status)), restarted, T0)
        assert again.action is decide(keda, status, restarted, T0).action
        assert to_json(again.status) == to_json(decide(keda, status, restarted, T0).status)


def test_triggers_that_read_only_the_absent_server_are_named_before_the_load(
    environment: Environment, demo_body: dict[str, Any]
) -> None:
    plan = planned(environment, demo_body, WAITING)
    decision = decide(plan, after(plan, PASSED, AT_ZERO, MADE), AT_REST, T0)
    assert decision.action is Action.CREATE_LOAD
    doubt = decision.status.conditions["MetricsAvailable"]
    assert (doubt.status, doubt.reason) == ("Unknown", "WakeDoubtful")
    assert "the load cannot wake it" in doubt.message


@pytest.mark.parametrize(("seen", "reason", "words"), [
    pytest.param(replace(MADE, scaled_object=BROKEN), "ScaledObjectNotReady", "Failed to ensure HPA", id="no HPA"),
    pytest.param(MADE, "ScaledObjectNotReady", "KEDA has reported nothing", id="KEDA does not run"),
    pytest.param(replace(AT_REST, scaled_object=replace(BROKEN, reason="TriggerError")), "ScaledObjectNotReady",
                 "TriggerError", id="a trigger fails at zero"),
    pytest.param(replace(AT_REST, scaled_object=replace(QUIET, paused=True), scaler=None), "ScaledObjectNotReady",
                 "paused by an annotation", id="KEDA is paused"),
])
def test_an_autoscaler_that_does_not_work_ends_the_run_with_kedas_words_and_not_with_the_metric(
    keda: TestPlan, seen: Snapshot, reason: str, words: str
) -> None:
    status = after(keda, PASSED, AT_ZERO, seen)
    assert status.failure is None
    late = decide(keda, status, seen, T0 + timedelta(seconds=181)).status
    assert late.failure == reason
    assert words in late.conditions["MetricsAvailable"].message


def test_a_target_that_cannot_start_when_it_is_woken_ends_the_run(keda: TestPlan) -> None:
    status = after(keda, PASSED, AT_ZERO, MADE, AT_REST, LOADED, WAKING)
    stuck = replace(WAKING, pods=(replace(STARTING, trouble=("ImagePullBackOff", "not found")),))
    assert decide(keda, status, stuck, T0 + timedelta(seconds=40)).status.failure is None
    late = decide(keda, status, stuck, T0 + timedelta(seconds=50)).status
    assert late.failure == "ImagePullFailed"


def test_a_target_that_is_deleted_at_zero_is_not_made_again(keda: TestPlan) -> None:
    status = after(keda, PASSED, AT_ZERO, MADE, AT_REST, LOADED)
    gone = replace(LOADED, target_exists=False, replicas=None)
    assert decide(keda, status, gone, T0).status.failure == "TargetGone"


def of_hpa(environment: Environment, body: dict[str, Any]) -> TestPlan:
    hpa = body["spec"]["autoscaler"]["horizontalPodAutoscaler"]
    hpa.update(minReplicas=0, behavior={"scaleDown": {"stabilizationWindowSeconds": 60}})
    return TestPlan(parse(body), environment)


def test_an_hpa_has_to_remove_the_first_replica_itself_and_is_taken_as_it_is_when_it_does_not(
    environment: Environment, demo_body: dict[str, Any]
) -> None:
    plan = of_hpa(environment, demo_body)
    assert plan.initial_replicas == 1
    one = replace(AT_ZERO, replicas=1, pods=(READY,), scaler_exists=True, scaler=READS)
    status = after(plan, PASSED, replace(one, scaler_exists=False, scaler=None), one)
    assert "removed the replica" in status.conditions["MetricsAvailable"].message
    waiting = decide(plan, status, one, T0 + timedelta(seconds=200))
    assert (waiting.action, waiting.status.failure) == (None, None)
    zero = replace(one, replicas=0, pods=())
    assert decide(plan, status, zero, T0 + timedelta(seconds=200)).action is Action.CREATE_LOAD
    assert decide(plan, status, one, T0 + timedelta(seconds=241)).action is Action.CREATE_LOAD


def test_an_hpa_that_others_set_to_zero_is_disabled_and_its_metric_is_not_blamed(
    environment: Environment, demo_body: dict[str, Any], plan: TestPlan
) -> None:
    for mine in (of_hpa(environment, demo_body), plan):
        status = after(mine, PASSED, replace(AT_ZERO, replicas=1, pods=(READY,)))
        zero = replace(AT_ZERO, scaler_exists=True, scaler=DISABLED)
        status = replace(status, target_ready_time=T0)
        late = decide(mine, status, zero, T0 + timedelta(seconds=1000)).status
        assert late.failure == "AutoscalerDisabled"


@pytest.mark.parametrize("kind", ["HorizontalPodAutoscaler", "None"])
def test_a_second_autoscaler_of_the_target_ends_the_run_by_its_name(
    environment: Environment, demo_body: dict[str, Any], kind: str
) -> None:
    if kind == "None":
        demo_body["spec"]["autoscaler"] = {"type": "None"}
    plan = TestPlan(parse(demo_body), environment)
    fought = replace(AT_ZERO, replicas=1, pods=(READY,), rivals=("of-the-team",))
    status = decide(plan, Status(), fought, T0).status
    assert status.failure == "AutoscalerConflict"
    assert "of-the-team" in status.conditions["MetricsAvailable"].message


def test_a_selector_that_two_autoscalers_share_is_named_and_the_metric_is_not_blamed(plan: TestPlan) -> None:
    ambiguous = ScalerFact(False, "AmbiguousSelector", "pods by selector a=b are controlled by multiple HPAs", None)
    seen = replace(AT_ZERO, replicas=1, pods=(READY,), scaler_exists=True, scaler=ambiguous)
    late = decide(plan, after(plan, PASSED, seen), seen, T0 + timedelta(seconds=181)).status
    assert late.failure == "AutoscalerConflict"
    assert "multiple HPAs" in late.conditions["MetricsAvailable"].message
