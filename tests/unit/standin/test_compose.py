"""Answers keep to what the prompt asks, and each fault breaks just what it says."""

import json
from typing import Any

import pytest

from elastometer_standin.answers.compose import Kind, OtherCalls, compose, kind_of, possible_faults
from elastometer_standin.api import Call, parse_call
from elastometer_standin.settings import Settings
from elastometer_standin.troubles.faults import Fault, Faults

SCHEMA = {
    "type": "object",
    "required": ["name", "age"],
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer"},
        "skills": {"type": "array", "items": {"type": "string"}},
    },
}


def call(prompt: str, schema: dict[str, Any] | None = None, *, json_object: bool = False) -> Call:
    body: dict[str, Any] = {"messages": [{"role": "user", "content": prompt}], "max_tokens": 200}
    if schema is not None:
        body["response_format"] = {"type": "json_schema", "json_schema": {"schema": schema}}
    elif json_object:
        body["response_format"] = {"type": "json_object"}
    return parse_call(body, Settings(), chat=True)


def said(asked: Call, fault: Fault | None = None, other_calls: OtherCalls | None = None) -> str:
    return "".join(compose(asked, fault, other_calls or OtherCalls(), 40).pieces)


LABEL = call("[REQ-a1] I am sad. Answer with one of: happy, sad.")
EXTRACT = call("Extract.", SCHEMA)
RECALL = call("[REQ-b2] Remember: the code is seven. What is it?")


def test_a_label_is_the_one_that_the_prompt_holds_after_its_mark() -> None:
    assert said(LABEL) == "[REQ-a1] sad"
    assert said(call("One word. Answer with one of: happy, sad.")) in ("happy", "sad")


def test_a_fact_is_repeated_after_the_mark() -> None:
    assert said(RECALL).startswith("[REQ-b2] the code is seven.")
    assert "the code is seven" not in said(RECALL, Fault.FORGET)
    assert said(RECALL, Fault.FORGET).startswith("[REQ-b2]")


def test_a_fact_is_said_in_a_later_turn_whatever_was_answered_before_unless_that_turn_is_struck() -> None:
    turns = [("user", "[REQ-b2] Remember: the code is seven."), ("assistant", said(RECALL, Fault.FORGET)),
             ("user", "How are you?"), ("assistant", "[REQ-b2] brenea stul."), ("user", "What was it?")]
    messages = [{"role": role, "content": content} for role, content in turns]
    last = parse_call({"messages": messages, "max_tokens": 200}, Settings(), chat=True)
    assert said(last).startswith("[REQ-b2] the code is seven.")
    assert "the code is seven" not in said(last, Fault.FORGET)


@pytest.mark.parametrize(
    ("asked", "kind"),
    [(LABEL, Kind.LABEL), (EXTRACT, Kind.JSON), (RECALL, Kind.TEXT), (call("one of: .", json_object=True), Kind.JSON),
     (call("one of: ,,."), Kind.TEXT)],
)
def test_the_prompt_decides_on_the_kind(asked: Call, kind: Kind) -> None:
    assert kind_of(asked) is kind


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault.MISSING_FIELD, '{"age": 0, "skills": ["'),
        (Fault.FIELD_CASE, '{"NAME": "'),
        (Fault.STRING_FOR_ARRAY, '"skills": "'),
        (Fault.QUOTED_NUMBER, '"age": "0"'),
        (Fault.JSON_IN_TEXT, "```json\n{"),
    ],
)
def test_a_fault_of_json_breaks_one_thing(fault: Fault, words: str) -> None:
    assert words in said(EXTRACT, fault)
    assert words not in said(EXTRACT)


def test_broken_json_cannot_be_parsed() -> None:
    for fault in (Fault.NOT_JSON, Fault.CUT_JSON):
        with pytest.raises(json.JSONDecodeError):
            json.loads(said(EXTRACT, fault))


def test_words_can_be_cut_repeated_or_few() -> None:
    plain = call("[REQ-c3] Tell.")
    assert compose(plain, Fault.CUT, OtherCalls(), 40).cut
    assert not compose(plain, Fault.SHORT, OtherCalls(), 40).cut
    assert compose(plain, Fault.SHORT, OtherCalls(), 40).tokens == 3
    repeated = compose(plain, Fault.REPEAT, OtherCalls(), 40)
    assert len(set(repeated.pieces[1:-1])) <= 4
    assert repeated.tokens == compose(plain, None, OtherCalls(), 40).tokens


