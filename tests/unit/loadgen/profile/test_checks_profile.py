"""A check that cannot mean anything is refused with the path, the rule and the value before a request is sent."""

from typing import Any

import pytest

from elastometer_loadgen.checks.check import CheckType
from elastometer_loadgen.profile.profile import Profile, ProfileError, parse_profile

TURNS = [
    {"role": "user", "content": "Remember: the code is {{ code }}."},
    {"role": "assistant", "content": "I will."},
    {"role": "user", "content": "What is the code?"},
]
ROWS = {"inline": [{"code": "seven", "label": "happy"}]}
LABEL = {"type": "Label", "labels": ["happy", "sad"]}


def schema_of(tone: dict[str, Any]) -> dict[str, Any]:
    return {"type": "JSONSchema", "schema": {"type": "object", "properties": {"tone": tone}}}


BAD: list[tuple[object, str]] = [
    ([], "checks must be a list of 1 to 11 items; got []"),
    ({}, "checks must be a list of 1 to 11 items; got {}"),
    ([5], "checks[0] must be a mapping; got 5"),
    ([{}], "checks[0].type must be given; it is absent"),
    ([{"type": "Labels"}], "checks[0].type must be one of Label, JSON, JSONSchema, Crosstalk"),
    ([{"type": "Labels"}], "(did you mean Label?)"),
    ([{"type": "Json"}], 'got "Json"'),
    ([LABEL, LABEL], 'checks[1].type must be unique among the checks of a task; got "Label"'),
    ([{"type": "Label"}], "checks[0].labels must be given when type is Label; it is absent"),
    ([{"type": "Label", "labels": []}], "checks[0].labels must be a list of 1 to 64 items"),
    ([{"type": "Label", "labels": "happy"}], 'checks[0].labels must be a list of 1 to 64 items; got "happy"'),
    ([{"type": "Label", "labels": ["happy", 3]}], "labels[1] must be a string of 1 to 128 characters without"),
    ([{"type": "Label", "labels": ["a "]}], 'without a space at either end; got "a "'),
    ([{"type": "Label", "labels": [" "]}], "checks[0].labels[0] must be a string of 1 to 128 characters"),
    ([{"type": "Label", "labels": ["a", "a"]}], 'checks[0].labels[1] must be unique; got "a" again'),
    ([LABEL | {"expected": "{{ tone }}"}], "must hold the field 'tone' that tasks[0].checks[0].expected uses"),
    ([LABEL | {"expected": "{{ canary }}"}], "must hold the field 'canary' that tasks[0].checks[0].expected uses"),
    ([LABEL | {"expected": "{{ label | upper }}"}], "checks[0].expected must hold only plain fields"),
    ([LABEL | {"minimum": 5}], "checks[0].minimum must be absent where type is Label; got 5"),
    ([LABEL | {"lables": []}], "checks[0].lables is not a known field; did you mean labels?"),
    ([{"type": "JSON", "schema": {}}], "checks[0].schema must be absent where type is JSON; got {}"),
    ([{"type": "JSONSchema"}], "checks[0].schema must be given when type is JSONSchema; it is absent"),
    ([{"type": "JSONSchema", "schema": "x"}], 'checks[0].schema must be a mapping, a JSON schema; got "x"'),
    ([{"type": "JSONSchema", "schema": {"type": "strin"}}], "schema must be a JSON schema; type: 'strin' is not"),
    ([{"type": "JSONSchema", "schema": {"required": "a"}}], "a JSON schema; required: 'a' is not of type 'array'"),
    ([{"type": "JSONSchema", "schema": {"$ref": "http://elsewhere/x"}}], "must refer only to parts of itself"),
    ([{"type": "JSONSchema", "schema": {"properties": {"a": {"$ref": "#/$defs/a"}}}}], "'#/$defs/a' is not one"),
    ([{"type": "Repetition"}], "checks[0].maximumShare must be given; it is absent"),
    ([{"type": "Repetition", "maximumShare": 0.3}], 'must be a decimal string from "0" to "1" (in quotes); got 0.3'),
    ([{"type": "Repetition", "maximumShare": "1.1"}], 'maximumShare must be a decimal string from "0" to "1"'),
    ([{"type": "MinimumTokens"}], "checks[0].minimum must be given; it is absent"),
    ([{"type": "MinimumTokens", "minimum": 0}], "checks[0].minimum must be an integer from 1 to 1000000; got 0"),
    ([{"type": "Excludes"}], "checks[0].texts must be given; it is absent"),
    ([{"type": "Excludes", "texts": ["a", "a"]}], 'checks[0].texts[1] must be unique; got "a" again'),
    ([{"type": "Excludes", "texts": [""]}], "checks[0].texts[0] must be a string of 1 to 128 characters"),
    ([{"type": "Readable", "minimum": 1}], "checks[0].minimum must be absent where type is Readable; got 1"),
    ([{"type": "MinimumCharacters", "minimum": 300_000}], "minimum must be an integer from 1 to 262144; got 300000"),
    ([schema_of({"const": "{{ tone }}"})],
     "must hold the field 'tone' that tasks[0].checks[0].schema.properties.tone.const uses"),
    ([schema_of({"enum": ["{{ code", "b"]})],
     "checks[0].schema.properties.tone.enum[0] must be a template with fields such as {{ theme }}"),
    ([schema_of({"type": "integer", "const": "{{ code }}"})],
     "inline[0] must hold a number, true or false in the field 'code', as which tasks[0].checks[0].schema.properties"
     '.tone.const uses it; got "seven"'),
    ([{"type": "Recall"}], "checks[0].fact must be given; it is absent"),
    ([{"type": "Recall", "fact": "eight"}], "fact must occur, as it is written here, in a message before the last"),
    ([{"type": "Recall", "fact": "code"}], "checks[0].fact must not occur in the last message, which asks for it"),
]


