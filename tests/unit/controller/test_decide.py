"""A run's life as facts: what is decided at each snapshot."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from elastometer.controller.decide import decide
from elastometer.controller.decision import Action
from elastometer.model.snapshot import (
    JobFact,
    PodFact,
    PreflightFact,
    RefusalFact,
    ReportFact,
    ScalerFact,
    Snapshot,
)
from elastometer.model.spec import parse
from elastometer.model.status import Status, phase_of, status_from, to_json
from elastometer.plan import Environment, TestPlan

T0 = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
NOTHING = Snapshot(
    generation=1,
    preflight=None,
    target_exists=False,
    replicas=None,
    pods=(),
    scaler_exists=False,
    scaler=None,
    job=None,
    load_start=None,
    report=None,
    bundle_sealed=False,
    leftovers=(),
)
READY = PodFact("demo-server-a", ready=True, deleting=False, trouble=None)
STARTING = PodFact("demo-server-a", ready=False, deleting=False, trouble=None)
ACTIVE = ScalerFact(True, "ValidMetricFound", "the HPA was able to calculate a replica count", 1)
BLIND = ScalerFact(False, "FailedGetPodsMetric", "unable to get metric nonsense", None)
JOB = JobFact(T0, None, False, "", None)
REPORT = ReportFact(
    "Pass", "", {"requestCount": 10}, ({"name": "served", "verdict": "Pass", "message": "100 % of 10"},)
)

PASSED = replace(NOTHING, preflight=PreflightFact(None))
CREATED = replace(PASSED, target_exists=True, pods=(STARTING,))
SERVING = replace(CREATED, pods=(READY,))
SCALED = replace(SERVING, scaler_exists=True, scaler=ACTIVE)
JOBBED = replace(SCALED, job=JOB)
LOADED = replace(JOBBED, load_start=T0)
OVER = replace(LOADED, job=replace(JOB, ended=T0 + timedelta(seconds=180)))


def after(plan: TestPlan, *snapshots: Snapshot, seconds: float = 0) -> Status:
    status = Status()
    for seen in snapshots:
        status = decide(plan, status, seen, T0 + timedelta(seconds=seconds)).status
    return status


@pytest.mark.parametrize(
    ("seen", "action"),
    [
        pytest.param(NOTHING, Action.PREFLIGHT, id="first everything is checked"),
        pytest.param(PASSED, Action.CREATE_TARGET, id="then the target is made"),
        pytest.param(CREATED, None, id="its first replica is awaited"),
        pytest.param(SERVING, Action.CREATE_SCALER, id="then the autoscaler is made"),
        pytest.param(replace(SERVING, scaler_exists=True), None, id="its first sync is awaited"),
        pytest.param(SCALED, Action.CREATE_LOAD, id="then the load is made"),
        pytest.param(JOBBED, None, id="its workers are awaited"),
        pytest.param(LOADED, None, id="its end is awaited"),
    ],
)
def test_the_next_step_follows_from_what_is_there(plan: TestPlan, seen: Snapshot, action: Action | None) -> None:
    decision = decide(plan, Status(), seen, T0)
    assert decision.action is action
    assert decision.status.failure is None


def test_a_whole_run_ends_with_the_reports_verdict_and_nothing_left(plan: TestPlan) -> None:
    life = (NOTHING, PASSED, CREATED, SERVING, SCALED, JOBBED, LOADED)
    status = after(plan, *life)
    assert phase_of(status) == "Loading"
    status = decide(plan, status, OVER, T0 + timedelta(seconds=181)).status
    assert status.load_end_time == T0 + timedelta(seconds=181)
    settling = decide(plan, status, OVER, T0 + timedelta(seconds=200))
    assert settling.action is None
    assert phase_of(settling.status) == "Settling"
    later = T0 + timedelta(seconds=260)
    assert decide(plan, status, OVER, later).action is Action.JUDGE
    judged = replace(NOTHING, report=REPORT, bundle_sealed=True, leftovers=("Deployment/demo-server",))
    assert decide(plan, status, judged, later).action is Action.CLEAN_UP
    done = decide(plan, status, replace(judged, leftovers=()), later).status
    assert done.finished
    assert done.verdict == "Pass"
    assert phase_of(done) == "Completed"
    assert done.is_true("Succeeded")


def test_a_load_of_unknown_end_is_awaited_until_its_job_is_over_and_no_longer_than_it_may_take(
    environment: Environment, demo_body: dict[str, Any]
) -> None:
    count = {"name": "count", "type": "Concurrency", "concurrency": 2, "requests": 10}
    demo_body["spec"]["load"] = {"stages": [count], "timeoutSeconds": 60}
    demo_body["spec"].pop("objectives")
    plan = TestPlan(parse(demo_body), environment)
    status = after(plan, LOADED)
    assert status.conditions["LoadDelivered"].message == "at most 300 s of load began at 12:00:00 UTC"
    latest = 300 + 60 + 120
    assert after(plan, LOADED, LOADED, seconds=latest).failure is None
    assert after(plan, LOADED, OVER, seconds=181).load_end_time == T0 + timedelta(seconds=181)
    late = decide(plan, status, LOADED, T0 + timedelta(seconds=latest + 1)).status
    assert late.failure == "LoadDeadlineExceeded"


def test_a_target_is_kept_when_the_policy_says_so(environment: Environment, demo_body: dict[str, Any]) -> None:
    demo_body["spec"]["cleanupPolicy"] = "Retain"
    plan = TestPlan(parse(demo_body), environment)
    status = replace(after(plan, NOTHING), load_end_time=T0)
    judged = replace(NOTHING, report=REPORT, bundle_sealed=True, leftovers=("Deployment/demo-server",))
    assert decide(plan, status, judged, T0).status.finished


@pytest.mark.parametrize(
    ("trouble", "seconds", "reason"),
    [
        pytest.param(("ErrImagePull", "not found"), 10, None, id="a pull may fail once"),
        pytest.param(("ImagePullBackOff", "not found"), 60, "ImagePullFailed", id="not indefinitely"),
        pytest.param(("CrashLoopBackOff", "back-off"), 60, "TargetCrashing", id="a crash loop ends the run"),
        pytest.param(("Unschedulable", "0/1 nodes"), 60, "Unschedulable", id="no node ends the run"),
        pytest.param(None, 119, None, id="a slow start is awaited"),
        pytest.param(None, 121, "ReadyDeadlineExceeded", id="until the deadline"),
    ],
)
def test_a_target_that_does_not_start_ends_the_run_in_bounded_time(
    plan: TestPlan, trouble: tuple[str, str] | None, seconds: float, reason: str | None
) -> None:
    status = after(plan, NOTHING, PASSED)
    stuck = replace(CREATED, pods=(replace(STARTING, trouble=trouble),))
    decision = decide(plan, status, stuck, T0 + timedelta(seconds=seconds))
    assert decision.status.failure == reason
    if reason is not None:
        assert decision.action is Action.JUDGE
        assert decision.status.conditions["Succeeded"].reason == reason
        assert decision.status.verdict == "Inconclusive"


def test_a_metric_that_nobody_serves_ends_the_run_with_the_autoscalers_words(plan: TestPlan) -> None:
    blind = replace(SERVING, scaler_exists=True, scaler=BLIND)
    status = after(plan, NOTHING, PASSED, CREATED, SERVING, blind)
    assert status.conditions["MetricsAvailable"].status == "Unknown"
    late = decide(plan, status, blind, T0 + timedelta(seconds=181))
    assert late.status.failure == "MetricsMissing"
    assert "FailedGetPodsMetric" in late.status.conditions["MetricsAvailable"].message


def test_a_metric_lost_under_load_is_said_and_does_not_end_the_run(plan: TestPlan) -> None:
    status = after(plan, NOTHING, PASSED, CREATED, SERVING, SCALED, JOBBED, LOADED, replace(LOADED, scaler=BLIND))
    assert status.conditions["MetricsAvailable"].reason == "MetricsMissing"
    assert status.failure is None


@pytest.mark.parametrize(
    ("seen", "seconds", "reason"),
    [
        pytest.param(JOBBED, 181, "LoadNotStarted", id="workers that never come"),
        pytest.param(
            replace(JOBBED, job=replace(JOB, failed=True)), 5, "LoadNotStarted", id="workers that fail at once"
        ),
        pytest.param(
            replace(LOADED, job=replace(JOB, failed=True, ended=T0)), 5, "LoadJobFailed", id="a Job that fails"
        ),
        pytest.param(LOADED, 400, "LoadDeadlineExceeded", id="a load that does not end"),
    ],
)
def test_a_load_that_goes_wrong_ends_the_run(plan: TestPlan, seen: Snapshot, seconds: float, reason: str) -> None:
    status = after(plan, NOTHING, PASSED, CREATED, SERVING, SCALED, seen)
    assert decide(plan, status, seen, T0 + timedelta(seconds=seconds)).status.failure == reason


def test_a_flaw_found_before_anything_is_made_ends_the_run_with_its_own_condition(plan: TestPlan) -> None:
    flawed = replace(NOTHING, preflight=PreflightFact(("Accepted", "InsufficientCapacity", "9 replicas need 9 GPUs")))
    status = decide(plan, Status(), flawed, T0).status
    assert status.conditions["Accepted"].status == "False"
    assert status.failure == "InsufficientCapacity"


def test_deciding_again_on_the_same_facts_asks_for_the_same_and_moves_no_time(plan: TestPlan) -> None:
    for seen in (NOTHING, PASSED, CREATED, SERVING, SCALED, JOBBED, LOADED):
        once = decide(plan, Status(), seen, T0)
        twice = decide(plan, once.status, seen, T0 + timedelta(seconds=1))
        assert twice.action is once.action
        assert to_json(twice.status) == to_json(once.status)


def test_a_restarted_operator_reads_from_the_status_what_it_wrote(plan: TestPlan) -> None:
    status = after(plan, NOTHING, PASSED, CREATED, SERVING, SCALED, JOBBED, LOADED)
    assert to_json(status_from(to_json(status))) == to_json(status)


def test_a_finished_test_is_left_alone(plan: TestPlan) -> None:
    assert decide(plan, Status(completion_time=T0), NOTHING, T0).action is None


def test_a_spec_that_moved_ends_the_run(plan: TestPlan) -> None:
    assert decide(plan, after(plan, NOTHING), replace(NOTHING, generation=2), T0).status.failure == "SpecChanged"


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        pytest.param(replace(LOADED, target_exists=False), "TargetGone", id="the target"),
        pytest.param(replace(LOADED, scaler_exists=False, scaler=None), "AutoscalerGone", id="the autoscaler"),
        pytest.param(replace(LOADED, job=None), "LoadJobFailed", id="the load"),
        pytest.param(replace(LOADED, job=None, scaler=BLIND), "LoadJobFailed", id="the load of a blind autoscaler"),
    ],
)
def test_what_somebody_deletes_under_load_ends_the_run_inconclusive(
    plan: TestPlan, seen: Snapshot, reason: str
) -> None:
    status = after(plan, NOTHING, PASSED, CREATED, SERVING, SCALED, JOBBED, LOADED)
    decision = decide(plan, status, seen, T0 + timedelta(seconds=10))
    assert decision.status.failure == reason
    assert decision.status.verdict == "Inconclusive"
    assert decision.action is Action.JUDGE


def test_a_refusal_that_lasts_ends_the_run_and_one_that_passes_does_not(plan: TestPlan) -> None:
    seen = replace(SCALED, refusal=RefusalFact("CreateLoad", "exceeded quota: pods", T0))
    status = after(plan, NOTHING, PASSED, CREATED, SERVING, SCALED)
    assert decide(plan, status, seen, T0 + timedelta(seconds=20)).action is Action.CREATE_LOAD
    ended = decide(plan, status, seen, T0 + timedelta(seconds=31)).status
    assert ended.failure == "CreationRefused"
    assert "exceeded quota" in ended.conditions["LoadDelivered"].message


def test_what_is_not_deleted_is_named_and_not_waited_for_indefinitely(plan: TestPlan) -> None:
    status = after(plan, NOTHING, PASSED, CREATED, SERVING, SCALED, JOBBED, LOADED)
    status = replace(status, load_end_time=T0)
    held = replace(NOTHING, report=REPORT, bundle_sealed=True, leftovers=("ScaledObject/x",), cleaning_since=T0)
    assert decide(plan, status, held, T0 + timedelta(seconds=119)).action is Action.CLEAN_UP
    done = decide(plan, status, held, T0 + timedelta(seconds=121)).status
    assert done.verdict == "Pass"
    assert "ScaledObject/x" in done.conditions["CleanedUp"].message
    assert to_json(done)["bundleRef"]


def test_a_condition_of_another_controller_is_kept_and_breaks_nothing(plan: TestPlan) -> None:
    ours = to_json(after(plan, NOTHING, PASSED, CREATED))
    theirs = {**ours["conditions"][0], "type": "team.example/Reviewed"}
    again = to_json(status_from({**ours, "conditions": [theirs, *ours["conditions"]]}))
    assert again["conditions"] == [*ours["conditions"], theirs]


def test_a_verdict_invalidated_by_the_load_says_so_and_not_that_objectives_are_missing(plan: TestPlan) -> None:
    said = "10 requests were never sent: their scheduled time passed before their worker (re)started"
    flawed = replace(REPORT, verdict="Inconclusive", verdict_reason="LoadIncomplete", verdict_message=said)
    judged = replace(NOTHING, report=flawed, bundle_sealed=True)
    status = after(plan, NOTHING, PASSED, CREATED, SERVING, SCALED, JOBBED, LOADED)
    done = decide(plan, replace(status, load_end_time=T0), judged, T0).status
    assert done.conditions["LoadDelivered"].reason == "LoadIncomplete"
    assert done.conditions["ObjectivesMet"].message == said


def test_a_missed_objective_is_called_by_the_report_s_own_word_in_the_condition(plan: TestPlan) -> None:
    missed = replace(REPORT, verdict="Fail", verdict_reason="ObjectivesMissed", verdict_message="first: too slow")
    judged = replace(NOTHING, report=missed, bundle_sealed=True)
    status = after(plan, NOTHING, PASSED, CREATED, SERVING, SCALED, JOBBED, LOADED)
    done = decide(plan, replace(status, load_end_time=T0), judged, T0).status
    met = done.conditions["ObjectivesMet"]
    assert (met.status, met.reason, done.verdict) == ("False", "ObjectivesMissed", "Fail")


def test_what_the_server_said_when_it_rejected_everything_leads_the_condition_and_loses_no_run(plan: TestPlan) -> None:
    said = "every request (10 of 10) was rejected by the server with status 404: no such model"
    failed = {"name": "served", "verdict": "Fail", "message": "0 % of 10"}
    report = replace(REPORT, verdict="Fail", verdict_reason="ObjectivesMissed", objectives=(failed,), rejection=said)
    judged = replace(NOTHING, report=report, bundle_sealed=True)
    status = after(plan, NOTHING, PASSED, CREATED, SERVING, SCALED, JOBBED, LOADED)
    done = decide(plan, replace(status, load_end_time=T0), judged, T0).status
    assert done.conditions["ObjectivesMet"].message == f"{said}; served: 0 % of 10"
    assert (done.verdict, done.conditions["Succeeded"].status, done.failure) == ("Fail", "True", None)
