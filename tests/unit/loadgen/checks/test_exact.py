"""A number of an answer is what its digits say: a price is a multiple of 0.01, a long id keeps its last digit."""

import time
from decimal import Decimal
from typing import Any

import orjson
import pytest

from elastometer_loadgen.base.document import read_document
from elastometer_loadgen.base.numbers import is_multiple
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.checks.check import CheckedAnswer
from elastometer_loadgen.checks.json import JSONCheck, compile_schema
from elastometer_loadgen.checks.schema import SchemaFault
from elastometer_loadgen.profile.profile import ProfileError, parse_profile


def failure(schema: dict[str, Any], text: str) -> str | None:
    return compile_schema(schema).failure(CheckedAnswer(Outcome.SUCCESS, text, "stop", 20, ""))


@pytest.mark.parametrize(
    ("factor", "text", "is_right"),
    [
        (0.01, "4.02", True), (0.01, "4.021", False), (0.01, "19.99", True), (0.01, "1.1", True), (0.01, "-4.02", True),
        (0.1, "0.3", True), (0.1, "0.35", False), (0.1, "1e15", True), (0.01, "123456789012345678.91", True),
        (0.01, "123456789012345678.915", False), (1e-8, "0.00000003", True), (1e-8, "0.000000031", False),
        (1e-8, "12345.678", True), (0.25, "0", True), (0.25, "0.0", True), (0.3, "0.9", True), (0.3, "1", False),
        (3, "9007199254740993", True), (2, "9007199254740993", False), (2, "4.0", True), (2, "3.0", False),
        (3, "18446744073709551618", True), (3, "18446744073709551617", False), (2.5, "5", True),
        (7, "1e400", False), (5, "1e400", True), (0.01, "1e-400", False), (10, "1" + "0" * 5000, True),
        (10, "9" * 5000, False), (0.01, '"4.02"', True), (1, "true", True),
    ],
)
def test_a_multiple_is_one_in_decimal_digits(factor: float, text: str, is_right: bool) -> None:
    assert failure({"multipleOf": factor}, text) == (None if is_right else "WrongValue")


def test_multiples_are_found_wherever_a_schema_asks_for_them() -> None:
    money = {"type": "number", "multipleOf": 0.01}
    schema = {"$defs": {"money": money}, "type": "object", "properties": {
        "price": {"$ref": "#/$defs/money"}, "items": {"type": "array", "items": {"allOf": [{"$ref": "#/$defs/money"}]}},
    }, "additionalProperties": money}
    assert failure(schema, '{"price": 4.02, "items": [0.07, 1.15], "tip": 2.30}') is None
    assert failure(schema, '{"price": 4.02, "items": [0.07, 1.151]}') == "WrongValue:items[]"
    assert failure(schema, '{"price": 4.025}') == "WrongValue:price"
    assert failure(schema, '{"tip": 0.005}') == "WrongValue:tip"


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        ({"maximum": 0.3}, ["0.3", "0.30", "3e-1", "0.29999999999999999999"], ["0.30000000000000000001", "1e999"]),
        ({"minimum": 0.1}, ["0.1", "0.10000000000000000001"], ["0.09999999999999999999"]),
        ({"exclusiveMaximum": 0.1}, ["0.09999999999999999999", "-1e999"], ["0.1", "0.100"]),
        ({"exclusiveMinimum": 9007199254740992}, ["9007199254740993", "9007199254740992.5"], ["9007199254740992"]),
        ({"type": "integer"}, ["12", "12.0", "1.2e1", "1e3", "-0", "0.0", "18446744073709551617", "1e400"],
         ["12.5", "true", "1e-1"]),
        ({"type": "number"}, ["12", "1.5", "1e400"], ["true"]),
        ({"const": 1}, ["1", "1.0", "10e-1"], ["true", '"1"', "1.00000000000000000001"]),
        ({"const": 0.1}, ["0.1", "1e-1"], ["0.10000000000000000001"]),
        ({"const": 18446744073709551617}, ["18446744073709551617"], ["18446744073709551616", "1.8446744073709552e19"]),
        ({"const": True}, ["true"], ["1", "1.0"]),
        ({"const": [1, {"a": 0}]}, ["[1.0, {\"a\": -0.0}]"], ["[true, {\"a\": 0}]", "[1, {\"a\": false}]"]),
        ({"enum": [0.1, 2]}, ["0.1", "0.100", "2.0", "2"], ["0.2", "true"]),
        ({"uniqueItems": True},
         ["[1, true]", "[0, false]", "[1, \"1\"]", "[[1], [true]]", "[{\"a\": 1}, {\"a\": true}]", "[]", "[null, 0]",
          "[18446744073709551616, 18446744073709551617]", "[\"a\", [\"a\"], {\"a\": \"a\"}]"],
         ["[1, 1.0]", "[0.1, 0.10]", "[[1], [true], [1.0]]", "[{\"a\": 1, \"b\": 2}, {\"b\": 2.0, \"a\": 1}]",
          "[true, 1, true]", "[0, -0.0]"]),
    ],
    ids=str,
)
def test_numbers_are_compared_by_their_value(schema: dict[str, Any], right: list[str], wrong: list[str]) -> None:
    assert [text for text in right if failure(schema, text) is not None] == []
    assert [text for text in wrong if failure(schema, text) is None] == []


