"""Who ended the answers of each task, at how many tokens, and how far they repeat themselves."""
from __future__ import annotations

from typing import Any

import pytest

from elastometer.analysis.requests.answer_ends import answer_end_rows
from elastometer.model.answer_tables import AnswerEndRow, EndedBy
from elastometer.model.request import RecordedRequest
from support.answered import answered, evidence_of

CHAT: dict[str, Any] = {"name": "chat", "prompt": "…"}
EXACT = {**CHAT, "ignoreEndOfText": True}
LONG = {**CHAT, "checks": [{"type": "Truncation"}, {"type": "MinimumTokens"}, {"type": "Repetition"}]}


def ended(number: int, made: int | None = 60, reason: str | None = "stop", asked: int | None = 128,
          checks: dict[str, str | None] | None = None, **more: Any) -> RecordedRequest:
    return answered(number, checks, finishReason=reason, requestedTokens=asked, completionTokens=made, **more)


def row(*requests: RecordedRequest, task: dict[str, Any] = CHAT) -> AnswerEndRow:
    (found,) = answer_end_rows(evidence_of(list(requests), task))
    return found


@pytest.mark.parametrize(("more", "who"), [
    ({}, EndedBy.MODEL),
    ({"reason": "length", "made": 128}, EndedBy.MAX_TOKENS),
    ({"reason": "length", "made": 127}, EndedBy.CONTEXT),
    ({"reason": "length", "asked": None}, EndedBy.LENGTH),
    ({"reason": "length", "made": None}, EndedBy.LENGTH),
    ({"reason": "abort", "outcome": "Aborted"}, EndedBy.ABORT),
    ({"reason": None, "outcome": "Truncated"}, EndedBy.CUT),
    ({"reason": None}, EndedBy.OTHER),  # its tokens are known
    ({"reason": "tool_calls"}, EndedBy.OTHER),
])
def test_an_answer_was_ended_by_one_of_these(more: dict[str, Any], who: EndedBy):
    assert row(ended(1, **more)).ended_by == {who: 1}


def test_a_row_has_the_tokens_asked_for_and_made_and_their_pace():
    found = row(ended(1, made=50), ended(2, made=100, lasts=4), ended(3, made=90, lasts=2))
    assert found.asked is not None
    assert found.made is not None
    assert found.tokens_per_second is not None
    assert (found.asked.p50.value, found.asked.least, found.asked.most) == (128, 128, 128)
    assert (found.made.p50.value, found.made.least, found.made.most) == (90, 50, 100)
    assert (found.tokens_per_second.p50.value, found.tokens_per_second.least, found.tokens_per_second.most) == (
        45, 25, 50)


def test_characters_are_those_of_the_texts_that_were_kept():
    found = row(ended(1, outputCharacters=5012), ended(2, outputCharacters=6400), ended(3)).characters
    assert found is not None
    assert (found.count, found.p50.value, found.least, found.most) == (2, 5012, 5012, 6400)


def test_a_request_without_an_answer_is_in_no_row():
    lost = [ended(number, outcome=outcome) for number, outcome in enumerate(("TimedOut", "Refused", "ServerError"))]
    assert answer_end_rows(evidence_of(lost, CHAT)) == ()
    assert row(*lost, ended(9)).answers == 1


def test_answers_of_which_neither_end_nor_length_is_known_have_no_row():
    assert answer_end_rows(evidence_of([answered(1, finishReason=None)], CHAT)) == ()


def test_stages_and_tasks_have_rows_of_their_own():
    """The second task's first request comes after the second stage began, and its row does not."""
    requests = [ended(1, stage="calm"), ended(2, stage="peak"), ended(3, stage="calm", task="poem")]
    found = answer_end_rows(evidence_of(requests, CHAT))
    assert [(one.stage, one.task, one.answers) for one in found] == [
        ("calm", "chat", 1), ("calm", "poem", 1), ("peak", "chat", 1)]


def test_a_task_that_demands_nothing_of_the_length_has_no_early_end():
    found = row(ended(1), ended(2, made=128, reason="length"))
    assert (found.early, found.early_by) == (None, {})


