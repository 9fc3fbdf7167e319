"""Findings about scaling: each has a world in which it fires, and one in which it must not."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from elastometer.analysis.analyze import judge
from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.replicas import ReplicaCurves
from elastometer.analysis.evidence.steps import Steps
from elastometer.analysis.findings.facts import Facts
from elastometer.analysis.findings.never_triggered import never_triggered
from elastometer.analysis.findings.scaling import scaling_findings
from elastometer.analysis.run import DerivedRun
from elastometer.model.autoscaler import AutoscalerAccount, MetricReading, SyncRow
from elastometer.model.bundle import Bundle
from elastometer.model.estimates import Difference, Interval
from elastometer.model.first_starts import Fetched, PhaseDifference, StartKind
from elastometer.model.measurements import Timeline
from elastometer.model.observation import ObjectKind, ObjectSeen, Sighting
from elastometer.model.report import Finding, Quality, Report
from elastometer.model.scaleout_gains import BeforeAfter, Gain, ScaleOutGain
from elastometer.model.start_class import Presence
from elastometer.model.terms import Terms
from support.load_records import evidence_of, request

NOTHING = ScaleOutGain(
    1, 1, 2, 58.0, Gain.NOTHING, rate=BeforeAfter(5.0, 5.1, Difference(0.1, Interval(-0.4, 0.6))),
    mean_milliseconds=BeforeAfter(3000.0, 3050.0, Difference(50.0, Interval(-200.0, 300.0))),
    cpu_per_replica=BeforeAfter(1.9, 0.95, Difference(-0.95, None)), was_needed="4.0 requests waited on average")
GAINED = replace(NOTHING, number=2, gain=Gain.GAINED)
OPEN = replace(NOTHING, number=3, gain=Gain.CANNOT_TELL)
PULLED, THERE = Fetched(image=Presence.ABSENT), Fetched(image=Presence.PRESENT)


@pytest.fixture(scope="module")
def empty() -> Report:
    return judge(Bundle(terms=Terms()))


def names(report: Report) -> list[str]:
    return [one.name for one in scaling_findings(report)]


def test_replicas_that_added_nothing_are_named_with_every_number(empty: Report):
    found, = scaling_findings(replace(empty, scale_out_gains=(NOTHING, OPEN)))
    assert (found.name, found.severity) == ("ReplicasAddedNothing", "Problem")
    assert found.evidence == (
        "1 to 2 at +58 s, +0.1 requests/s (-0.4 to +0.6), mean latency +0.05 s (-0.20 to +0.30), CPU per replica "
        "1.90 to 0.95 cores, although 4.0 requests waited on average")


def test_a_run_in_which_any_scale_out_helped_is_not_blamed_for_another(empty: Report):
    assert names(replace(empty, scale_out_gains=(NOTHING, GAINED))) == []
    assert names(replace(empty, scale_out_gains=(OPEN,))) == []
    assert names(empty) == []


def kind(fetched: Fetched, median: float, *, first: bool = False, count: int = 2) -> StartKind:
    return StartKind(fetched, count, 0, first, 1000 * median, 1000 * median, 1000 * median)


def test_a_slow_first_start_is_named_with_the_phase_that_makes_it_slow(empty: Report):
    phase = PhaseDifference("download", "download of the weights", 30_000.0, 0.0)
    first = replace(kind(PULLED, 40.0, first=True, count=1), difference=phase)
    found, = scaling_findings(replace(empty, first_starts=(first, kind(THERE, 10.0, count=3))))
    assert (found.name, found.severity) == ("SlowFirstStart", "Warning")
    assert found.evidence == (
        "40.0 s, against 10.0 s (median of 3) later; most of the difference is download of the weights: 30.0 s, "
        "against none")


@pytest.mark.parametrize("kinds", [
    pytest.param((kind(PULLED, 40.0, first=True),), id="nothing to compare with"),
    pytest.param((kind(PULLED, 14.9, first=True), kind(THERE, 10.0)), id="less than five seconds"),
    pytest.param((kind(PULLED, 62.0, first=True), kind(THERE, 50.0)), id="less than a third"),
    pytest.param((kind(THERE, 10.0, first=True), kind(PULLED, 40.0)), id="a later start was the slow one"),
])
def test_a_first_start_like_the_others_is_no_finding(empty: Report, kinds: tuple[StartKind, ...]):
    assert names(replace(empty, first_starts=kinds)) == []


def hpa(window: int, tolerance: str | None = "0.4", kind: str = "Resource") -> ObjectSeen:
    rules = {"stabilizationWindowSeconds": window, **({} if tolerance is None else {"tolerance": tolerance})}
    body = {"spec": {"behavior": {"scaleUp": rules}, "metrics": [{"type": kind}]}}
    return ObjectSeen(0, ObjectKind.AUTOSCALER, Sighting.LISTED, body)


def account(values: Mapping[float, float | None], name: str = "cpu", target: float = 50.0) -> AutoscalerAccount:
    """One sync at each second, with the metric's value then."""
    def row(at: float, value: float | None) -> SyncRow:
        reading = MetricReading(name, value, target, " %", None, None, None, None if value is not None else "no metric")
        return SyncRow(at, True, 1, 1, (reading,), name, 1, 1, (), 1, None, 1, True, None)
    return AutoscalerAccount(rows=tuple(row(at, value) for at, value in values.items()))


