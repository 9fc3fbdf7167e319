"""Verdicts, each with its sentence."""
from __future__ import annotations

import pytest

from elastometer.analysis.verdict.objectives import judge_objective, overall
from elastometer.model.measurements import Duration
from elastometer.model.report import ObjectiveResult, Verdict
from elastometer.model.request import Outcome, RecordedRequest, request_from
from elastometer.model.terms import Indicator, Objective


def record(number: int, first_token_ms: int | None, outcome: Outcome = Outcome.SUCCESS) -> RecordedRequest:
    found = request_from({
        "id": number, "stage": "plateau", "intendedTime": "2026-01-01T00:00:00Z", "outcome": outcome.value,
        "firstTokenTime": None if first_token_ms is None else f"2026-01-01T00:00:{first_token_ms / 1000:09.6f}Z",
        "endTime": "2026-01-01T00:00:50Z",
    })
    assert found is not None
    return found


def objective(indicator: Indicator, percentile: int = 95, ms: int | None = None, percent: int | None = None,
              stage: str | None = None) -> Objective:
    return Objective("one", indicator, percentile, ms, percent, stage)


def first_token(bound: int, records: list[RecordedRequest], percentile: int = 95) -> ObjectiveResult:
    wanted = objective(Indicator.TIME_TO_FIRST_TOKEN, percentile, ms=bound, stage="plateau")
    return judge_objective(wanted, records, [], [])


def cold(bound: int, *figures: Duration) -> ObjectiveResult:
    return judge_objective(objective(Indicator.COLD_START, ms=bound), [], [], figures)


def test_a_percentile_above_its_bound_fails_with_both_numbers_and_the_rule():
    result = first_token(2000, [record(number, 2410) for number in range(20)])
    assert result.verdict is Verdict.FAIL
    assert result.message == "`ttft` p95 2410 ms exceeds 2000 ms in stage 'plateau' (n=20)"


def test_a_percentile_at_its_bound_passes():
    result = first_token(2410, [record(number, 2410) for number in range(20)])
    assert result.verdict is Verdict.PASS
    assert result.message == "`ttft` p95 2410 ms is within 2410 ms in stage 'plateau' (n=20)"


def test_enough_values_have_an_interval_and_a_bound_within_it_is_named():
    """Of 100 values, the 90th and the 100th are the order statistics of p95 with at most 2.5 % on each side."""
    rising = [record(number, 10 * (number + 1)) for number in range(100)]
    far = first_token(2000, rising)
    assert far.message == "`ttft` p95 950 ms is within 2000 ms in stage 'plateau' (n=100, 95 % interval 900 to 1000 ms)"
    near = first_token(955, rising)
    assert near.verdict is Verdict.PASS
    assert near.message.endswith("(n=100, 95 % interval 900 to 1000 ms; the bound lies within it: another run could "
                                 "get another verdict)")
    assert "the bound lies within it" in first_token(940, rising).message
    assert "the bound lies within it" not in first_token(890, rising).message


def test_requests_without_a_first_token_leave_the_interval_open_above():
    some = [record(number, 10 * (number + 1)) for number in range(96)]
    lost = [record(96 + number, None, Outcome.TIMED_OUT) for number in range(4)]
    assert "95 % interval 900 ms or more" in first_token(2000, [*some, *lost]).message


def test_the_percentile_is_a_value_that_was_observed():
    values = [record(number, 100 * (number + 1)) for number in range(20)]
    assert first_token(10_000, values).measured == 1900.0


def test_no_request_at_all_is_inconclusive_and_not_a_zero():
    result = first_token(2000, [])
    assert (result.verdict, result.measured) == (Verdict.INCONCLUSIVE, None)


def test_requests_without_a_first_token_are_too_slow_where_they_decide():
    answered = [record(number, 100) for number in range(90)]
    refused = [record(number, None, Outcome.REFUSED) for number in range(90, 100)]
    result = first_token(2000, answered + refused)
    assert result.verdict is Verdict.FAIL
    assert "10 of 100 requests got no first token" in result.message


def test_a_few_requests_without_a_first_token_leave_a_percentile_that_they_cannot_reach():
    answered = [record(number, 100) for number in range(99)]
    assert first_token(2000, [*answered, record(99, None, Outcome.REFUSED)]).verdict is Verdict.PASS


