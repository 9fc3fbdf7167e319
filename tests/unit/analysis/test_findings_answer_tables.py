"""Findings from the tables of answers: each in a world in which it must appear, and in one in which it must not."""
from __future__ import annotations

from typing import Any

import pytest

from elastometer.analysis.findings.answers.tables import answer_table_findings
from elastometer.analysis.requests.answer_tables import with_answer_tables
from elastometer.analysis.requests.answers import answer_rows
from elastometer.analysis.requests.latency import load_rows
from elastometer.model.report import Finding, Report
from elastometer.model.request import RecordedRequest
from support.answered import answered, blank_report, conversation, evidence_of, recall_task

ARTICLE: dict[str, Any] = {"name": "article", "prompt": "Write."}
LENGTH = {**ARTICLE, "checks": [{"type": "Truncation"}, {"type": "MinimumTokens"}]}
PERSON: dict[str, Any] = {"name": "person", "prompt": "Extract.", "checks": [{"type": "JSONSchema"}]}
OBJECTIVE = {"name": "json", "indicator": "AnswerCheck", "checkType": "JSONSchema", "minimumPercent": 95}


def report_of(requests: list[RecordedRequest], *tasks: dict[str, Any], objectives: tuple[Any, ...] = ()) -> Report:
    evidence = evidence_of(requests, *tasks, objectives=objectives)
    return with_answer_tables(evidence, blank_report(load=load_rows(evidence), answers=answer_rows(evidence)))


def found(requests: list[RecordedRequest], *tasks: dict[str, Any], objectives: tuple[Any, ...] = ()) -> list[Finding]:
    return list(answer_table_findings(report_of(requests, *tasks, objectives=objectives)))


def articles(*made: int, reason: str = "stop", asked: int = 8192, checks: dict[str, str | None] | None = None,
             **more: Any) -> list[RecordedRequest]:
    return [answered(number, checks, stage="long", task="article", finishReason=reason, requestedTokens=asked,
                     completionTokens=tokens, **more) for number, tokens in enumerate(made)]


def test_answers_that_stop_just_short_of_their_limit_are_a_hint():
    (one,) = found(articles(7600, 7580, 7612), ARTICLE)
    assert (one.name, one.severity) == ("AnswersEndEarly", "Hint")
    assert one.evidence == (
        "task 'article' in 'long': the model ended 3 of 3 by itself with at least 90 % of the tokens, and none reached "
        "the limit; asked for 8,192 tokens, made 7,600 (7,580 to 7,612)")


@pytest.mark.parametrize("made", [(7600, 7600), (7600, 7600, 7600, 900, 800, 700, 600), (60, 70, 80)])
def test_a_few_answers_that_end_near_their_limit_are_no_finding(made: tuple[int, ...]):
    assert found(articles(*made), ARTICLE) == []


def test_answers_some_of_which_reach_their_limit_have_no_other_one():
    assert found([*articles(7600, 7600, 7600), *articles(8192, reason="length")], ARTICLE) == []


def test_json_that_ends_near_its_limit_is_complete():
    assert found(articles(60, 60, 60, asked=64), {**ARTICLE, "checks": [{"type": "JSON"}]}) == []


def test_answers_shorter_than_the_task_demands_name_who_ended_them():
    short = articles(5, 6, 7, 8, checks={"MinimumTokens": "TooShort", "Truncation": None})
    (one,) = found(short, LENGTH)
    assert (one.name, one.severity) == ("AnswersEndEarly", "Warning")
    assert one.evidence == ("task 'article' in 'long': 4 of 4 (at least 51.01 %), ended by the model 4; "
                            "asked for 8,192 tokens, made 6 (5 to 8)")
    assert one.advice.startswith("The model stops by itself")


def test_a_full_context_is_found_in_a_single_answer_of_many():
    (one,) = found([*articles(*[500] * 300), *articles(700, reason="length", checks={"Truncation": "CutByLength"})],
                   LENGTH)
    assert "1 of 301 (0.06 % to 1.86 %), ended by the context 1" in one.evidence
    assert one.advice == ("Prompt and answer filled the model's context: raise `--max-model-len`, or shorten the "
                          "prompts.")


def test_one_answer_in_a_thousand_that_max_tokens_cut_is_no_finding():
    cut = articles(8192, reason="length", checks={"Truncation": "CutByLength"})
    assert found([*articles(*[500] * 999, checks={"Truncation": None}), *cut], LENGTH) == []


def test_what_ended_early_and_what_stops_short_are_one_finding():
    exact = [answered(100 + number, stage="exact", task="exact", requestedTokens=64, completionTokens=59)
             for number in range(5)]
    (one,) = found([*articles(7600, 7600, 7600), *exact], ARTICLE,
                   {"name": "exact", "prompt": "…", "ignoreEndOfText": True})
    assert one.severity == "Warning"
    assert one.evidence.startswith("task 'exact' in 'exact': 5 of 5")
    assert "task 'article' in 'long': the model ended 3 of 3 by itself" in one.evidence


def test_a_task_that_demands_no_length_may_be_cut_by_max_tokens():
    assert found(articles(*[64] * 50, asked=64, reason="length"), ARTICLE) == []


