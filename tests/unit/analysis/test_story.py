"""The first screen: bad stretches that no objective covers, the worst minute, the sentences; on worlds made by hand.

    one request every second, in stages of 60 s; the waits for the first token are what each test says, in seconds
"""
from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from elastometer.analysis.analyze import judge, judge_run
from elastometer.analysis.story.advice_words import advice_sentence, change_words
from elastometer.analysis.story.from_findings import advice_from
from elastometer.analysis.story.sentences import sentences
from elastometer.model.bundle import Bundle
from elastometer.model.findings import FindingName, Severity
from elastometer.model.report import Finding, Report, Verdict
from elastometer.model.request import GeneratorSummary, RecordedRequest
from elastometer.model.story import (
    Advice,
    AdviceSource,
    Anchor,
    Change,
    Cost,
    Effect,
    Happened,
    MoreReplicas,
    SentenceKind,
    Story,
)
from elastometer.model.terms import Indicator, Objective, StageWindow, Terms
from elastometer.model.units import SECOND
from elastometer_loadgen.base.record import Outcome
from support.price_worlds import Replica, run_of, spec
from support.price_worlds import request as world_request

STAGES = ("calm", "ramp", "drop")
SERVED = Objective("served", Indicator.REQUEST_SUCCESS, 95, None, 99, None)


