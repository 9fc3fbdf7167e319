"""Objectives on answers, and what is said of requests that were sent again."""
from __future__ import annotations

import pytest

from elastometer.analysis.requests.latency import load_row
from elastometer.analysis.verdict.objectives import judge_objective
from elastometer.cli.base.exits import CliError
from elastometer.cli.what_if.objectives import judged_by
from elastometer.model.bundle import Bundle
from elastometer.model.report import ObjectiveResult, Verdict
from elastometer.model.request import RecordedRequest, request_from
from elastometer.model.terms import Indicator, Objective, Terms, terms_from

FIRST = {"outcome": "Refused", "status": None, "error": "connection refused"}


def record(number: int, failure: str | None = None, task: str = "extract", stage: str = "peak",
           checks: dict[str, str | None] | None = None, **more: object) -> RecordedRequest:
    found = request_from({
        "id": number, "stage": stage, "task": task, "intendedTime": "2026-01-01T00:00:00Z", "outcome": "Success",
        "checks": {"JSONSchema": failure} if checks is None else checks, **more})
    assert found is not None
    return found


def judged(records: list[RecordedRequest], bound: int = 99, **more: str) -> ObjectiveResult:
    wanted = {"name": "json-valid", "indicator": "AnswerCheck", "checkType": "JSONSchema", "minimumPercent": bound}
    (one,) = terms_from({"spec": {"objectives": [{**wanted, **more}]}}).objectives
    return judge_objective(one, records, [], [])


def answers(good: int, bad: int) -> list[RecordedRequest]:
    return [record(number, "NotJSON" if number < bad else None) for number in range(good + bad)]


def test_too_many_failures_miss_the_bound_with_both_numbers_the_count_and_the_interval():
    result = judged(answers(good=133, bad=15))
    assert (result.verdict, result.measured, result.bound, result.unit, result.count) == (
        Verdict.FAIL, 89.86, 99.0, "%", 148)
    assert (result.check, result.task, result.stage) == ("JSONSchema", None, None)
    assert result.message == ("`answer check JSONSchema` 89.86 % is below 99 % (n=148, 15 failed, 95 % interval 83.95 "
                              "to 93.76 %)")


def test_enough_good_answers_meet_it():
    result = judged(answers(good=999, bad=1), bound=95)
    assert (result.verdict, result.measured) == (Verdict.PASS, 99.9)
    assert result.message == ("`answer check JSONSchema` 99.90 % meets 95 % (n=1000, 1 failed, 95 % interval 99.44 to "
                              "99.98 %)")


@pytest.mark.parametrize(("bad", "verdict"), [(0, Verdict.PASS), (1, Verdict.PASS), (2, Verdict.FAIL)])
def test_the_run_is_judged_as_measured_and_a_bound_within_the_interval_is_reported(bad: int, verdict: Verdict):
    result = judged(answers(good=100 - bad, bad=bad))
    assert result.verdict is verdict
    assert result.message.endswith("%; the bound lies within it: another run could get another verdict)")


def test_that_every_answer_passed_does_not_promise_it_of_the_next_run():
    result = judged(answers(good=500, bad=0), bound=100)
    assert result.verdict is Verdict.PASS
    assert "(n=500, 0 failed, 95 % interval 99.24 to 100.00 %; the bound lies within it" in result.message


def test_a_share_just_below_its_bound_never_reads_as_the_bound():
    result = judged(answers(good=9900, bad=101))
    assert (result.verdict, result.measured) == (Verdict.FAIL, 98.99)


def test_answers_that_no_check_could_judge_leave_the_objective_inconclusive():
    result = judged([record(number, checks={"Crosstalk": None}) for number in range(12)])
    assert (result.verdict, result.measured, result.count) == (Verdict.INCONCLUSIVE, None, 0)
    assert result.message == (
        "`answer check JSONSchema` cannot be judged: the check could judge none of the answers to 12 requests")


def test_no_request_at_all_is_inconclusive():
    result = judged([], stageName="peak", taskName="extract")
    assert (result.verdict, result.message) == (
        Verdict.INCONCLUSIVE,
        "`answer check JSONSchema` cannot be judged for task 'extract' in stage 'peak': no request was recorded")


def test_a_task_and_a_stage_narrow_what_is_judged():
    records = [*answers(good=10, bad=0), record(20, "NotJSON", task="list"), record(21, "NotJSON", stage="calm")]
    assert judged(records).count == 12
    result = judged(records, bound=50, taskName="extract", stageName="peak")
    assert (result.verdict, result.count, result.measured) == (Verdict.PASS, 10, 100.0)
    assert "meets 50 % for task 'extract' in stage 'peak' (n=10, 0 failed" in result.message


def test_unjudged_answers_are_reported_and_those_of_other_tasks_are_not():
    records = [*answers(good=8, bad=0), record(20, checks={}), record(21, task="poem", checks={"MinimumTokens": None})]
    assert "(n=8 of 9 requests, 0 failed" in judged(records, bound=50).message


def test_success_after_a_second_attempt_does_not_hide_the_first():
    records = [record(0), record(1, attempts=2, firstAttempt=FIRST), record(2, attempts=2, firstAttempt=FIRST),
               record(3, outcome="Refused", attempts=2, firstAttempt=FIRST)]
    row = load_row("peak", records)
    assert (row.success_percent, row.first_attempt_success_percent, row.sent_again) == (75.0, 25.0, 3)
    served = judge_objective(Objective("served", Indicator.REQUEST_SUCCESS, 95, None, 70, None), records, [], [])
    assert served.message == ("`request success` 75.00 % meets 70 % (n=4, 1 not served; at the first attempt 3 not "
                              "served, 3 sent again)")


def test_without_a_second_attempt_both_shares_are_one():
    row = load_row("peak", [record(0), record(1, outcome="Refused")])
    assert (row.success_percent, row.first_attempt_success_percent, row.sent_again) == (50.0, 50.0, 0)
    assert (load_row("peak", []).first_attempt_success_percent, load_row("peak", []).sent_again) == (None, 0)


def test_what_if_refuses_an_objective_that_no_replay_of_decisions_can_judge():
    with pytest.raises(CliError, match="indicator must be one of TimeToFirstToken, TimePerOutputToken, "):
        judged_by(Bundle(terms=Terms()), ["{indicator: AnswerCheck, minimumPercent: 99}"])