def test_a_huge_exponent_costs_no_time() -> None:
    begun = time.monotonic()
    assert is_multiple(Decimal("1e900000000"), Decimal("0.01"))
    assert not is_multiple(Decimal("3e900000000"), 7)
    assert not is_multiple(Decimal("1e-900000000"), Decimal("0.01"))
    assert failure({"type": "integer", "minimum": 5, "enum": [7], "multipleOf": 0.5}, "1e900000000") == "WrongValue"
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize(("text", "found"), [
    ('{"a": NaN}', "NotJSON"), ("Infinity", "NotJSON"), ("[-Infinity]", "NotJSON"), ("01", "NotJSON"),
    ("1.", "NotJSON"), (".5", "NotJSON"), ("+1", "NotJSON"), ("0x10", "NotJSON"), ("1e999", None), ('"\\ud83d"', None),
    ('{"\\ud83d": 1}', None), ("9" * 5000, None),
])
def test_what_is_a_number_or_a_text_is_said_by_the_grammar_alone(text: str, found: str | None) -> None:
    assert JSONCheck().failure(CheckedAnswer(Outcome.SUCCESS, text, "stop", 20, "")) == found
    assert failure({}, text) == found


def test_the_path_of_a_failure_can_be_written_to_a_record() -> None:
    found = failure({"additionalProperties": {"type": "integer"}}, '{"\\ud83d": "x"}')
    assert orjson.loads(orjson.dumps(found)) == "WrongType:?"


def test_the_server_gets_the_schema_as_it_was_written() -> None:
    schema = {"multipleOf": 0.01, "maximum": 1e-8}
    assert compile_schema(schema).schema is schema
    assert orjson.dumps(compile_schema(schema).schema)


def test_a_schema_with_a_number_that_json_lacks_is_refused() -> None:
    with pytest.raises(SchemaFault, match="hold finite numbers only"):
        compile_schema({"maximum": float("inf")})


PROFILE = """
tasks:
  - name: price
    prompt: What does it cost?
    checks: [{type: JSONSchema, schema: {properties: {price: {multipleOf: STEP}}}}]
stages: [{name: s, type: Rate, durationSeconds: 10, endRequestsPerSecond: "1"}]
"""


def test_a_step_is_read_from_a_profile_in_every_spelling_of_yaml() -> None:
    for step in ("0.00000001", "1e-8", "1.0e-8", "1E-08"):
        (check,) = parse_profile(read_document(PROFILE.replace("STEP", step))).tasks[0].checks.checks
        text = '{"price": 0.00000003}'
        assert check.failure(CheckedAnswer(Outcome.SUCCESS, text, "stop", 20, "")) is None, step
    with pytest.raises(ProfileError, match="multipleOf: 0 is less than or equal to the minimum of 0"):
        parse_profile(read_document(PROFILE.replace("STEP", "0")))
