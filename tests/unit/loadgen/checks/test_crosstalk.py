"""Whose answer it is: known by a mark or by a form that other tasks lack; what cannot be attributed is not judged."""

from dataclasses import replace
from typing import Any

import pytest

from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.checks.check import Check, CheckedAnswer
from elastometer_loadgen.checks.contract import Contract
from elastometer_loadgen.checks.crosstalk import CrosstalkCheck
from elastometer_loadgen.checks.json import JSONCheck, compile_schema
from elastometer_loadgen.checks.text import LabelCheck
from elastometer_loadgen.plan.prompts import PromptSource
from elastometer_loadgen.profile.profile import parse_profile

OWN = "[REQ-7a2f-17]"
WHOLE = CheckedAnswer(Outcome.SUCCESS, "", "stop", 20, OWN)
LABELS = LabelCheck(("happy", "very sad", "负面", "etc."))
SCHEMA = compile_schema({
    "type": "object", "required": ["firstName", "age"], "additionalProperties": False,
    "properties": {"firstName": {"type": "string"}, "age": {"type": "integer"}}})
UNATTRIBUTED = "cannot be attributed"
DIALOGUE = "What a lovely day, shall we take a walk?"


def crosstalk(text: str, own: tuple[Check, ...], *others: Check, free: bool = False) -> str | None:
    known = CrosstalkCheck(tuple((other,) for other in others), lambda mark: mark == "[REQ-0001-3]", free)
    return Contract(own, known).judge(replace(WHOLE, text=text)).get("Crosstalk", UNATTRIBUTED)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{OWN} Once there was a fox", None),
        ("Once there was a fox", None),
        ("[REQ-0001-3] Once", "ForeignCanary"),
        (f"{OWN} Once [REQ-0001-3] more", "ForeignCanary"),
        ("[REQ-7a2f-18] Once", "UnknownCanary"),
        (f"{OWN} happy", "OtherTask"),
        ('{"firstName": "A", "age": 3}', "OtherTask"),
        ('{"firstName": "A"}', None),
    ],
)
def test_text_is_cross_talk_by_a_foreign_mark_or_another_tasks_shape(text: str, found: str | None) -> None:
    assert crosstalk(text, (), LABELS, SCHEMA) == found


@pytest.mark.parametrize(
    ("text", "own", "other", "found"),
    [
        ("happy", LABELS, SCHEMA, None),
        ("happy", SCHEMA, LABELS, "OtherTask"),
        ("nonsense", SCHEMA, LABELS, UNATTRIBUTED),
        (f"{OWN} nonsense", SCHEMA, LABELS, None),
        ("happy", LabelCheck(("happy", "angry")), LABELS, UNATTRIBUTED),
        (f"{OWN} happy", LabelCheck(("happy", "angry")), LABELS, None),
        ("angry", LabelCheck(("happy", "angry")), LABELS, None),
        ("HAPPY", LabelCheck(("happy", "angry")), LabelCheck(("so", "so-so")), UNATTRIBUTED),
        ('{"firstName": "A", "age": 3}', SCHEMA, JSONCheck(), UNATTRIBUTED),
        ("angry", LABELS, LabelCheck(("happy", "angry")), "OtherTask"),
        ("very sad", replace(LABELS, expected="happy"), SCHEMA, None),
        ("very sad", replace(LABELS, expected="happy"), LabelCheck(("very sad",)), UNATTRIBUTED),
        ("5", LABELS, JSONCheck(), UNATTRIBUTED),
        ("[5]", LABELS, JSONCheck(), "OtherTask"),
    ],
)
def test_an_answer_that_fits_its_own_task_alone_is_not_cross_talk(
    text: str, own: Check, other: Check, found: str | None
) -> None:
    assert crosstalk(text, (own,), other) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (DIALOGUE, "OtherTask"),
        (f"{OWN} {DIALOGUE}", None),
        (f"[REQ-0001-3] {DIALOGUE}", "ForeignCanary"),
        ("I am very sad today, let me tell you why", None),
        ("HAPPY", None),
        ("happy", None),
        ("neutral!", UNATTRIBUTED),
        ("wonderful", "OtherTask"),
    ],
)
def test_a_dialogue_in_the_place_of_a_label_is_another_tasks_unless_a_mark_proves_it_its_own(
    text: str, found: str | None
) -> None:
    """The longest label, `very sad`, has 8 characters."""
    assert crosstalk(text, (LabelCheck(("happy", "very sad")),), free=True) == found


def test_a_dialogue_in_the_place_of_a_label_proves_nothing_where_no_task_answers_freely() -> None:
    assert crosstalk(DIALOGUE, (LABELS,), SCHEMA) == UNATTRIBUTED


def test_an_answer_without_a_shape_cannot_be_known_from_those_of_another_such_task() -> None:
    assert crosstalk(DIALOGUE, (), LABELS, free=True) == UNATTRIBUTED
    assert crosstalk(f"{OWN} {DIALOGUE}", (), LABELS, free=True) is None


@pytest.mark.parametrize("own", [(), (LABELS,), (SCHEMA,)])
def test_the_only_task_of_a_run_is_stated_by_marks_alone(own: tuple[Check, ...]) -> None:
    text = '{"firstName": "A", "age": 3}' if own == (SCHEMA,) else "happy"
    assert crosstalk(text, own) == UNATTRIBUTED
    assert crosstalk(f"{OWN} {text}", own) is None


def test_earlier_answers_of_a_conversation_are_attributed_by_marks_alone() -> None:
    check = CrosstalkCheck(((LABELS,),), lambda _: False, has_free_others=True)
    early = Contract((SCHEMA,), check).before_the_last_turn()
    assert early is not None
    assert early.judge(replace(WHOLE, text="happy")) == {}
    assert early.judge(replace(WHOLE, text=f"{OWN} happy")) == {"Crosstalk": None}


def test_a_profile_tells_its_checks_whether_some_task_answers_freely() -> None:
    def crosstalk_of(*others: dict[str, Any], tasks: list[str] | None = None) -> str | None:
        emotion = {"name": "emotion", "prompt": "one of: happy, sad.", "checks": [
            {"type": "Label", "labels": ["happy", "sad"]}, {"type": "Crosstalk"}], "weight": 1_000_000}
        stage = {"type": "Rate", "durationSeconds": 10, "endRequestsPerSecond": "1"}
        profile = parse_profile({"tasks": [emotion, *others], "stages": [
            {"name": "s", **stage, **({} if tasks is None else {"tasks": tasks})},
            *([] if tasks is None else [{"name": "rest", **stage, "tasks": [one["name"] for one in others]}])]})
        prompt = PromptSource(profile, None).prompt(0)
        assert prompt.task == "emotion"
        assert prompt.contract is not None
        return prompt.contract.judge(replace(WHOLE, text=DIALOGUE, canary="")).get("Crosstalk", UNATTRIBUTED)

    assert crosstalk_of({"name": "chat", "prompt": "Hello"}) == "OtherTask"
    data = {"name": "data", "prompt": "Hello", "checks": [{"type": "JSON"}]}
    assert crosstalk_of(data) == UNATTRIBUTED
    assert crosstalk_of({"name": "chat", "prompt": "Hello"}, data, tasks=["emotion", "data"]) == UNATTRIBUTED