def profile(checks: object, **task: Any) -> Profile:
    whole = {"name": "t", "messages": TURNS, "dataset": ROWS, "checks": checks, **task}
    stage = {"name": "s", "type": "Rate", "durationSeconds": 5, "endRequestsPerSecond": "1"}
    return parse_profile({"tasks": [whole], "stages": [stage]})


@pytest.mark.parametrize(("checks", "words"), BAD)
def test_a_bad_check_is_refused_by_path_rule_and_value(checks: object, words: str) -> None:
    with pytest.raises(ProfileError) as caught:
        profile(checks)
    faults = [str(fault) for fault in caught.value.faults]
    assert any(words in fault for fault in faults), faults
    assert all(fault.startswith("tasks[0].") for fault in faults)
    assert len(faults) <= 2


def test_one_check_of_each_type_is_read() -> None:
    given = [
        LABEL | {"expected": "{{ label }}"},
        {"type": "JSON"},
        {"type": "JSONSchema", "schema": {"$ref": "#/$defs/a", "$defs": {"a": {"type": "object"}}}},
        {"type": "Crosstalk"},
        {"type": "Repetition", "maximumShare": "0.3"},
        {"type": "Truncation"},
        {"type": "MinimumTokens", "minimum": 16},
        {"type": "Recall", "fact": "{{ code }}"},
        {"type": "Excludes", "texts": ["happy", "情感判断"]},
        {"type": "Readable"},
        {"type": "MinimumCharacters", "minimum": 5000},
    ]
    checks = profile(given, responseFormat="JSONSchema").tasks[0].checks
    assert {check.type for check in checks.checks} == set(CheckType) - {CheckType.CROSSTALK}
    assert checks.crosstalk


def test_a_task_without_checks_has_none() -> None:
    checks = profile(None).tasks[0].checks
    assert (checks.checks, checks.crosstalk, checks.templates) == ((), False, ())


def test_an_answer_that_must_reach_its_limit_is_not_asked_to_end_before_it() -> None:
    with pytest.raises(ProfileError, match="ignoreEndOfText must be absent with a check of type Truncation"):
        profile([{"type": "Truncation"}], ignoreEndOfText=True)


def test_a_generated_prompt_gives_no_fact_to_recall() -> None:
    with pytest.raises(ProfileError, match="in a message before the last"):
        profile([{"type": "Recall", "fact": "seven"}], messages=None, dataset=None, inputTokens=9)


def test_a_generated_prompt_holds_no_data() -> None:
    with pytest.raises(ProfileError, match="dataset must be absent where inputTokens is given"):
        profile(None, messages=None, inputTokens=9)


def test_a_recalled_fact_needs_an_earlier_turn() -> None:
    with pytest.raises(ProfileError, match="in a message before the last"):
        profile([{"type": "Recall", "fact": "seven"}], messages=None, prompt="The code is seven. What is it?")
