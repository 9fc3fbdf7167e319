"""Each way in which an answer can be wrong has a name of its own, and a right answer has none."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.checks.check import Check, CheckedAnswer
from elastometer_loadgen.checks.contract import Contract
from elastometer_loadgen.checks.crosstalk import CrosstalkCheck
from elastometer_loadgen.checks.json import JSONCheck, compile_schema
from elastometer_loadgen.checks.text import (
    ExcludesCheck,
    LabelCheck,
    MinimumCharactersCheck,
    MinimumTokensCheck,
    ReadableCheck,
    RecallCheck,
    RepetitionCheck,
    TruncationCheck,
)

OWN = "[REQ-7a2f-17]"
WHOLE = CheckedAnswer(Outcome.SUCCESS, "", "stop", 20, OWN)
LABELS = LabelCheck(("happy", "very sad", "负面", "etc."))
PERSON: dict[str, Any] = {
    "type": "object",
    "required": ["firstName", "age"],
    "properties": {
        "firstName": {"type": "string"},
        "age": {"type": "integer", "maximum": 150},
        "tone": {"enum": ["dry", "warm"]},
        "skills": {"type": "array", "items": {"type": "string"}},
        "pet": {"anyOf": [{"$ref": "#/$defs/pet"}, {"type": "null"}]},
    },
    "additionalProperties": False,
    "$defs": {"pet": {"type": "object", "required": ["legs"], "properties": {"legs": {"type": "number"}}}},
}
SCHEMA = compile_schema(PERSON)


def failure(check: Check, text: str) -> str | None:
    return check.failure(replace(WHOLE, text=text))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("happy", None),
        (" \n'Happy.'", "LabelCase"),
        ('"very sad".\n', None),
        (f"{OWN} happy", None),
        ("负面。", None),
        ("etc.", None),
        ("负面 etc.", "LabelInText"),
        ("VERY SAD", "LabelCase"),
        ("The mood is happy, I think.", "LabelInText"),
        ("unhappy", "UnknownLabel"),
        ("sad", "UnknownLabel"),
        ("", "UnknownLabel"),
        ("好的，我来同步日程", "UnknownLabel"),
    ],
)
def test_a_label_is_one_of_the_set_and_nothing_else(text: str, found: str | None) -> None:
    assert failure(LABELS, text) == found


def test_a_label_of_the_set_may_still_be_the_wrong_one() -> None:
    expecting = replace(LABELS, expected="happy")
    assert [failure(expecting, text) for text in ("happy.", "very sad")] == [None, "WrongLabel"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": [1, true, null]}', None),
        (f'{OWN} {{"a": 1}}', None),
        ("[]", None),
        ("17", None),
        ("", "NotJSON"),
        ("Sorry.", "NotJSON"),
        ("{'a': 1}", "NotJSON"),
        ('{"a": NaN}', "NotJSON"),
        ('{"a": 1,}', "NotJSON"),
        ("9" * 5000 + "x", "NotJSON"),
        ("[" * 100_000, "NotJSON"),
        ('{"a": 1', "UnfinishedJSON"),
        ('{"a": {"b": 1}', "UnfinishedJSON"),
        ('{"a": "x', "UnfinishedJSON"),
        ('{"a": tru', "UnfinishedJSON"),
        ('{"a": [1], "b": -', "UnfinishedJSON"),
        ('{"a": 1} ok', "TextAroundJSON"),
        ("Sure: {}", "TextAroundJSON"),
        ("Sure", "NotJSON"),
        ("f", "UnfinishedJSON"),
        ('{"a": "\\u00', "UnfinishedJSON"),
        ('```json\n{"a": 1}\n```', "TextAroundJSON"),
        ("Here is the list: [1, 2]", "TextAroundJSON"),
    ],
)
def test_json_is_distinguished_from_text_around_it_and_from_a_mere_beginning(text: str, found: str | None) -> None:
    assert failure(JSONCheck(), text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"firstName": "A", "age": 3, "skills": ["x"], "tone": "dry", "pet": {"legs": 4.5}}', None),
        ('{"firstName": "A", "age": 3, "pet": null}', None),
        ('{"age": 3}', "MissingField:firstName"),
        ('{"FirstName": "A", "age": 3}', "FieldCase:firstName"),
        ('{"first_name": "A", "age": 3}', "FieldCase:firstName"),
        ('{"firstName": "A", "age": 3, "Skills": []}', "FieldCase:skills"),
        ('{"firstName": "A", "age": 3, "skills": "x, y"}', "StringForArray:skills"),
        ('{"firstName": "A", "age": "3"}', "QuotedNumber:age"),
        ('{"firstName": "A", "age": "three"}', "WrongType:age"),
        ('{"firstName": 5, "age": 3}', "WrongType:firstName"),
        ('{"firstName": "A", "age": 3.5}', "WrongType:age"),
        ('{"firstName": "A", "age": 3, "skills": ["x", 7]}', "WrongType:skills[]"),
        ('{"firstName": "A", "age": 3, "height": 7}', "UnknownField"),
        ('{"firstName": "A", "age": 300}', "WrongValue:age"),
        ('{"firstName": "A", "age": 3, "tone": "Dry"}', "WrongValue:tone"),
        ('{"firstName": "A", "age": 3, "pet": {"legs": "4"}}', "QuotedNumber:pet.legs"),
        ('{"firstName": "A", "age": 3, "pet": {}}', "MissingField:pet.legs"),
        ('{"skills": "x", "age": "3"}', "StringForArray:skills"),
        ('["firstName", "age"]', "WrongType"),
        ('{"firstName": "A", "age": 3', "UnfinishedJSON"),
        ("I cannot.", "NotJSON"),
    ],
)
def test_a_schema_is_judged_field_by_field(text: str, found: str | None) -> None:
    assert failure(SCHEMA, text) == found


def test_a_schema_that_refers_to_itself_without_end_does_not_crash() -> None:
    loop = compile_schema({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}})
    assert failure(loop, "{}") == "WrongValue"


@pytest.mark.parametrize(
    ("text", "share", "found"),
    [
        ("one two three four five six seven eight nine ten", "0", None),
        ("one two three four five six seven eight nine one", "0", "Repeats"),
        ("a b c d e " * 2, "0.5", None),
        ("a b c d e " * 2, "0.4", "Repeats"),
        ("and so on " * 30, "0.9", "Repeats"),
        ("no " * 9, "0", None),
        ("今天天气很好我们去公园散步吧今天天气很好我们去公园散步吧", "0.4", "Repeats"),
        ("今天天气很好我们去公园散步吧然后回家做饭看书睡觉", "0.1", None),
        ("A b C d E. a B c D e!", "0.4", "Repeats"),
    ],
)
def test_the_longest_repeated_run_is_a_share_of_all_words(text: str, share: str, found: str | None) -> None:
    assert failure(RepetitionCheck(Fraction(share)), text) == found


def test_a_fact_may_be_given_in_any_letter_case_and_spacing() -> None:
    check = RecallCheck("The Code is  seven")
    assert failure(check, "I know:\nthe code\nis SEVEN!") is None
    assert failure(check, "the code is 7") == "Forgotten"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, None),
        ({"finish_reason": "length"}, "CutByLength"),
        ({"finish_reason": None}, "NoFinishReason"),
        ({"outcome": Outcome.TRUNCATED}, "NoDone"),
        ({"outcome": Outcome.ABORTED}, "Aborted"),
    ],
)
def test_a_stream_says_how_it_was_cut(change: dict[str, Any], found: str | None) -> None:
    assert TruncationCheck().failure(replace(WHOLE, **change)) == found


def test_tokens_are_the_servers_count() -> None:
    check = MinimumTokensCheck(20)
    assert check.failure(WHOLE) is None
    assert check.failure(replace(WHOLE, completion_tokens=19)) == "TooShort"
    assert not check.judges(replace(WHOLE, completion_tokens=None))


TEXTUAL: list[Check] = [LABELS, JSONCheck(), SCHEMA, RepetitionCheck(Fraction(0)), RecallCheck("x")]


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.SUCCESS])
def test_an_answer_that_is_not_whole_is_not_judged_by_its_text(outcome: Outcome) -> None:
    lost = replace(WHOLE, outcome=outcome, text="half an ans")
    everything = Contract((*TEXTUAL, MinimumTokensCheck(99)), CrosstalkCheck((), lambda _: True))
    assert everything.judge(lost) == {}
    ended = (Outcome.TRUNCATED, Outcome.ABORTED)
    assert TruncationCheck().judges(lost) == (outcome in ended)


def test_a_text_that_was_not_kept_is_not_judged() -> None:
    contract = Contract((*TEXTUAL, TruncationCheck()), CrosstalkCheck((), lambda _: True))
    assert contract.judge(replace(WHOLE, text=None)) == {"Truncation": None}


def test_an_excluded_text_is_named_in_whatever_case_it_stands() -> None:
    check = ExcludesCheck(("情感判断", "Negative"))
    assert failure(check, "今天去公园。") is None
    assert failure(check, "This is NEGATIVE.") == "ExcludedText:Negative"
    assert failure(check, "情感判断：negative") == "ExcludedText:情感判断"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("两行\n\t和\r\n一个制表符", None),
        ("", None),
        ("量子\ufffd\ufffd力学", "ReplacementCharacter"),
        ("a\x00b", "ControlCharacter"),
        ("a\x1b[31mb", "ControlCharacter"),
        ("a\x85b", "ControlCharacter"),
        ("\ufffd\x00", "ReplacementCharacter"),
    ],
)
def test_readable_text_has_neither_undecoded_nor_control_characters(text: str, found: str | None) -> None:
    assert failure(ReadableCheck(), text) == found


def test_blanks_around_an_answer_do_not_make_it_longer() -> None:
    check = MinimumCharactersCheck(4)
    assert failure(check, "  量子力学\n") is None
    assert failure(check, "  量子力\n\n") == "TooShort"
    assert not check.judges(replace(WHOLE, outcome=Outcome.TRUNCATED))


OF_ROW = compile_schema({
    "type": "object", "required": ["name", "age", "skills"],
    "properties": {
        "name": {"type": "string", "const": "{{ name }}"},
        "age": {"type": "integer", "const": "{{ age }}"},
        "skills": {"const": ["{{ skill }}", "SQL"]},
        "const": {"enum": [1, "{{ name }} {{ age }}"]},
    },
})


def test_a_schema_with_templates_asks_for_the_values_of_the_row() -> None:
    check = OF_ROW.with_row({"name": "张伟", "age": "32", "skill": "Python", "unused": "x"})
    assert failure(check, '{"name": "张伟", "age": 32, "skills": ["Python", "SQL"]}') is None
    assert failure(check, '{"name": "张伟", "age": 32.0, "skills": ["Python", "SQL"], "const": "张伟 32"}') is None
    assert failure(check, '{"name": "李娜", "age": 32, "skills": ["Python", "SQL"]}') == "WrongValue:name"
    assert failure(check, '{"name": "张伟", "age": 33, "skills": ["Python", "SQL"]}') == "WrongValue:age"
    assert failure(check, '{"name": "张伟", "age": 32, "skills": ["SQL"]}') == "WrongValue:skills"
    assert failure(check, '{"name": "张伟", "age": 32, "skills": ["Python", "SQL"], "const": 2}') == "WrongValue:const"


def test_as_the_shape_of_its_task_a_schema_with_templates_fits_the_answer_to_any_row() -> None:
    assert failure(OF_ROW, '{"name": "anyone", "age": 1, "skills": "any"}') is None
    assert failure(OF_ROW, '{"name": 5, "age": 1, "skills": "any"}') == "WrongType:name"


def test_rows_with_the_same_values_share_one_validator() -> None:
    one, two = (OF_ROW.with_row({"name": "Ada", "age": "36", "skill": "C", "number": str(n)}) for n in range(2))
    assert one == two
    assert one.compiled.validator(one.values) is two.compiled.validator(two.values)