def test_an_answer_of_exactly_so_many_tokens_ended_early_with_fewer():
    found = row(ended(1, made=128, reason="length"), ended(2, made=119), task=EXACT)
    assert found.early is not None
    assert (found.early.hits, found.early.count, found.early_by) == (1, 2, {EndedBy.MODEL: 1})


def test_a_sweep_asks_for_an_exact_length_by_itself():
    sweep = {"name": "lengths", "type": "Sweep", "inputTokens": [128], "outputTokens": 512, "requestsEach": 2}
    requests = [ended(number, made=made, asked=512, stage="lengths", task="sweep-128")
                for number, made in enumerate((512, 476))]
    (found,) = answer_end_rows(evidence_of(requests, CHAT, stages=(sweep,)))
    assert found.early is not None
    assert (found.early.hits, found.early.count, found.early_by) == (1, 2, {EndedBy.MODEL: 1})


def test_where_no_limit_is_recorded_nobody_knows_whether_an_exact_length_was_reached():
    found = row(ended(1, asked=None), task=EXACT)
    assert (found.early, found.missing["early"]) == (None, "the records do not say how many tokens were asked for")


def test_who_ended_it_is_known_of_every_answer_that_ended_early():
    found = row(ended(1, checks={"Truncation": None, "MinimumTokens": None}),
                ended(2, made=3, checks={"Truncation": None, "MinimumTokens": "TooShort"}),
                ended(3, made=128, reason="length", checks={"Truncation": "CutByLength"}),
                ended(4, made=70, reason="length", checks={"Truncation": "CutByLength"}), task=LONG)
    assert found.early is not None
    assert (found.early.hits, found.early.count) == (3, 4)
    assert found.early_by == {EndedBy.MODEL: 1, EndedBy.MAX_TOKENS: 1, EndedBy.CONTEXT: 1}


def test_a_full_context_ends_an_answer_early_whatever_its_task_demands():
    found = row(ended(1), ended(2, made=100, reason="length"))
    assert found.early is not None
    assert (found.early.hits, found.early.count, found.early_by) == (1, 2, {EndedBy.CONTEXT: 1})


@pytest.mark.parametrize(("made", "reason", "near"), [
    (7600, "stop", 1), (7373, "stop", 1), (7372, "stop", 0), (8192, "stop", 0), (8192, "length", 0)])
def test_an_end_by_itself_near_the_limit_is_counted(made: int, reason: str, near: int):
    """90 % of 8,192 is 7,372.8."""
    assert row(ended(1, made=made, reason=reason, asked=8192)).near_limit == near


def test_a_label_or_json_is_complete_wherever_it_ends():
    found = row(ended(1, made=60, asked=64), task={**CHAT, "checks": [{"type": "JSON"}]})
    assert (found.near_limit, found.missing["nearLimit"]) == (
        None, "its answers are complete in themselves, so that their length says nothing")


def repeating(share: float, count: int, *quarters: float) -> dict[str, Any]:
    return {"repeat": {"share": share, "ngramCount": count, "quarters": list(quarters)}}


def test_repetition_has_its_longest_run_its_most_frequent_words_and_where_it_lies():
    found = row(ended(1, **repeating(0.05, 2, 0.0, 0.1, 0.1, 0.1)), ended(2, **repeating(0.3, 40, 0.1, 0.1, 0.5, 0.9)),
                ended(3, **repeating(0.1, 3, 0.2, 0.1, 0.2, 0.3)), ended(4), task=LONG).repetition
    assert found is not None
    assert (found.longest_percent.count, found.longest_percent.p50.value, found.longest_percent.most) == (3, 10, 30)
    assert (found.most_frequent.p50.value, found.most_frequent.most) == (3, 40)
    assert (found.quarter_percents, found.late) == ((10.0, 10.0, 20.0, 30.0), 1)


def test_what_was_not_recorded_is_missing_with_its_reason():
    found = row(answered(1))
    assert (found.asked, found.made, found.tokens_per_second, found.repetition) == (None, None, None, None)
    assert found.missing == {
        "asked": "the records do not say how many tokens were asked for",
        "made": "the server reported no token counts",
        "characters": "no text was kept (no check and no fingerprint line needed it), or the records are of an earlier "
                      "version",
        "tokensPerSecond": "the server reported no token counts",
        "early": "the task demands nothing of the length of its answers",
        "repetition": "no answer was looked at by the check Repetition"}