def facts(seen: AutoscalerAccount, scaler: ObjectSeen, requests: int = 9, maximum: int = 4) -> Facts:
    evidence: Evidence = evidence_of(request(number, number, 1.0) for number in range(requests))
    deployment = ObjectSeen(0, ObjectKind.DEPLOYMENT, Sighting.LISTED, {"spec": {"replicas": 1}})
    evidence = replace(evidence, autoscalers=(scaler,), deployments=(deployment,),
                       terms=replace(evidence.terms, maximum_replicas=maximum))
    nothing = Steps(())
    curves = ReplicaCurves(nothing, nothing, nothing, nothing, nothing, nothing)
    run = DerivedRun(Bundle(evidence.terms), evidence, (), (), curves)
    return Facts(run, (), (), Timeline(), Quality(), (), seen, ())


def only(found: Facts) -> Finding:
    one, = never_triggered(found)
    return one


def test_a_peak_shorter_than_the_window_is_named_with_both_times():
    """Above 70 % at 30 and 45 s: for 15 s at least, and for less than the 45 s between the syncs around them."""
    found = only(facts(account({0: 20, 15: 60, 30: 74, 45: 82, 60: 55, 75: 30}), hpa(60)))
    assert found.name == "ScalingNeverTriggered"
    assert found.evidence.endswith(
        "up to 4 replicas. The metric cpu passed 70 % for 15 to 45 s (peak 82 %); the scale-up window is 60 s")
    assert "shorten `behavior.scaleUp.stabilizationWindowSeconds`" in found.advice
    assert "Scale on running or waiting requests" in found.advice


def test_the_longest_of_several_spells_counts():
    found = only(facts(account({0: 80, 15: 20, 30: 75, 45: 75, 60: 75, 75: 20}), hpa(60)))
    assert "for 30 to 60 s (peak 80 %)" in found.evidence


def test_a_metric_that_stayed_below_its_threshold_gets_advice_about_its_target():
    found = only(facts(account({0: 20, 15: 66}), hpa(0)))
    assert "The metric cpu rose to 66 % and never passed 70 %, its target of 50 % with the tolerance" in found.evidence
    assert "Lower the target of cpu below 66 %" in found.advice


def test_a_test_without_a_tolerance_has_the_controllers_own():
    assert "never passed 55 %" in only(facts(account({0: 54}), hpa(0, None))).evidence


def test_a_queue_metric_gets_the_advice_of_a_queue():
    found = only(facts(account({0: 0, 15: 1}, "vllm_num_requests_waiting", 4.0), hpa(0, kind="Pods")))
    assert "A queue metric stays 0 until the batch is full: lower `--max-num-seqs`" in found.advice
    assert "CPU usage" not in found.advice


def test_a_metric_above_its_threshold_for_longer_than_the_window_points_to_the_account():
    found = only(facts(account(dict.fromkeys(range(0, 120, 15), 90.0)), hpa(30)))
    assert "for 105 s (peak 90 %)" in found.evidence
    assert "look in the autoscaler's account at what held the replicas" in found.advice


def test_without_room_requests_or_readings_nothing_is_invented():
    assert list(never_triggered(facts(account({0: 90}), hpa(0), maximum=1))) == []
    assert list(never_triggered(facts(account({0: 90}), hpa(0), requests=0))) == []
    found = only(facts(AutoscalerAccount(), hpa(0)))
    assert found.evidence.endswith("although the autoscaler may keep up to 4 replicas")
    assert "Compare the metric's peak with its target." in found.advice
