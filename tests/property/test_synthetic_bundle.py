"""The report of a synthetic bundle says what the prediction says, number by number, whatever the model does."""
from __future__ import annotations

from dataclasses import replace
from math import ceil, isnan
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from elastometer.analysis.analyze import judge
from elastometer.cli.base.offline import checked_spec
from elastometer.model.capacity import Capacity
from elastometer.model.prediction_basis import PredictionBasis
from elastometer.model.report import Report
from elastometer.plan import Environment, TestPlan
from elastometer.twin.engine import predict
from elastometer.twin.forecast.autoscaler import planned_autoscaler
from elastometer.twin.forecast.planned import Assumed, planned_scenario
from elastometer.twin.forecast.planned_load import planned_load
from elastometer.twin.forecast.predicted_run import PredictedRun
from elastometer.twin.forecast.synthetic import predicted_syncs, synthetic_bundle

ROOT = Path(__file__).parents[2]
NOWHERE = Environment("", "", "", 0, "", "")
BASIS = PredictionBasis("elastometer 0", "a capacity", "cold starts", "an HPA", 0)


def predicted_run(rate: str, changes: dict[str, Any], **scenario: Any) -> PredictedRun:
    test = yaml.safe_load((ROOT / "manifests/samples/demo.yaml").read_text())
    test["spec"]["load"]["stages"] = [
        {"name": "calm", "type": "Rate", "durationSeconds": 20, "endRequestsPerSecond": "1"},
        {"name": "busy", "type": "Rate", "durationSeconds": 60, "endRequestsPerSecond": rate}]
    test["spec"]["load"]["timeoutSeconds"] = 30
    test["spec"]["objectives"] = []
    test["spec"]["autoscaler"]["horizontalPodAutoscaler"] |= changes
    plan = TestPlan(checked_spec("test.yaml", test), NOWHERE)
    scaler = planned_autoscaler(plan)
    assumed = Assumed(Capacity(4, 0.02, 0.0, 0.04, 0.001), "", (10.0, 12.0), "")
    wanted = replace(planned_scenario(plan, scaler, assumed, planned_load(plan.spec.profile), seed=1), **scenario)
    return PredictedRun(plan, wanted, predict(wanted), BASIS, scaler.document)


def judged(case: PredictedRun) -> Report:
    return judge(synthetic_bundle(case), predicted_syncs(case))


def merged(steps: Any, start: float) -> list[tuple[float, int]]:
    """Steps to the millisecond, of equal neighbours the first, of one instant the last."""
    found: list[tuple[float, int]] = []
    for at, value in steps:
        if found and found[-1][0] == round(at, 3):
            found.pop()
        if not found or found[-1][1] != value:
            found.append((round(at, 3), value))
    return found


cases = st.builds(
    predicted_run, st.sampled_from(["2", "5", "9"]),
    st.fixed_dictionaries({"minReplicas": st.integers(1, 2), "maxReplicas": st.integers(2, 5)}),
    cold_starts=st.sampled_from([(1.0,), (5.0, 20.0), (200.0,)]), grace_seconds=st.sampled_from([0.0, 6.0, 30.0]),
    seed=st.integers(0, 50))


@given(cases)
@settings(max_examples=25, deadline=None)
def test_the_replicas_of_the_report_are_those_of_the_prediction(case: PredictedRun):
    report, prediction = judged(case), case.prediction
    assert merged(report.timeline.spec, 0) == merged(prediction.desired, 0)
    assert merged(report.timeline.ready, 0) == merged(prediction.ready, 0)
    assert merged(report.timeline.serving, 0) == merged(prediction.ready, 0)
    moves = list(zip(prediction.desired, prediction.desired[1:], strict=False))
    assert [(one.from_replicas, one.to_replicas) for one in report.scale_events] == [
        (before, after) for (_, before), (_, after) in moves]
    assert [one.seen.seconds for one in report.scale_events] == pytest.approx([at for _, (at, _) in moves], abs=0.001)
    added = [one for one in prediction.replicas if one.created > case.scenario.start_seconds]
    assert len(report.cold_starts) == len(added)
    known = [one.ready - one.created for one in added if one.ready is not None and one.ready <= prediction.end_seconds]
    assert sorted(one.cold_start.milliseconds for one in report.cold_starts
                  if one.cold_start.milliseconds is not None) == pytest.approx(
                      sorted(1000 * one for one in known), abs=0.2)


@given(cases)
@settings(max_examples=25, deadline=None)
def test_the_latencies_and_losses_of_the_report_are_those_of_the_prediction(case: PredictedRun):
    report, prediction = judged(case), case.prediction
    total = report.load[-1]
    firsts = sorted(first - one.at for first, one in zip(prediction.first_token, case.scenario.arrivals, strict=True)
                    if not isnan(first))
    assert total.count == len(case.scenario.arrivals)
    assert total.outcomes.get("Success", 0) == sum(not isnan(one) for one in prediction.ended)
    for percent, value in ((50, total.time_to_first_token.p50), (95, total.time_to_first_token.p95)):
        assert value == pytest.approx(1000 * firsts[max(0, ceil(percent / 100 * len(firsts)) - 1)], abs=0.1)
    assert [row.count for row in report.load[:-1]] == [
        sum(one.stage == index for one in case.scenario.arrivals) for index in range(2)]


@given(cases)
@settings(max_examples=15, deadline=None)
def test_the_account_of_the_autoscaler_agrees_with_every_decision_of_the_prediction(case: PredictedRun):
    account = judged(case).autoscaler
    assert account.reason is None
    assert sum(row.count for row in account.rows) == len(case.prediction.syncs)
    assert all(row.agrees is not False for row in account.rows)
    assert [(one.from_replicas, one.to_replicas) for one in account.changes] == [
        (one.before, one.after) for one in case.prediction.syncs if one.before != one.after]


def test_what_is_held_is_what_the_prediction_pays_for():
    case = predicted_run("9", {})
    report, prediction = judged(case), case.prediction
    held = sum(min(one.gone or prediction.end_seconds, prediction.end_seconds) - max(one.created, 0.0)
               for one in prediction.replicas)
    assert report.price is not None
    assert len(prediction.replicas) > 2
    assert report.price.paid_replica_seconds == pytest.approx(held, abs=0.2)


def test_an_unserved_request_times_out_and_one_without_a_replica_is_refused():
    slow = judged(predicted_run("9", {"maxReplicas": 2}, cold_starts=(200.0,)))
    assert slow.load[-1].outcomes["TimedOut"] > 0
    none = judged(predicted_run("5", {}, initial_replicas=0))
    assert none.load[-1].outcomes["Refused"] > 0