def request(second: int, wait: float | None) -> RecordedRequest:
    intended, end = second * SECOND, round((second + (wait or 1.0) + 0.5) * SECOND)
    first = None if wait is None else round((second + wait) * SECOND)
    return RecordedRequest(
        id=second, worker=0, stage=STAGES[second // 60], task="t", intended=intended, send=intended, connect=None,
        first_byte=first, first_token=first, last_token=None if first is None else end, end=end, chunks=2,
        prompt_tokens=1, completion_tokens=2, finish_reason=None, status=200,
        outcome=Outcome.TIMED_OUT if wait is None else Outcome.SUCCESS, error=None, pod=None, address=None)


def run(wait: Callable[[int], float | None], *objectives: Objective) -> Report:
    """180 s of load, judged by the objectives, success among them."""
    stages = tuple(StageWindow(name, 60.0 * place, 60.0 * place + 60, 1.0, 1.0) for place, name in enumerate(STAGES))
    terms = Terms(test="demo", namespace="team", stages=stages, objectives=(SERVED, *objectives))
    test = {"metadata": {"name": "demo"}, "spec": {}}
    requests = tuple(request(second, wait(second)) for second in range(180))
    worker = GeneratorSummary(0, "w", 180, 180, 0, 180, False, 1.0, 2.0, 50.0, None)
    return judge(Bundle(terms=terms, spec=test, start=0, requests=requests, generators=(worker,)))


def first_token(stage: str | None, bound: int = 500, percentile: int = 95) -> Objective:
    return Objective(f"first-token-{stage}", Indicator.TIME_TO_FIRST_TOKEN, percentile, bound, None, stage)


def slow(start: int, end: int, seconds: float = 6.0) -> Callable[[int], float]:
    """Requests of [start, end) wait that long, all others 0.1 s."""
    return lambda second: seconds if start <= second < end else 0.1


def blind(report: Report) -> list[Finding]:
    return [one for one in report.findings if one.name is FindingName.OBJECTIVE_BLIND]


def test_a_pass_with_a_bad_stretch_that_nothing_covers_says_so_first():
    report = run(slow(70, 100), first_token("calm"))
    assert report.verdict is Verdict.PASS
    first = report.story.sentences[0]
    assert first.kind is SentenceKind.BLIND
    assert first.text == ("The run passes, but no objective covers the 30 s in which p95 was above 5 s (time to first "
                          "token, stage 'ramp', at worst 6.00 s)")
    (finding,) = blind(report)
    assert "+70 to +100 s, at worst 6.0 s" in finding.evidence
    assert finding.advice.endswith(
        "`{name: first-token, indicator: TimeToFirstToken, percentile: 95, maximumMilliseconds: 2000}`.")


@pytest.mark.parametrize(("objectives", "fires"), [
    ((), True),
    ((first_token("calm"), first_token("drop")), True),
    ((first_token("ramp", 5000),), False),
    ((first_token(None, 5000),), False),
    ((Objective("whole", Indicator.REQUEST_LATENCY, 95, 60_000, None, "ramp"),), False),
    ((Objective("pace", Indicator.TIME_PER_OUTPUT_TOKEN, 95, 5000, None, "ramp"),), True),
    ((first_token("ramp", 5000, 50),), True),
    ((first_token("ramp", 5000, 89),), True),
    ((first_token("ramp", 5000, 90),), False),
], ids=lambda value: "" if isinstance(value, bool) else "+".join(one.name for one in value) or "none")
def test_it_is_blind_unless_first_token_or_latency_of_the_stage_is_bounded(
    objectives: Sequence[Objective], fires: bool,
):
    assert bool(blind(run(slow(70, 100), *objectives))) is fires


@pytest.mark.parametrize(("waits", "fires"), [
    (slow(70, 100, 5.1), True), (slow(70, 100, 5.0), False),
    # two windows of 5 s are the least
    (slow(70, 80), True), (slow(70, 75), False), (slow(70, 70), False),
], ids=["above 5 s", "5 s exactly", "10 s long", "5 s long", "never"])
def test_it_is_blind_from_5_s_of_waiting_in_10_s_on(waits: Callable[[int], float], fires: bool):
    assert bool(blind(run(waits))) is fires


def test_what_is_bad_grows_with_the_bounds_that_are_set_and_with_a_calm_that_is_slow_itself():
    assert not blind(run(slow(70, 100, 6.0), first_token("calm", 7000)))
    found = run(slow(70, 100, 8.0), first_token("calm", 7000)).story.blind
    assert found is not None
    assert (found.limit_milliseconds, found.proposed.maximum_milliseconds) == (7000, 7000)
    assert not blind(run(lambda second: 6.0 if 60 <= second < 120 else 2.1))
    by_calm = run(lambda second: 9.0 if 60 <= second < 120 else 2.1).story.blind
    assert by_calm is not None
    assert by_calm.limit_milliseconds == pytest.approx(6300)
    assert by_calm.rule == "3 times the median of the calmest stage"


def test_stretches_that_do_not_touch_are_two_and_their_seconds_are_added():
    found = run(lambda second: 6.0 if 65 <= second < 75 or 130 <= second < 145 else 0.1).story.blind
    assert found is not None
    assert [(one.start_seconds, one.end_seconds) for one in found.stretches] == [(65.0, 75.0), (130.0, 145.0)]
    assert (found.seconds, found.stages) == (25.0, ("ramp", "drop"))


def test_a_run_that_fails_and_is_blind_says_both():
    report = run(slow(50, 100), first_token("calm"))
    assert report.verdict is Verdict.FAIL
    assert report.story.sentences[0].text.startswith("No objective covers the 40 s in which p95 was above 5 s")


def test_the_worst_minute_is_the_one_with_the_most_missed_seconds_not_with_the_longest_wait():
    """Ten requests of 40 s in the first minute, forty of 3 s from 90 s on: by objective-miss seconds the later wins."""
    report = run(lambda second: 40.0 if second < 10 else 3.0 if 90 <= second < 130 else 0.1, first_token(None, 2000))
    worst = report.story.worst_minute
    assert worst is not None
    assert worst.miss_seconds == 40
    assert worst.start_seconds <= 90
    assert worst.end_seconds == worst.start_seconds + 60 >= 130
    assert worst.first_token_p95_milliseconds == 3000.0


def test_without_an_objective_on_requests_the_worst_minute_is_the_longest_wait():
    stages = (StageWindow("calm", 0.0, 180.0, 1.0, 1.0),)
    requests = tuple(replace(request(second, slow(100, 120)(second)), stage="calm") for second in range(180))
    report = judge(Bundle(terms=Terms(stages=stages), start=0, requests=requests))
    worst = report.story.worst_minute
    assert worst is not None
    assert (worst.miss_seconds, worst.first_token_p95_milliseconds) == (None, 6000.0)
    assert worst.start_seconds <= 100 <= worst.end_seconds - 20


def test_a_load_of_less_than_a_minute_is_its_own_worst_minute():
    requests = tuple(request(second, 0.2) for second in range(30))
    worst = judge(Bundle(terms=Terms(), start=0, requests=requests)).story.worst_minute
    assert worst is not None
    assert (worst.start_seconds, worst.end_seconds, worst.request_count) == (0.0, 30.0, 30)


def test_requests_that_never_got_a_token_are_counted_as_slow_and_have_no_percentile():
    report = run(lambda second: None)
    happened, worst = report.story.happened, report.story.worst_minute
    assert happened is not None
    assert worst is not None
    assert (happened.slow_count, happened.first_token_p95_milliseconds) == (180, None)
    assert worst.first_token_p95_milliseconds is None
    texts = [one.text for one in report.story.sentences]
    assert any("no request got a first token, of 180" in text for text in texts)


def failing(second: int, outcome: Outcome = Outcome.REFUSED) -> RecordedRequest:
    """It fails at once."""
    intended = second * SECOND
    return replace(request(second, None), end=intended, outcome=outcome, status=None)


def test_requests_that_failed_at_once_are_not_said_to_have_waited():
    requests = tuple(failing(second) if second < 60 else request(second, 6.0 if second < 70 else 0.1)
                     for second in range(180))
    story = judge(Bundle(terms=Terms(objectives=(SERVED,)), start=0, requests=requests)).story
    assert any("and 70 of 180 requests waited more than 5 s for it or never got it; 60 were not served" in one.text
               for one in story.sentences)


def test_where_most_requests_failed_no_warning_about_scaling_is_what_would_help_most():
    requests = tuple(failing(second) for second in range(180))
    report = judge(Bundle(terms=Terms(objectives=(SERVED,)), start=0, requests=requests))
    flapping = Finding(FindingName.FLAPPING, Severity.WARNING, "Replicas were removed", "twice", "Wait longer.")
    clash = replace(flapping, severity=Severity.PROBLEM)
    assert advice_from(replace(report, findings=(flapping,)), "none").reason == (
        "180 of 180 requests were not served; their outcomes are under Load by stage")
    assert advice_from(replace(report, findings=(flapping, clash)), "none").basis is AdviceSource.FINDING
    few = replace(report, summary=replace(report.summary, failed_request_count=89))
    assert advice_from(replace(few, findings=(flapping,)), "none").finding is FindingName.FLAPPING


HAPPENED = Happened(
    request_count=1_234_567, failed_request_count=0, peak_requests_per_second=1.0, first_replicas=1,
    peak_replicas=1000, scale_out_count=2, scale_out_lag_milliseconds=None, first_token_p95_milliseconds=10,
    slow_milliseconds=5000.0, slow_count=0)


@pytest.mark.parametrize(("changed", "words"), [
    ({}, "the Ready replicas rose from 1 to 1,000 in 2 scale-outs; "),
    ({"scale_out_count": 1, "first_replicas": None}, "the Ready replicas rose to 1,000 in 1 scale-out; "),
    # 4 replicas, of which a scale-in took some: they did not stay at 4
    ({"scale_out_count": 0, "first_replicas": 4, "peak_replicas": 4},
     "there was no scale-out, and at most 4 replicas were Ready; "),
    ({"scale_out_count": 0, "peak_replicas": 1}, "there was no scale-out, and at most 1 replica was Ready; "),
    ({"scale_out_count": 0, "first_replicas": 0, "peak_replicas": 0},
     "there was no scale-out, and no replica was Ready; "),
    ({"first_replicas": 0, "peak_replicas": 0}, "in spite of 2 scale-outs, no replica became Ready; "),
    # nothing that was ordered became Ready
    ({"scale_out_count": 1, "peak_replicas": 1}, "in spite of 1 scale-out, never more than 1 replica was Ready; "),
])
def test_the_sentence_about_the_replicas_claims_no_rise_and_no_rest_that_was_not(changed: dict[str, int], words: str):
    (one,) = sentences(Story(happened=replace(HAPPENED, **changed)), Verdict.PASS)
    assert one.text.startswith(f"The load rose to 1 request/s; {words}")
    assert one.text.endswith("and 0 of 1,234,567 requests waited more than 5 s for it")


@pytest.mark.parametrize(("missing", "undecided", "words"), [
    (0.423, 0.266, "on average 0.42 demanded replicas were missing, 0.27 of these because they had not been ordered"),
    (0.004, 0.004, "no demanded replica was missing"),
    # more was missing of what was ordered than of what was Ready: a scale-in that takes its time
    (0.2, 0.25, "on average 0.20 demanded replicas were missing, 0.20 of these because they had not been ordered"),
])
def test_missing_replicas_are_a_number_and_no_share_of_the_demand(missing: float, undecided: float, words: str):
    (one,) = sentences(Story(cost=Cost(3, 60.0, missing_replicas=missing, undecided_replicas=undecided)), Verdict.FAIL)
    assert one.text == f"In 3 of 60 s at least one request missed an objective of the test; {words}"


@pytest.mark.parametrize(("money", "words"), [
    ("0.572457", "0.572 EUR"), ("4611.960337", "4,611.96 EUR"), ("12.5", "12.50 EUR"), ("0.00012345", "0.000123 EUR"),
    ("0", "0.00 EUR"), ("0.000000", "0.00 EUR")])
def test_money_is_said_as_the_table_shows_it(money: str, words: str):
    (one,) = sentences(Story(cost=Cost(None, 60.0, 90.0, 90.0, money=money, currency="EUR")), Verdict.PASS)
    assert one.text == f"It took 90 GPU-seconds, {words}"


@pytest.mark.parametrize(("maximum", "words"), [(4, "a fixed 4 replicas take"), (1, "one fixed replica takes")])
def test_what_is_compared_with_one_replica_is_said_of_one(maximum: int, words: str):
    cost = Cost(None, 60.0, 90.0, 90.0, maximum_replicas=maximum, static_maximum_percent=50.0)
    (one,) = sentences(Story(cost=cost), Verdict.PASS)
    assert one.text == f"It took 90 GPU-seconds (50 % of what {words})"


def test_no_sentence_about_one_request_speaks_of_several():
    """Of a run of one request: objectives, findings and the notes of the demand."""
    report = run_of_one()
    said = [*(one.text for one in report.story.sentences), report.verdict_message,
            *(one.message for one in report.objectives),
            *(text for one in report.findings for text in (one.title, one.evidence))]
    assert any("1 request," in text for text in said)
    assert [text for text in said if re.search(r"\b1 (requests|streams|replicas|users|answers)\b", text)] == []


def run_of_one() -> Report:
    """One request on one replica of at most three."""
    return judge_run(run_of([Replica(-60, -59, -50)], 20, requests=[world_request(0, 1, 1.5)], test=spec()))


def test_without_a_record_of_requests_no_second_is_said_to_have_met_its_objectives():
    worker = GeneratorSummary(0, "w", 180, 180, 0, 180, False, 1.0, 2.0, 50.0, None)
    story = judge(Bundle(terms=Terms(objectives=(SERVED,)), start=0, generators=(worker,))).story
    assert story.cost is not None
    assert story.cost.miss_seconds is None
    assert story.sentences == ()


def test_where_the_spec_is_missing_nothing_is_said_about_what_its_objectives_cover():
    requests = tuple(request(second, slow(70, 100)(second)) for second in range(180))
    bundle = Bundle(terms=Terms(), start=0, requests=requests)
    assert judge(bundle).story.blind is not None
    assert judge(replace(bundle, missing=("spec.json",))).story.blind is None


def test_a_run_without_requests_has_no_story():
    report = judge(Bundle(terms=Terms(test="bare")))
    assert report.story.sentences == ()
    assert (report.story.happened, report.story.worst_minute, report.story.blind) == (None, None, None)


def test_without_a_what_if_the_gravest_finding_with_a_remedy_advises():
    report = run(lambda second: None if second == 70 else 0.1)
    help_ = next(one for one in report.story.sentences if one.kind is SentenceKind.HELP)
    assert report.story.advice is not None
    assert report.story.advice.basis is AdviceSource.NONE
    assert help_.evidence == (Anchor.ADVICE,)
    assert help_.text.startswith("What would help most is not known: ")


SAVED = Effect(measured=103.0, predicted=24.0, low=10.0, high=50.0, plus_minus=30.0)
COST = Effect(measured=742.0, predicted=810.0, low=800.0, high=830.0, plus_minus=40.0)


def test_the_advice_of_a_what_if_names_the_change_both_numbers_and_the_twin_s_own_error():
    advice = Advice(
        AdviceSource.WHAT_IF, changes=(Change("behavior.scaleUp.stabilizationWindowSeconds", "120", "0"),),
        miss_seconds=SAVED, cost=COST, has_gpus=True, held=5, draws=9, more_replicas=MoreReplicas(6, 8))
    assert advice_sentence(advice).text == (
        "What would help most: shorten the scale-up stabilization window "
        "(`behavior.scaleUp.stabilizationWindowSeconds`) from 120 s to 0 s; predicted 24 instead of 103 "
        "objective-miss seconds (± 30, the twin's own error on this run), 810 instead of 742 GPU-seconds (± 40); all "
        "objectives hold in 5 of 9 predictions; for all objectives it takes more replicas: `maxReplicas` 6 or more, "
        "predicted to hold in 8 of 9")


@pytest.mark.parametrize(("change", "words"), [
    (Change("minReplicas", "1", "2"), "raise `minReplicas` from 1 to 2"),
    (Change("metrics[0].pods.target.averageValue", "20", "2"),
     "lower the target (`metrics[0].pods.target.averageValue`) from 20 to 2"),
    (Change("behavior.scaleUp.policies", "Pods 1 in 60 s", "Pods 4 in 15 s"),
     "change the scale-up policies (`behavior.scaleUp.policies`) from Pods 1 in 60 s to Pods 4 in 15 s"),
    (Change("behavior.scaleDown.stabilizationWindowSeconds", "30", "300"),
     "lengthen the scale-down stabilization window (`behavior.scaleDown.stabilizationWindowSeconds`) from 30 s to "
     "300 s"),
])
def test_a_change_is_named_in_words_and_by_its_path(change: Change, words: str):
    assert change_words(change) == words


def test_where_nothing_helps_the_sentence_says_what_the_cold_start_costs():
    advice = Advice(AdviceSource.NONE, reason="no setting helps", miss_seconds=SAVED, draws=9,
                    instant_start_miss_seconds=7, recorded_miss_seconds=95)
    assert advice_sentence(advice).text == (
        "No setting helps; if replicas started at once, the twin predicts 7 objective-miss seconds instead of 95")
    assert advice_sentence(replace(advice, recorded_miss_seconds=7)).text == "No setting helps"


def advised(**changes: Any) -> str:
    """The sentence about a change of minReplicas, from its effects on."""
    made = replace(Advice(AdviceSource.WHAT_IF, changes=(Change("minReplicas", "1", "2"),), miss_seconds=SAVED,
                          cost=COST, has_gpus=True), **changes)
    return advice_sentence(made).text.removeprefix("What would help most: raise `minReplicas` from 1 to 2; predicted ")


def test_an_effect_within_the_twin_s_own_error_has_no_numbers():
    """In the first case 11.5 s instead of 12.9 s stood beside ± 9.29 s, which reads as a gain."""
    assert advised(first_token_p95_milliseconds=Effect(12_900, 11_500, 9000, 12_000, 9290)) == (
        "24 instead of 103 objective-miss seconds (± 30, the twin's own error on this run), 810 instead of 742 "
        "GPU-seconds (± 40); the effect on p95 of the first token (± 9.29 s) is within the twin's own error")
    assert advised(first_token_p95_milliseconds=Effect(12_900, 3000, 2000, 4000, 9290), cost=replace(
        COST, predicted=750.0)) == (
        "24 instead of 103 objective-miss seconds (± 30, the twin's own error on this run), p95 of the first token "
        "3.00 s instead of 12.9 s (± 9.29 s); the effect on GPU-seconds (± 40) is within the twin's own error")
    assert advised(miss_seconds=replace(SAVED, measured=0.0, predicted=0.0)) == (
        "810 instead of 742 GPU-seconds (± 40, the twin's own error on this run); the effect on objective-miss seconds "
        "(± 30) is within the twin's own error")


@pytest.mark.parametrize("basis", [AdviceSource.WHAT_IF, AdviceSource.NONE])
def test_seconds_by_an_objective_that_the_test_lacks_are_not_those_of_the_test(basis: AdviceSource):
    """The cost counts the seconds of the test's objectives, perhaps none; the advice counts more."""
    lacking = Objective("first-token", Indicator.TIME_TO_FIRST_TOKEN, 95, 2000, None, None)
    advice = Advice(basis, changes=(Change("minReplicas", "1", "2"),), miss_seconds=SAVED, draws=9, reason="none helps",
                    proposed=lacking)
    assert advice_sentence(advice).text.endswith(
        "; these seconds and predictions are judged also by an objective that the test lacks, first token p95 within "
        "2 s")


ONE = replace(HAPPENED, request_count=1, peak_requests_per_second=0.1, scale_out_count=0, peak_replicas=1)


@pytest.mark.parametrize(("changed", "words"), [
    ({"first_token_p95_milliseconds": 120}, "its first token came after 120 ms"),
    ({"first_token_p95_milliseconds": 120, "failed_request_count": 1},
     "its first token came after 120 ms and it was not served to its end"),
    ({"first_token_p95_milliseconds": None, "failed_request_count": 1, "slow_count": 1}, "it got no first token"),
])
def test_of_one_request_nothing_is_said_in_the_plural_or_as_a_percentile(changed: dict[str, Any], words: str):
    (one,) = sentences(Story(happened=replace(ONE, **changed)), Verdict.PASS)
    assert one.text == f"The load was one request; there was no scale-out, and at most 1 replica was Ready; {words}"


def test_one_request_that_was_not_served_is_one():
    (one,) = sentences(Story(happened=replace(HAPPENED, failed_request_count=1)), Verdict.PASS)
    assert one.text.endswith("or never got it; 1 was not served")


def test_the_worst_minute_of_a_run_with_an_uncovered_stretch_says_whose_seconds_it_counts():
    uncovered, covered = run(slow(70, 100), first_token("calm")), run(slow(70, 100), first_token(None))
    assert "0 objective-miss seconds by the test's own objectives; " in uncovered.story.sentences[-1].text
    assert "30 objective-miss seconds; " in covered.story.sentences[-1].text


def test_the_worst_minute_of_one_request_has_no_percentile():
    worst = judge(Bundle(terms=Terms(), start=0, requests=(request(0, 0.2),))).story.sentences[-1]
    assert worst.kind is SentenceKind.WORST_MINUTE
    assert "one request, first token after 200 ms" in worst.text