def repeat(*quarters: float, share: float = 0.05, count: int = 2) -> dict[str, Any]:
    return {"repeat": {"share": share, "ngramCount": count, "quarters": list(quarters)}}


def test_a_phrase_repeated_late_is_found_although_the_check_allows_it():
    late = articles(500, 500, checks={"Repetition": None}, **repeat(0.0, 0.1, 0.2, 0.9, share=0.3, count=41))
    calm = articles(500, 500, 500, 500, checks={"Repetition": None}, **repeat(0.0, 0.0, 0.1, 0.1))
    (one,) = found([*late, *calm], ARTICLE)
    assert (one.name, one.severity) == ("Repetitive", "Warning")
    assert one.evidence == (
        "task 'article' in 'long': the longest repeated run is up to 30 % of the words, four words in a row come up to "
        "41 times, and by quarter of the answer 0, 0, 10, 10 % had been said before; 2 of 6 begin to repeat late")


def test_answers_that_fail_the_check_of_repetition_are_found():
    (one,) = found(articles(500, 500, checks={"Repetition": "Repeats"}, **repeat(0.8, 0.9, 0.9, 0.9)), ARTICLE)
    assert one.evidence.startswith("task 'article' in 'long': 2 of 2 fail the check; the longest")


def test_words_that_return_now_and_then_are_no_repetition():
    odd = articles(500, checks={"Repetition": "Repeats"}, **repeat(0.2, 0.2, 0.3, 0.3))
    many = articles(*[500] * 400, checks={"Repetition": None}, **repeat(0.1, 0.1, 0.2, 0.2))
    assert found([*odd, *many], ARTICLE) == []


def test_what_is_forgotten_with_eight_turns_between_is_stated_with_every_distance():
    requests = [request for distance, lost in ((1, 0), (4, 0), (8, 20)) for number in range(20)
                for request in conversation(100 * distance + number, distance, forgotten=number < lost)]
    (one,) = found(requests, *(recall_task(distance) for distance in (1, 4, 8)))
    assert (one.name, one.severity) == ("Forgets", "Warning")
    assert one.title == "Facts are forgotten with 8 turns (360 tokens) between"
    assert one.evidence == (
        "Fewer than 90 % were recalled in 'after-8' (at most 16.11 %); recalled by turns between: 1 ('after-1'): 20 of "
        "20, 4 ('after-4'): 20 of 20, 8 ('after-8'): 0 of 20")


def test_a_task_that_forgets_at_a_distance_which_others_remember_is_found():
    kept = [request for number in range(20) for request in conversation(number, 4, forgotten=False)]
    lost = [request for number in range(20) for request in conversation(100 + number, 1, forgotten=True)]
    (one,) = found([*kept, *lost], recall_task(1), recall_task(4))
    assert (one.name, one.title) == ("Forgets", "Facts of a conversation are not recalled")
    assert "in 'after-1' (at most 16.11 %)" in one.evidence


def test_three_of_twenty_forgotten_prove_nothing():
    requests = [request for number in range(20) for request in conversation(number, 4, forgotten=number < 3)]
    assert found(requests, recall_task(4)) == []


def people(failures: list[str], of: int, stage: str = "calm", start: int = 0) -> list[RecordedRequest]:
    return [answered(start + number, {"JSONSchema": failures[number] if number < len(failures) else None}, stage=stage,
                     task="person") for number in range(of)]


def test_structured_answers_that_fail_more_often_than_their_objective_allows_are_found():
    failures = ["NotJSON"] * 6 + ["FieldCase:name"] * 6 + ["QuotedNumber:age"] * 6 + ["MissingField:name"] * 6
    (one,) = found(people(failures, 200), PERSON, objectives=(OBJECTIVE,))
    assert (one.name, one.severity) == ("StructureUnreliable", "Warning")
    assert one.evidence == (
        "task 'person' in 'calm': 24 of 200 are wrong (8.20 % to 17.23 %; the objective allows 5 %): Syntax 6, "
        "Fields 6, Names 6, Types 6")


@pytest.mark.parametrize(("failures", "objectives", "fires"), [
    (8, (OBJECTIVE,), False), (8, (), True), (3, (), False), (14, (OBJECTIVE,), False), (22, (OBJECTIVE,), True)])
def test_a_share_is_too_high_only_with_its_whole_interval(failures: int, objectives: tuple[Any, ...], fires: bool):
    """Of 200: 3 are 0.5 to 4.3 %, 8 are 2.0 to 7.7 %, 14 are 4.2 to 11.4 %, 22 are 7.4 to 16.1 %."""
    assert bool(found(people(["NotJSON"] * failures, 200), PERSON, objectives=objectives)) == fires


def test_a_clean_run_has_none_of_these():
    requests = [*articles(500, 800, 1200, checks={"Truncation": None, "MinimumTokens": None}),
                *people([], 100), *conversation(900, 8, forgotten=False)]
    report = report_of(requests, LENGTH, PERSON, recall_task(8))
    assert report.answer_ends
    assert report.structured
    assert report.recall is not None
    assert list(answer_table_findings(report)) == []
