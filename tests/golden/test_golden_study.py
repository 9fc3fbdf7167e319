"""The study of hand-written figures against its stored files.

ELASTOMETER_REGENERATE=1 writes what is found and fails the run, so that a changed golden is always looked at.
"""
from __future__ import annotations

import json

import pytest

from elastometer.render.study.files import render_study
from support.goldens import compare
from support.study_worlds import study


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    found = study()
    assert len(found.rows) > 8, "a report of nothing proves nothing"
    assert len(found.runs) == 15, "a report of nothing proves nothing"
    return render_study(found)


@pytest.mark.parametrize(("name", "golden"), [
    ("report.json", "study.json"), ("report.md", "study.md"), ("junit.xml", "study-junit.xml")])
def test_the_report_of_the_hand_written_study_is_the_stored_one(files: dict[str, bytes], name: str, golden: str):
    compare(golden, files[name])


def test_the_stored_json_names_its_schema_and_holds_the_best_variant(files: dict[str, bytes]):
    document = json.loads(files["report.json"])
    assert document["schemaVersion"] == "elastometer.dev/study/v1alpha1"
    assert document["best"]["variant"] == "tuned-1"
    assert [one["label"]["run"] for one in document["runs"] if one["excluded"]] == ["autoscalers-keda-3"]
