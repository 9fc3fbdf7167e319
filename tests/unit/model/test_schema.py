"""A document against a schema: types, what must be there, what has no place, and what null means."""
from __future__ import annotations

from typing import Any

import pytest

from elastometer.model.schema import Json, Reading, below, defaulted, flaws, unknown_fields

POLICY: Json = {"type": "object", "required": ["value"], "properties": {
    "value": {"type": "integer"}, "share": {"type": "quantity"}, "port": {"type": "integer or string"}}}
SCHEMA: Json = {"type": "object", "required": ["name"], "properties": {
    "name": {"type": "string"}, "count": {"type": "integer", "default": 3, "minimum": 1},
    "policies": {"type": "array", "items": POLICY},
    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}, "empty": {"type": "object"},
}}
GOOD: Json = {"name": "a", "policies": [{"value": 1, "share": 0.5, "port": "http"}], "labels": {"any": "thing"},
              "free": {"any": {"thing": 1}}}


def found(document: Any, reading: Reading | None = None) -> list[str]:
    return list(flaws(document, SCHEMA, "spec") if reading is None else flaws(document, SCHEMA, "spec", reading))


def test_a_document_that_fits_has_no_flaws() -> None:
    assert found(GOOD) == []


@pytest.mark.parametrize(("more", "flaw"), [
    ({"Count": 4}, "spec.Count: is not a known field; did you mean count?"),
    ({"zzz": 4}, "spec.zzz: is not a known field; known here: count, empty, free, labels, name, policies"),
    ({"zzz": None}, "spec.zzz: is not a known field; known here: count, empty, free, labels, name, policies"),
    ({"empty": {"a": 1}}, "spec.empty.a: is not a known field; known here: none"),
    ({"policies": [{"value": 1}, {"value": 1, "vaule": 2}]},
     "spec.policies[1].vaule: is not a known field; did you mean value?"),
    ({"policies": [{"value": 15.0}]}, "spec.policies[0].value: must be of type integer, is 15.0"),
    ({"policies": [{"value": "1"}]}, "spec.policies[0].value: must be of type integer, is '1'"),
    ({"policies": [{"value": True}]}, "spec.policies[0].value: must be of type integer, is True"),
    ({"policies": [{"value": None}]}, "spec.policies[0].value: must be given, is absent"),
    ({"policies": [None]}, "spec.policies[0]: must be of type object, is None"),
    ({"policies": [{"value": 1, "share": False}]}, "spec.policies[0].share: must be of type quantity, is False"),
    ({"policies": [{"value": 1, "port": 1.5}]}, "spec.policies[0].port: must be of type integer or string, is 1.5"),
    ({"labels": {"a": 1}}, "spec.labels.a: must be of type string, is 1"),
    ({"name": None}, "spec.name: must be given, is absent"),
    ({"count": 0}, "spec.count: must be at least 1, is 0"),
])
def test_a_flaw_has_path_rule_and_value(more: Json, flaw: str) -> None:
    assert found({**GOOD, **more}) == [flaw]


def test_a_field_says_what_it_would_have_to_belong_to() -> None:
    assert found({**GOOD, "nme": 1}, Reading("a thing")) == [
        "spec.nme: is not a known field of a thing; did you mean name?"]


def test_nothing_is_required_of_a_part() -> None:
    assert found({"policies": [{}]}, Reading(partial=True)) == []


def test_the_root_of_a_document_has_no_path() -> None:
    assert list(flaws({"nam": 1}, SCHEMA, "")) == ["name: must be given, is absent",
                                                  "nam: is not a known field; did you mean name?"]


def test_only_fields_without_a_place_are_looked_for_where_another_reader_finds_the_rest() -> None:
    document = {"count": "x", "policies": [{"share": [], "vaule": 1}, 3], "name": {"a": 1}}
    assert list(unknown_fields(document, SCHEMA, "hpa")) == [
        "hpa.policies[0].vaule: is not a known field; did you mean value?"]


def test_null_is_absent_and_takes_the_default() -> None:
    assert defaulted({"name": None, "count": None, "free": {"kept": None}}, SCHEMA) == {
        "count": 3, "free": {"kept": None}}


@pytest.mark.parametrize(("steps", "schema"), [
    ((), SCHEMA), (("policies", 0), POLICY), (("policies", 7, "value"), {"type": "integer"}),
    (("labels", "any"), {"type": "string"}), (("nowhere", "else"), {"x-kubernetes-preserve-unknown-fields": True}),
])
def test_the_schema_of_a_place(steps: tuple[str | int, ...], schema: Json) -> None:
    assert below(SCHEMA, steps) == schema


def test_a_pattern_ends_where_the_text_ends_and_not_before_a_last_newline() -> None:
    schema: Json = {"type": "string", "pattern": "^[a-z]+$"}
    assert list(flaws("a", schema, "name")) == []
    assert list(flaws("a\n", schema, "name")) == ["name: must match ^[a-z]+$, is 'a\\n'"]
