"""Whatever a model answers, checks name what they find and never raise, and a line stays one line."""

import json
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.checks.check import CANARY, Check, CheckedAnswer, Failure
from elastometer_loadgen.checks.contract import Contract
from elastometer_loadgen.checks.crosstalk import CrosstalkCheck
from elastometer_loadgen.checks.fingerprint import RequestLine, fingerprint_line, quoted
from elastometer_loadgen.checks.json import JSONCheck, compile_schema
from elastometer_loadgen.checks.rate import wilson_interval
from elastometer_loadgen.checks.repeats import WORD, longest_repeat
from elastometer_loadgen.checks.schema_template import open_schema, rendered_schema, value_templates
from elastometer_loadgen.checks.text import LabelCheck, RecallCheck, RepetitionCheck

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(TEXT, VALUES, min_size=1, max_size=4)
FIELDS = {"name": {"type": "string"}, "age": {"type": "integer"}, "tags": {"type": "array"}, "in": {"$ref": "#"}}
SCHEMA = {"type": "object", "required": ["name"], "properties": FIELDS, "additionalProperties": False}
SCHEMA_CHECK = compile_schema(SCHEMA)
CHECKS: tuple[Check, ...] = (
    LabelCheck(("happy", "sad")), JSONCheck(), SCHEMA_CHECK, RepetitionCheck(Fraction(1, 4)), RecallCheck("x"),
)
EVERYTHING = Contract(CHECKS, CrosstalkCheck((CHECKS[:1], CHECKS[1:2], CHECKS[2:3]), lambda _: False))


def answer(text: str) -> CheckedAnswer:
    return CheckedAnswer(Outcome.SUCCESS, text, "stop", 5, "[REQ-0000-0]")

OF_ROW = compile_schema({
    "type": "object",
    "properties": {"text": {"const": "{{ text }}"}, "number": {"type": "integer", "enum": ["{{ number }}"]}},
})


@settings(max_examples=200, deadline=None)
@given(TEXT | VALUES.map(json.dumps) | st.text("[]{}\",:\\u0a-1 ", max_size=30))
def test_any_answer_is_judged_in_known_words(text: str) -> None:
    found = EVERYTHING.judge(answer(text))
    assert set(found) - {"Crosstalk"} == {"Label", "JSON", "JSONSchema", "Repetition", "Recall"}
    words = {failure.value for failure in Failure}
    assert all(failure is None or str(failure).partition(":")[0] in words for failure in found.values())


@settings(max_examples=200, deadline=None)
@given(OBJECTS, st.data())
def test_the_beginning_of_a_document_is_unfinished(value: dict[str, Any], data: st.DataObject) -> None:
    text = json.dumps(value, ensure_ascii=data.draw(st.booleans()))
    cut = data.draw(st.integers(1, len(text) - 1))
    assert JSONCheck().failure(answer(text)) is None
    assert JSONCheck().failure(answer(text[:cut])) == "UnfinishedJSON"


@settings(max_examples=200, deadline=None)
@given(st.fixed_dictionaries({"name": TEXT}, optional={"age": st.integers(), "tags": st.lists(VALUES, max_size=2)}))
def test_what_fits_the_schema_passes_and_another_field_more_does_not(value: dict[str, Any]) -> None:
    assert SCHEMA_CHECK.failure(answer(json.dumps(value))) is None
    assert SCHEMA_CHECK.failure(answer(json.dumps(value | {"height": 1}))) == "UnknownField"


def repeats(words: list[str], length: int) -> bool:
    """Whether some run of so many words occurs twice, by looking at all of them."""
    runs = [tuple(words[at : at + length]) for at in range(len(words) - length + 1)]
    return len(set(runs)) < len(runs)


@settings(max_examples=200, deadline=None)
@given(st.text("ab c.", min_size=1, max_size=80), st.integers(0, 10**6))
def test_repetition_is_the_longest_repeated_run_over_all_words(text: str, millionths: int) -> None:
    share = Fraction(millionths, 10**6)
    words = WORD.findall(text)
    longest = max((n for n in range(1, len(words)) if repeats(words, n)), default=0)
    assert longest_repeat(words) == longest
    expected = len(words) >= 10 and round(longest / len(words), 6) > share
    assert (RepetitionCheck(share).failure(answer(text)) is not None) == expected


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 20))
def test_a_line_is_one_printable_line_that_can_be_read_back(text: str, shown: int) -> None:
    findings = {"Label": "UnknownLabel"}
    request = RequestLine(mark="REQ-7a2f-17", task="t", input=text, output=text, findings=findings)
    line = fingerprint_line(request, shown)
    assert line.isprintable()
    assert line.startswith("[REQ-7a2f-17] TASK=t INPUT=")
    start, _ = json.JSONDecoder().raw_decode(quoted(text, shown))
    assert start == text[:shown]
    assert CANARY.match(line)


@given(st.integers(1, 10_000), st.data())
def test_the_interval_holds_the_rate_and_stays_within_0_and_1(judged: int, data: st.DataObject) -> None:
    failed = data.draw(st.integers(0, judged))
    low, high = wilson_interval(failed, judged)
    assert 0 <= low <= failed / judged + 1e-12
    assert failed / judged - 1e-12 <= high <= 1


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(["const", "enum", "properties", "items", "type", "x"]), VALUES, max_size=4))
def test_a_schema_without_templates_is_left_as_it_is(schema: dict[str, Any]) -> None:
    assert value_templates(schema) == ()
    assert rendered_schema(schema, {}) == open_schema(schema) == schema


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.integers(-(10**20), 10**20))
def test_the_answer_with_the_values_of_its_row_fits_whatever_they_are(text: str, number: int) -> None:
    checked = OF_ROW.with_row({"text": text, "number": str(number)})
    assert checked.failure(answer(json.dumps({"text": text, "number": number}))) is None
    assert checked.failure(answer(json.dumps({"text": text, "number": number + 1}))) == "WrongValue:number"
