"""Objectives on a mean, on one task, and on a share with decimals."""

import pytest

from elastometer.analysis.verdict.objectives import judge_objective
from elastometer.model.measurements import Duration
from elastometer.model.request import RecordedRequest
from elastometer.model.terms import Indicator, Objective, terms_from
from elastometer.model.units import MILLISECOND
from elastometer.model.verdict import Verdict
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.stages.objectives import Statistic


def request(number: int, milliseconds: int | None, task: str = "chat", stage: str = "crowd") -> RecordedRequest:
    at = number * 1000 * MILLISECOND
    end = at + (milliseconds or 30_000) * MILLISECOND
    served = milliseconds is not None
    return RecordedRequest(
        id=number, worker=0, stage=stage, task=task, intended=at, send=at, connect=None, first_byte=None,
        first_token=end if served else None, last_token=end if served else None, end=end, chunks=1, prompt_tokens=1,
        completion_tokens=1, finish_reason=None, status=200 if served else None,
        outcome=Outcome.SUCCESS if served else Outcome.TIMED_OUT, error=None, pod=None, address=None)


def mean(bound: int, **more: str) -> Objective:
    return Objective("o", Indicator.REQUEST_LATENCY, 95, bound, None, more.get("stage"), task=more.get("task"),
                     statistic=Statistic.MEAN)


@pytest.mark.parametrize(("bound", "verdict", "message"), [
    (300, Verdict.PASS, "`latency` mean 300 ms is within 300 ms (n=3)"),
    (299, Verdict.FAIL, "`latency` mean 300 ms exceeds 299 ms (n=3)"),
])
def test_a_mean_is_judged_against_its_bound(bound: int, verdict: Verdict, message: str) -> None:
    records = [request(0, 100), request(1, 200), request(2, 600)]
    result = judge_objective(mean(bound), records, [], [])
    assert (result.verdict, result.message, result.measured) == (verdict, message, 300.0)


def test_requests_without_a_value_are_left_out_of_a_mean_and_counted() -> None:
    result = judge_objective(mean(1000), [request(0, 100), request(1, None)], [], [])
    assert (result.verdict, result.message) == (
        Verdict.PASS, "`latency` mean 100 ms is within 1000 ms (n=1; 1 request without a value left out)")


def test_a_mean_of_nothing_cannot_be_judged() -> None:
    result = judge_objective(mean(1000, stage="elsewhere"), [request(0, 100)], [], [])
    assert (result.verdict, result.message) == (
        Verdict.INCONCLUSIVE, "`latency` mean cannot be judged in stage 'elsewhere': none of 0 requests has a value")


def test_a_mean_of_many_says_what_another_run_might_show() -> None:
    """Twenty blocks of ten requests whose means alternate between 95 and 105 ms."""
    records = [request(number, 95 if number // 10 % 2 else 105) for number in range(200)]
    result = judge_objective(mean(101), records, [], [])
    assert result.message == (
        "`latency` mean 100 ms is within 101 ms (n=200, 95 % interval 98 to 102 ms; the bound lies within it: another "
        "run could get another verdict)")


def test_an_objective_on_a_task_judges_only_the_requests_of_it() -> None:
    records = [request(0, 100, "mood"), request(1, 900, "chat"), request(2, 100, "mood", "quiet")]
    limit = Objective("o", Indicator.REQUEST_LATENCY, 100, 500, None, "crowd", task="mood")
    result = judge_objective(limit, records, [], [])
    assert (result.verdict, result.message, result.task) == (
        Verdict.PASS, "`latency` p100 100 ms is within 500 ms for task 'mood' in stage 'crowd' (n=1)", "mood")
    served = Objective("s", Indicator.REQUEST_SUCCESS, 95, None, 99, None, task="chat")
    assert judge_objective(served, records, [], []).count == 1


def test_a_share_with_decimals_is_compared_exactly() -> None:
    """2 lost of 1,000 are 99.80 %, and no more than 99.8 % is asked for."""
    records = [request(number, None if number < 2 else 10) for number in range(1000)]
    spec = {"spec": {"objectives": [
        {"name": name, "indicator": "RequestSuccess", "minimumPercent": bound}
        for name, bound in (("met", "99.8"), ("missed", "99.81"), ("whole", 99))]}}
    met, missed, whole = terms_from(spec).objectives
    assert (met.minimum_percent, whole.minimum_percent) == (99.8, 99)
    results = [judge_objective(one, records, [], []) for one in (met, missed, whole)]
    assert [(one.verdict, one.bound) for one in results] == [
        (Verdict.PASS, 99.8), (Verdict.FAIL, 99.81), (Verdict.PASS, 99.0)]
    assert results[1].message == "`request success` 99.80 % is below 99.81 % (n=1000, 2 not served)"


def test_the_mean_of_figures_with_an_open_end_is_not_known() -> None:
    limit = Objective("o", Indicator.COLD_START, 95, 1000, None, None, statistic=Statistic.MEAN)
    known = [Duration(milliseconds=400.0), Duration(milliseconds=1200.0)]
    assert judge_objective(limit, (), [], known).message == "`cold start` mean 800 ms is within 1000 ms (n=2)"
    never = Duration(at_least_milliseconds=500.0, reason="it was never Ready")
    assert judge_objective(limit, (), [], [*known, never]).verdict is Verdict.INCONCLUSIVE
    late = Duration(at_least_milliseconds=5000.0, reason="it was never Ready")
    assert judge_objective(limit, (), [], [*known, late]).verdict is Verdict.FAIL


def test_a_share_is_shown_with_as_many_decimals_as_its_bound() -> None:
    """9,995 of 10,000 meet 99.95 % and not 99.951 %: 99.95 % would read as if both were met."""
    records = [request(number, None if number < 5 else 10) for number in range(10_000)]
    limit = Objective("o", Indicator.REQUEST_SUCCESS, 95, None, 99.951, None)
    assert judge_objective(limit, records, [], []).message == (
        "`request success` 99.950 % is below 99.951 % (n=10000, 5 not served)")
