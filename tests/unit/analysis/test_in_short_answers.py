"""What In short says of the answers: a number with its interval, or what is missing."""
from __future__ import annotations

from typing import Any

from elastometer.analysis.in_short import answers
from elastometer.analysis.requests.answer_tables import with_answer_tables
from elastometer.analysis.requests.answers import answer_rows
from elastometer.analysis.requests.latency import load_rows
from elastometer.model.in_short import InShort
from elastometer.model.report import Report
from elastometer.model.request import RecordedRequest
from support.answered import answered, blank_report, conversation, evidence_of, recall_task

CHECKED = {"checks": [{"type": "Crosstalk"}]}
CHAT = {"name": "chat", "prompt": "{{ canary }} Hello", **CHECKED}
EMOTION = {"name": "emotion", "prompt": "Which?", "checks": [{"type": "Label"}, {"type": "Crosstalk"}]}
ARTICLE: dict[str, Any] = {"name": "chat", "prompt": "Write.", "checks": [{"type": "Truncation"}]}
JSON: dict[str, Any] = {"name": "chat", "prompt": "Extract.", "checks": [{"type": "JSONSchema"}]}
OBJECTIVE = {"name": "json", "indicator": "AnswerCheck", "checkType": "JSONSchema", "minimumPercent": 95}


def report_of(requests: list[RecordedRequest], *tasks: dict[str, Any], objectives: tuple[Any, ...] = ()) -> Report:
    evidence = evidence_of(requests, *tasks, objectives=objectives)
    return with_answer_tables(evidence, blank_report(load=load_rows(evidence), answers=answer_rows(evidence)))


def text(found: InShort | None) -> str:
    assert found is not None
    return found.text


def level(stage: str, *checks: str | None) -> list[RecordedRequest]:
    """Of both tasks in turn."""
    return [answered(number, {"Crosstalk": failure}, stage=stage, task=("chat", "emotion")[number % 2])
            for number, failure in enumerate(checks)]


def test_no_mixed_answer_is_stated_with_what_it_may_be_at_most():
    found = answers.isolation(report_of(level("level-20", *[None] * 1765), CHAT, EMOTION))
    assert text(found) == (
        "Of 1,765 attributed answers, none looked like another task's (at most 0.22 %) and none carried another "
        "request's mark (at most 0.22 %)")


def test_mixed_answers_are_stated_with_the_first_level_that_had_one():
    requests = [*level("level-1", *[None] * 50), *level("level-20", "OtherTask", *[None] * 49)]
    assert text(answers.isolation(report_of(requests, CHAT, EMOTION))) == (
        "Of 100 attributed answers, 1 looked like another task's (0.18 % to 5.45 %) and none carried another "
        "request's mark (at most 3.70 %), first at 'level-20'")


def test_isolation_that_cannot_be_known_is_open_with_its_reason():
    found = answers.isolation(report_of([answered(1), answered(2)], CHAT, EMOTION))
    assert found is not None
    assert (found.text, found.missing) == (
        "Whether requests got each other's answers is not known",
        "no answer can be attributed: nothing shows whose it is")


def test_a_run_that_does_not_look_at_its_answers_raises_none_of_these_questions():
    report = report_of([answered(1)], {"name": "chat", "prompt": "Hello"})
    found = (answers.isolation(report), answers.answer_ends(report), answers.structured(report), answers.recall(report))
    assert found == (None, None, None, None)


def test_how_answers_ended_is_stated_of_the_longest():
    requests = [answered(number, {"Truncation": None}, requestedTokens=8192, completionTokens=made)
                for number, made in enumerate((7600, 7580, 7612))]
    assert text(answers.answer_ends(report_of(requests, ARTICLE))) == (
        "Answers to 'chat' in 'calm' had 7,600 tokens (7,580 to 7,612) of 8,192 asked for, and the model ended 3 of 3; "
        "none ended before they should (at most 56.15 %)")


def test_answers_without_token_counts_leave_their_length_open():
    found = answers.answer_ends(report_of([answered(1, {"Truncation": None})], ARTICLE))
    assert found is not None
    assert found.missing == "the server reported no token counts"


def test_structured_answers_are_stated_with_what_they_show_of_their_objective():
    requests = [answered(number, {"JSONSchema": "NotJSON" if number < 3 else None}) for number in range(100)]
    assert text(answers.structured(report_of(requests, JSON, objectives=(OBJECTIVE,)))) == (
        "97 of 100 structured answers to 'chat' were right (91.55 % to 98.97 %), and 97 were valid JSON (91.55 % to "
        "98.97 %); that does not show at least 95 %, and at this share 457 would")


def test_recall_is_stated_by_where_it_ends_or_by_the_longest_distance():
    requests = [request for distance, lost in ((1, 0), (4, 20)) for number in range(20)
                for request in conversation(100 * distance + number, distance, forgotten=number < lost)]
    assert text(answers.recall(report_of(requests, recall_task(1), recall_task(4)))) == (
        "With 4 turns (200 tokens) or more between, fewer than 90 % of the facts were recalled: 0 of 20 (at most "
        "16.11 %) there")
    kept = [request for number in range(20) for request in conversation(number, 4, forgotten=False)]
    assert text(answers.recall(report_of(kept, recall_task(4)))) == (
        "Facts were recalled with up to 4 turns between: 20 of 20 (at least 83.89 %) there")


def test_conversations_that_never_came_to_their_question_leave_recall_open():
    found = answers.recall(report_of(conversation(1, 4, forgotten=False)[:3], recall_task(4)))
    assert found is not None
    assert found.missing == "no answer could be judged"
