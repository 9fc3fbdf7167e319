"""report.json against its published schema, by a validator that knows nothing of the classes behind the report."""
from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from elastometer.analysis.analyze import judge
from elastometer.model.bundle import Bundle
from elastometer.model.prediction_basis import DrawRange, PredictionBasis
from elastometer.model.report import SCHEMA_VERSION
from elastometer.model.terms import Terms
from elastometer.render.json_report import to_json
from elastometer.render.json_schema import report_schema
from elastometer.world.bundle_reader import load_bundle
from support.goldens import compare

ROOT = Path(__file__).parents[2]
RUNS = sorted((ROOT / "tests/golden/runs").iterdir())
PUBLISHED = ROOT / "docs/report.schema.json"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json.loads(PUBLISHED.read_bytes())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def _document(bundle: Bundle) -> dict[str, Any]:
    return json.loads(to_json(judge(bundle)))


def test_the_published_schema_is_that_of_the_code() -> None:
    made = json.dumps(report_schema(), indent=1, ensure_ascii=False) + "\n"
    compare("../../docs/report.schema.json", made.encode())


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_reports_of_recorded_runs_follow_the_schema(run: Path, validator: Draft202012Validator) -> None:
    assert [error.message for error in validator.iter_errors(_document(load_bundle(run)))] == []


def test_the_report_of_an_empty_bundle_follows_the_schema(validator: Draft202012Validator) -> None:
    assert [error.message for error in validator.iter_errors(_document(Bundle(terms=Terms())))] == []


def test_the_schema_names_its_version_and_refuses_another(validator: Draft202012Validator) -> None:
    document = _document(Bundle(terms=Terms()))
    assert document["schemaVersion"] == SCHEMA_VERSION
    errors = [list(error.path) for error in validator.iter_errors({**document, "schemaVersion": "another/v9"})]
    assert errors == [["schemaVersion"]]


@pytest.mark.parametrize("change", [
    {"verdict": "Passed"}, {"summary": None}, {"unknownField": 1}, {"objectives": [{"name": "only a name"}]},
    {"timeline": {"binSeconds": "1"}},
])
def test_what_is_not_a_report_does_not_follow_the_schema(
    change: dict[str, Any], validator: Draft202012Validator,
) -> None:
    assert not validator.is_valid({**_document(Bundle(terms=Terms())), **change})


def test_a_predicted_report_follows_the_schema_too(validator: Draft202012Validator) -> None:
    basis = PredictionBasis(tool="elastometer", capacity="given", cold_starts="given", autoscaler="given", seed=1,
                            verdicts={"Pass": 1}, intervals=(DrawRange("peak", "replicas", 1.0, None, 2.0),))
    predicted = _document(replace(load_bundle(RUNS[0]), predicted=basis))
    assert predicted["predicted"]["verdicts"] == {"Pass": 1}
    assert [error.message for error in validator.iter_errors(predicted)] == []
