"""report.json of a study against its published schema, by a validator that knows nothing of the classes behind it."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from elastometer.model.comparison import Comparison
from elastometer.render.json_schema import study_schema
from elastometer.render.study.files import to_json
from support.goldens import compare
from support.study_worlds import compared, study

PUBLISHED = Path(__file__).parents[2] / "docs/study.schema.json"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json.loads(PUBLISHED.read_bytes())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def document_of(comparison: Comparison) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(to_json(comparison))
    return found


def test_the_published_schema_of_a_study_is_that_of_the_code() -> None:
    made = json.dumps(study_schema(), indent=1, ensure_ascii=False) + "\n"
    compare("../../docs/study.schema.json", made.encode())


@pytest.mark.parametrize("comparison", [study(), compared(), compared(("cpu", "queue"), 1)],
                         ids=["written", "compared", "one repetition"])
def test_studies_follow_the_schema(comparison: Comparison, validator: Draft202012Validator) -> None:
    document = document_of(comparison)
    assert document["rows"], "a report of nothing proves nothing"
    assert [error.message for error in validator.iter_errors(document)] == []


@pytest.mark.parametrize("change", [
    {"verdict": "Passed"}, {"best": None}, {"unknownField": 1}, {"runs": [{"verdict": "Pass"}]},
    {"schemaVersion": "another/v9"}])
def test_a_study_that_differs_from_the_schema_is_found(change: dict[str, Any], validator: Draft202012Validator) -> None:
    assert list(validator.iter_errors({**document_of(study()), **change}))
