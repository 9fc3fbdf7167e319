"""The preset Health: a steady rate, and the four measures with what is healthy and what is abnormal."""
from __future__ import annotations

from dataclasses import replace

import pytest

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.requests.served_rate import served_rate
from elastometer.analysis.scaling.health import health_rows
from elastometer.analysis.verdict.judged import judge_objectives
from elastometer.model.health import HealthPart, HealthState
from elastometer.model.report import ObjectiveResult
from elastometer.model.request import RecordedRequest
from elastometer.model.terms import terms_from
from elastometer_loadgen.base.record import Outcome
from support.load_records import evidence_of, request, stage

HEALTH = terms_from({"spec": {"objectives": [{"name": "health", "preset": "Health", "stageName": "all"}]}}).objectives


def served(counts: list[int], seconds: float = 0.5) -> list[RecordedRequest]:
    """So many requests that end in each bin of 10 s, evenly."""
    return [request(100 * index + number, 10 * index + 10 * (number + 0.5) / count - seconds, seconds)
            for index, count in enumerate(counts) for number in range(count)]


def world(records: list[RecordedRequest], end: float) -> Evidence:
    return evidence_of(records, stage("all", 0.0, end), objectives=HEALTH)


def rate_row(counts: list[int]) -> ObjectiveResult:
    evidence = world(served(counts), 10.0 * len(counts))
    return judge_objectives(evidence, (), (), None)[-1]


def test_served_requests_are_counted_by_their_end_and_a_bin_that_is_cut_is_left_out():
    evidence = world(served([20, 30, 25, 20, 20, 20, 20]), 65.0)
    assert served_rate(evidence, "all").counts == (20, 30, 25, 20, 20, 20)


def test_the_bins_of_a_stage_begin_behind_its_warm_up():
    counts = [90, 5, *[20] * 6]
    evidence = evidence_of(served(counts), replace(stage("all", 0.0, 80.0), warmup_seconds=20.0), objectives=HEALTH)
    assert served_rate(evidence, "all").counts == (20,) * 6


def test_a_request_that_was_not_served_is_in_no_bin():
    records = served([20] * 6)
    lost = request(900, 5.0, 1.0, outcome=Outcome.TIMED_OUT)
    assert served_rate(world([*records, lost], 60.0), "all").counts == (20,) * 6


def test_a_steady_rate_passes_with_its_variation_and_interval():
    found = rate_row([100, 104, 96, 100, 102, 98])
    assert (found.verdict, found.measured, found.bound, found.unit) == ("Pass", 0.0, 10.0, "%")
    assert "varies by 0.0 % beyond chance, which is within 10 % in stage 'all' (n=6 bins of 10 s, 600 requests, " \
           "95 % interval 0.0 to" in found.message


def test_a_swinging_rate_fails_with_both_numbers():
    """Mean 100, variance 1,080: √(0.108 − 0.01) = 31.3 %."""
    found = rate_row([130, 70, 130, 70, 130, 70])
    assert (found.verdict, found.measured) == ("Fail", pytest.approx(31.3, abs=0.05))
    assert "exceeds 10 %" in found.message


def test_a_rate_that_falls_fails_whatever_its_variation():
    """One bin of twenty at 49 % of the median: the variation alone is within the abnormal bound."""
    found = rate_row([100] * 19 + [49])
    assert found.verdict == "Fail"
    assert "`served rate` fell to 49 % of its median in stage 'all', less than 50 %" in found.message
    assert rate_row([100] * 19 + [50]).message.startswith("`served rate` varies by")


@pytest.mark.parametrize(("counts", "why"), [
    ([100] * 5, "5 bins of 10 s are fewer than 6"),
    ([9] * 6, "9 requests in a bin of 10 s (median) are fewer than 10"),
])
def test_too_few_bins_or_requests_are_inconclusive(counts: list[int], why: str):
    found = rate_row(counts)
    assert (found.verdict, found.measured) == ("Inconclusive", None)
    assert found.message == f"`served rate` cannot be judged in stage 'all': {why}"


def rows(evidence: Evidence) -> dict[HealthPart, tuple[HealthState, float | None]]:
    found = health_rows(evidence, judge_objectives(evidence, (), (), None))
    return {one.part: (one.state, one.measured) for one in found}


def test_a_healthy_service_is_healthy_in_all_four_measures():
    assert {state for state, _ in rows(world(served([100] * 6), 60.0)).values()} == {HealthState.HEALTHY}


def test_each_measure_has_its_own_bounds():
    """1.5 s of mean latency lie between 1 and 2 s; p99 of the same lies within 2 s."""
    found = rows(world(served([100] * 6, seconds=1.5), 60.0))
    assert found[HealthPart.MEAN] == (HealthState.BETWEEN, 1500.0)
    assert found[HealthPart.P99] == (HealthState.HEALTHY, 1500.0)
    slow = rows(world(served([100] * 6, seconds=2.5), 60.0))
    assert slow[HealthPart.MEAN] == (HealthState.ABNORMAL, 2500.0)
    assert slow[HealthPart.P99] == (HealthState.BETWEEN, 2500.0)


def test_p99_is_abnormal_near_the_time_out_of_the_load():
    evidence = world(served([100] * 6, seconds=27.5), 60.0)
    evidence = replace(evidence, spec={"spec": {"load": {"timeoutSeconds": 30}}})
    found = health_rows(evidence, judge_objectives(evidence, (), (), None))
    p99 = next(one for one in found if one.part is HealthPart.P99)
    assert (p99.state, p99.abnormal) == (HealthState.ABNORMAL, 27_000.0)


def test_lost_requests_below_the_bound_are_abnormal_with_their_interval():
    lost = [request(5000 + number, number, 1.0, outcome=Outcome.TIMED_OUT) for number in range(12)]
    evidence = world([*served([100] * 6), *lost], 60.0)
    row = health_rows(evidence, judge_objectives(evidence, (), (), None))[0]
    assert (row.part, row.state, row.measured) == (HealthPart.SUCCESS, HealthState.ABNORMAL, 98.03)
    assert row.interval is not None
    assert 96.5 < row.interval.low < 98.03 < row.interval.high < 99


def test_a_test_without_the_preset_has_no_rows():
    evidence = evidence_of(served([100] * 6), stage("all", 0.0, 60.0))
    assert health_rows(evidence, ()) == ()


def test_without_requests_nothing_is_judged_and_each_row_says_why():
    evidence = world([], 60.0)
    found = health_rows(evidence, judge_objectives(evidence, (), (), None))
    assert [one.state for one in found] == [HealthState.NOT_JUDGED] * 4
    assert all(one.measured is None and one.reason for one in found)
