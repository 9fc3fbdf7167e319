"""What a scale-out brought.

    0 s        60 s: 1 → 2 decided      70 s: the new Pod served      100 s      120 s
    |  before: 30 to 60 s  |            |  after: 70 to 100 s         |
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from elastometer.analysis.evidence.evidence import PodHistory
from elastometer.analysis.evidence.replicas import ReplicaCurves
from elastometer.analysis.evidence.scaling import Change
from elastometer.analysis.evidence.steps import Steps
from elastometer.analysis.resources_used.measurements import Measurements
from elastometer.analysis.run import DerivedRun
from elastometer.analysis.scaling import gains
from elastometer.analysis.scaling.gained import held_again
from elastometer.analysis.scaling.gains import climbs, scale_out_gains
from elastometer.analysis.starts.coldstart import Start
from elastometer.model.bundle import Bundle
from elastometer.model.measurements import Origin
from elastometer.model.observation import ObjectKind, ObjectSeen, Sighting
from elastometer.model.request import RecordedRequest
from elastometer.model.scaleout_gains import Gain, ScaleOutGain
from elastometer.model.terms import Indicator, Objective, StageWindow
from elastometer.model.units import SECOND
from elastometer_loadgen.base.record import Outcome
from support.load_records import evidence_of, request, stage

OBJECTIVE = Objective("fast", Indicator.REQUEST_LATENCY, 95, 2000, None, None)
DECIDED, SERVED, END = 60.0, 70.0, 120.0


def requests(start: float, end: float, per_second: int, seconds: float, pods: str = "a") -> list[RecordedRequest]:
    """So many a second that end between `start` and `end`, each after so many seconds, on the pods in turns."""
    count = round((end - start) * per_second)
    return [request(round(1000 * start) + number, start + (number + 0.5) / per_second - seconds, seconds,
                    pod=pods[number % len(pods)]) for number in range(count)]


def change(at: float, before: int, after: int, number: int = 1) -> Change:
    seen = ObjectSeen(round(at * SECOND), ObjectKind.DEPLOYMENT, Sighting.MODIFIED, {"spec": {"replicas": after}})
    return Change(number, before, after, seen, None, None)


def started(name: str, of: Change) -> Start:
    pod = PodHistory(name, name, (ObjectSeen(0, ObjectKind.POD, Sighting.ADDED, {"metadata": {"name": name}}),))
    return Start(pod, (), {}, (), (), None, of, Origin.SCALE_OUT)


def run_of(records: Iterable[RecordedRequest], *changes: Change, stages: tuple[StageWindow, ...] = (),
           served: float | None = SERVED) -> DerivedRun:
    """The first change adds the Pod b, which serves its first request at `served`."""
    evidence = evidence_of(records, *(stages or (stage("all", 0.0, END),)), objectives=(OBJECTIVE,))
    ends = {"a": 0} | ({} if served is None else {"b": round(served * SECOND)})
    changes = changes or (change(DECIDED, 1, 2),)
    curves = Steps.of([(0.0, 1.0), (SERVED - 1, 2.0)])
    return DerivedRun(Bundle(evidence.terms), replace(evidence, first_ends=ends), changes,
                      (started("b", changes[0]),), ReplicaCurves(curves, curves, curves, curves, curves, curves))


def gain(records: Iterable[RecordedRequest], **how: object) -> ScaleOutGain:
    return scale_out_gains(run_of(records, **how), Measurements(reason="nothing was recorded"))[0]  # type: ignore[arg-type]


def doubled() -> list[RecordedRequest]:
    return [*requests(0, 70, 5, 3.0), *requests(70, END, 10, 1.5, "ab")]


def unchanged() -> list[RecordedRequest]:
    return [*requests(0, 30, 5, 1.0), *requests(30, 70, 5, 3.0), *requests(70, END, 5, 3.0, "ab")]


def test_a_scale_out_that_doubles_the_rate_gains_with_an_interval_that_excludes_zero():
    found = gain(doubled())
    assert (found.from_replicas, found.to_replicas, found.decided_seconds) == (1, 2, 60.0)
    assert found.before is not None
    assert found.after is not None
    assert (found.before.start_seconds, found.before.end_seconds, found.before.request_count) == (30.0, 60.0, 150)
    assert (found.after.start_seconds, found.after.end_seconds, found.after.request_count) == (70.0, 100.0, 300)
    assert (found.rate.before, found.rate.after) == (5.0, 10.0)
    assert found.rate.difference is not None
    assert (found.rate.difference.value, found.rate.difference.is_beyond_noise) == (5.0, True)
    assert (found.mean_milliseconds.before, found.mean_milliseconds.after) == (3000.0, 1500.0)
    assert found.p95_milliseconds.difference is not None
    assert found.p95_milliseconds.difference.value == -1500.0
    assert found.gain is Gain.GAINED


def test_objectives_that_hold_again_are_timed_from_the_decision():
    """Every second is missed until the last slow request was wanted at 66.9 s: they hold from 67 s on."""
    assert gain(doubled()).held_again_seconds == 7.0


def test_replicas_that_bring_nothing_are_named_where_they_were_needed():
    found = gain(unchanged())
    assert found.gain is Gain.NOTHING
    assert found.was_needed == (
        "objectives were missed in 30 of 30 s; the mean latency was 3.0 times the lowest of the run")
    assert found.held_again_seconds is None
    assert found.held_reason == "objectives were missed until the load ended"


def test_where_nothing_was_missing_no_gain_is_expected():
    """The same rate and the same latency throughout, all within the objective."""
    found = gain([*requests(0, 70, 5, 1.0), *requests(70, END, 5, 1.0, "ab")])
    assert (found.gain, found.was_needed) == (Gain.CANNOT_TELL, None)
    assert found.held_reason == "no objective was missed within 30 s of the decision"


def test_another_stage_in_between_leaves_open_whether_nothing_came():
    found = gain(unchanged(), stages=(stage("one", 0.0, 65.0), stage("two", 65.0, END)))
    assert found.gain is Gain.CANNOT_TELL
    assert found.notes == ("the load changed in between, to stage 'two'",)


def test_a_quieter_stage_that_is_served_sooner_is_no_gain_of_the_replicas():
    """From 5 requests a second in 3 s each to 1 in 1 s: less was asked for, and that alone makes it faster."""
    records = [*requests(0, 65, 5, 3.0), *requests(65, END, 1, 1.0, "ab")]
    found = gain(records, stages=(stage("busy", 0.0, 65.0), stage("calm", 65.0, END)))
    assert found.mean_milliseconds.difference is not None
    assert found.mean_milliseconds.difference.is_beyond_noise
    assert found.gain is Gain.CANNOT_TELL


def test_a_busier_stage_is_a_gain_only_where_replicas_were_missing_before():
    stages = (stage("calm", 0.0, 65.0), stage("busy", 65.0, END))
    fine = gain([*requests(0, 70, 5, 1.0), *requests(70, END, 10, 1.0, "ab")], stages=stages)
    assert (fine.gain, fine.was_needed) == (Gain.CANNOT_TELL, None)
    assert gain(doubled(), stages=stages).gain is Gain.GAINED


def test_a_second_change_within_the_windows_is_noted_and_cuts_the_later_one():
    second = change(95.0, 2, 3, number=2)
    found = gain(unchanged(), served=SERVED)
    both = scale_out_gains(run_of(unchanged(), change(DECIDED, 1, 2), second), Measurements())[0]
    assert found.after is not None
    assert both.after is not None
    assert (found.after.end_seconds, both.after.end_seconds) == (100.0, 95.0)
    soon = run_of(unchanged(), change(DECIDED, 1, 2), change(80.0, 2, 3, 2))
    assert scale_out_gains(soon, Measurements())[0].notes == (
        "the change from 2 to 3 replicas was decided within the windows too",)


@pytest.mark.parametrize(("served", "why"), [
    (None, "b served no request"),
    (105.0, "only 15 s of load lie after the last new Pod served, fewer than 20"),
])
def test_windows_that_do_not_exist_are_a_reason_and_no_zero(served: float | None, why: str):
    found = gain(doubled(), served=served)
    assert (found.gain, found.reason, found.rate.before) == (Gain.CANNOT_TELL, why, None)


def test_an_early_decision_has_too_little_load_before_it():
    found = scale_out_gains(run_of(doubled(), change(12.0, 1, 2)), Measurements())[0]
    assert found.reason == "only 12 s of load lie before the decision, fewer than 20"


def test_scale_outs_that_follow_each_other_are_compared_together_too():
    """1 → 2 at 60 s and 2 → 3 at 66 s: together from before the first to after the last, and nothing in between."""
    run = run_of(unchanged(), change(DECIDED, 1, 2), change(66.0, 2, 3, 2), change(110.0, 3, 1, 3))
    run = replace(run, starts=(*run.starts, started("b", run.changes[1])))
    first, second, both = scale_out_gains(run, Measurements())
    assert [(one.from_replicas, one.to_replicas, one.events) for one in (first, second, both)] == [
        (1, 2, 1), (2, 3, 1), (1, 3, 2)]
    assert both.before is not None
    assert both.after is not None
    assert (both.decided_seconds, both.before.end_seconds, both.after.start_seconds) == (60.0, 60.0, 70.0)
    assert (both.notes, both.gain) == ((), Gain.NOTHING)
    assert first.notes == ("the change from 2 to 3 replicas was decided within the windows too",)


def test_replicas_that_were_missing_at_any_step_were_missing_on_the_way_up():
    """Nothing is missing at 40 s; from 45 s on everything takes 3 s, so that something is at 66 s."""
    records = [*requests(0, 45, 5, 1.0), *requests(45, 70, 5, 3.0), *requests(70, END, 5, 3.0, "ab")]
    run = run_of(records, change(40.0, 1, 2), change(66.0, 2, 3, 2))
    run = replace(run, starts=(*run.starts, started("b", run.changes[1])))
    first, second, both = scale_out_gains(run, Measurements())
    assert first.was_needed is None
    assert both.was_needed == second.was_needed is not None


def test_a_scale_in_parts_the_scale_outs_before_and_after_it():
    outs = [change(10.0, 1, 2), change(20.0, 2, 1, 2), change(30.0, 1, 2, 3), change(40.0, 2, 3, 4)]
    assert [[one.number for one in climb] for climb in climbs(outs)] == [[1], [3, 4]]


def test_a_run_that_scales_out_without_end_is_compared_up_to_a_bound(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gains, "MOST_COMPARED", 1)
    first, second, both = scale_out_gains(
        run_of(doubled(), change(DECIDED, 1, 2), change(66.0, 2, 3, 2)), Measurements())
    assert (first.gain, first.reason) == (Gain.GAINED, None)
    assert second.reason == both.reason == "only the first 40 scale-outs of a run are compared"


def test_errors_are_compared_by_an_interval_of_their_difference():
    lost = [request(90_000 + number, 40 + number, 1.0, outcome=Outcome.TIMED_OUT) for number in range(10)]
    found = gain([*doubled(), *lost]).errors
    assert found.before is not None
    assert found.after is not None
    assert found.difference is not None
    assert (found.before.hits, found.before.count, found.after.hits) == (10, 160, 0)
    assert (found.difference.value, found.difference.is_beyond_noise) == (-6.25, True)


def test_cpu_that_was_not_measured_has_its_reason():
    found = gain(doubled()).cpu_per_replica
    assert (found.before, found.after, found.reason) == (None, None, "nothing was recorded")


def test_a_run_without_a_scale_out_has_no_rows():
    assert scale_out_gains(run_of(doubled(), change(DECIDED, 2, 1)), Measurements()) == ()


@pytest.mark.parametrize(("missed", "expected"), [
    (None, (None, "no objective is on requests")),
    (set(range(50, 75)), (15.0, None)),
    (set(range(50, 75)) | {90}, (31.0, None)),
    (set(range(50, 120)), (None, "objectives were missed until the load ended")),
    ({10}, (None, "no objective was missed within 30 s of the decision")),
])
def test_objectives_hold_again_when_none_is_missed_for_a_windows_length(
    missed: set[int] | None, expected: tuple[float | None, str | None]
):
    assert held_again(missed, 60.0, 140.0) == expected