def test_the_mark_of_another_is_that_of_the_request_before() -> None:
    other_calls = OtherCalls()
    assert "[REQ-b2]" not in said(RECALL, Fault.CROSSTALK, other_calls)
    other_calls.note(LABEL)
    assert said(RECALL, Fault.CROSSTALK, other_calls).startswith("[REQ-a1]")


def test_another_tasks_answer_has_its_shape_and_not_its_mark() -> None:
    other_calls = OtherCalls()
    assert Fault.OTHER_TASK not in possible_faults(RECALL, other_calls)
    for before in (LABEL, EXTRACT):
        other_calls.note(before)
    assert said(RECALL, Fault.OTHER_TASK, other_calls).strip() == "sad"
    assert json.loads(said(LABEL, Fault.OTHER_TASK, other_calls)).keys() == {"name", "age", "skills"}
    assert said(EXTRACT, Fault.OTHER_TASK, other_calls).strip() == "sad"


def test_a_fault_that_would_change_nothing_does_not_strike() -> None:
    faults = Faults({"forget": 1.0, "wrong-label": 1.0, "missing-field": 1.0})
    other_calls = OtherCalls()
    struck = [faults.fault_for(asked.key, possible_faults(asked, other_calls)) for asked in (RECALL, LABEL, EXTRACT)]
    assert struck == [Fault.FORGET, Fault.WRONG_LABEL, Fault.MISSING_FIELD]
    assert faults.fault_for(1, possible_faults(call("plain"), other_calls)) is None
    assert Fault.MISSING_FIELD not in possible_faults(call("x", {"type": "object"}), other_calls)
    assert Fault.CUT_JSON not in possible_faults(call("x", {"type": "integer"}), other_calls)
    assert Fault.CROSSTALK not in possible_faults(call("plain"), other_calls)


def test_an_early_stop_is_a_natural_end_at_93_percent_of_the_limit() -> None:
    article = parse_call({"prompt": "[REQ-d4] Write.", "max_tokens": 8192, "ignore_eos": True}, Settings(), chat=False)
    stopped = compose(article, Fault.EARLY_STOP, OtherCalls(), 40)
    assert (stopped.tokens, stopped.cut, stopped.pieces[0]) == (7618, False, "[REQ-d4]")
    assert Fault.EARLY_STOP not in possible_faults(call_of(1), OtherCalls())


def call_of(max_tokens: int) -> Call:
    return parse_call({"prompt": "Write.", "max_tokens": max_tokens}, Settings(), chat=False)


def test_a_late_repetition_leaves_the_first_two_thirds_as_they_were() -> None:
    asked = parse_call({"prompt": "Write.", "max_tokens": 900, "ignore_eos": True}, Settings(), chat=False)
    plain, repeated = (compose(asked, fault, OtherCalls(), 40).pieces for fault in (None, Fault.LATE_REPEAT))
    assert repeated[:600] == plain[:600]
    assert repeated[600:] == plain[596:600] * 75


def test_garbled_text_has_replacement_characters_in_its_middle_and_as_many_tokens() -> None:
    asked = call("[REQ-c3] Tell.")
    plain, garbled = (compose(asked, fault, OtherCalls(), 40) for fault in (None, Fault.GARBLE))
    assert "\ufffd" in "".join(garbled.pieces)
    assert garbled.tokens == plain.tokens
    assert sum(one != two for one, two in zip(garbled.pieces, plain.pieces, strict=True)) == 1


def test_a_label_request_can_get_an_earlier_text_without_its_mark() -> None:
    other_calls = OtherCalls()
    assert Fault.OTHER_TASK not in possible_faults(LABEL, other_calls)
    other_calls.note(RECALL)
    answer = said(LABEL, Fault.OTHER_TASK, other_calls)
    assert answer.strip().startswith("the code is seven.")
    assert len(answer.split()) > 10
    assert "[REQ-" not in answer