@pytest.mark.parametrize(("failed", "verdict"), [(0, Verdict.PASS), (1, Verdict.PASS), (2, Verdict.FAIL)])
def test_a_share_meets_its_bound_exactly_or_not(failed: int, verdict: Verdict):
    records = [record(number, 10, Outcome.STALLED if number < failed else Outcome.SUCCESS) for number in range(100)]
    result = judge_objective(objective(Indicator.REQUEST_SUCCESS, percent=99), records, [], [])
    assert result.verdict is verdict


def test_a_share_just_below_its_bound_never_reads_as_the_bound():
    records = [record(number, 10, Outcome.STALLED if number < 101 else Outcome.SUCCESS) for number in range(10_001)]
    result = judge_objective(objective(Indicator.REQUEST_SUCCESS, percent=99), records, [], [])
    assert result.verdict is Verdict.FAIL
    assert "98.99 % is below 99 %" in result.message


def test_a_duration_is_judged_at_both_ends_of_its_uncertainty():
    assert cold(10_000, Duration(9_000, 500)).verdict is Verdict.PASS
    assert cold(10_000, Duration(9_900, 1000)).verdict is Verdict.INCONCLUSIVE
    assert cold(10_000, Duration(10_100, 1000)).verdict is Verdict.INCONCLUSIVE
    assert cold(10_000, Duration(11_100, 1000)).verdict is Verdict.FAIL


def test_a_duration_with_an_end_in_a_watch_gap_is_inconclusive_only_if_the_bound_lies_within_it():
    note = "'ready' fell into a watch gap: nothing was watched for 9.0 s"
    hidden = Duration(9_600, 500, note=note)
    assert cold(10_200, hidden).verdict is Verdict.PASS
    assert cold(9_000, hidden).verdict is Verdict.FAIL
    assert cold(10_000, hidden).verdict is Verdict.INCONCLUSIVE
    assert cold(10_000, hidden).message == (
        f"`cold start` p95 cannot be judged against 10000 ms: it lies between 9100 and 10100 ms: {note} (n=1)")


def test_a_duration_without_an_end_is_inconclusive_however_long_it_may_have_been():
    result = cold(10_000, Duration(at_least_milliseconds=2_000, reason="the Pod was gone before 'ready'"))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "the Pod was gone" in result.message


def test_a_pod_that_was_not_ready_after_longer_than_the_bound_fails_without_a_number():
    result = cold(10_000, Duration(at_least_milliseconds=60_000, reason="'ready' was not seen before the record ended"))
    assert result.verdict is Verdict.FAIL
    assert result.message == "`cold start` p95 of at least 60000 ms exceeds 10000 ms (n=0 of 1)"


def test_a_median_that_a_hole_cannot_move_is_still_judged():
    figures = [Duration(1000, 2), Duration(1100, 2), Duration(reason="an added Pod was never seen")]
    result = judge_objective(objective(Indicator.SCALE_OUT_LAG, percentile=50, ms=2000), [], figures, [])
    assert (result.verdict, result.message) == (
        Verdict.PASS, "`scale-out lag` p50 1000 ms is within 2000 ms (n=2 of 3)")


def test_without_any_added_pod_a_cold_start_is_inconclusive():
    assert cold(10_000).message == "`cold start` cannot be judged: no Pod was added"


def result(verdict: Verdict) -> ObjectiveResult:
    return ObjectiveResult("one", "ColdStart", verdict, "said", 1.0, 1.0, "ms", 1, None)


@pytest.mark.parametrize(("verdicts", "expected"), [
    ([], Verdict.NOT_JUDGED),
    ([Verdict.PASS, Verdict.PASS], Verdict.PASS),
    ([Verdict.PASS, Verdict.INCONCLUSIVE], Verdict.INCONCLUSIVE),
    ([Verdict.INCONCLUSIVE, Verdict.FAIL], Verdict.FAIL),
])
def test_the_overall_verdict_is_the_gravest(verdicts: list[Verdict], expected: Verdict):
    assert overall([result(one) for one in verdicts], [])[0] is expected


def test_a_generator_that_fell_behind_makes_even_a_failure_inconclusive():
    verdict, reason, message = overall([result(Verdict.FAIL)], [("LoadFellBehind", "worker 0 was late")])
    assert (verdict, reason, message) == (Verdict.INCONCLUSIVE, "LoadFellBehind", "worker 0 was late")
