"""The synthetic run against its stored report, and the queries against their stored text.

ELASTOMETER_REGENERATE=1 writes what is found and fails the run, so that a changed golden is always looked at.
"""
from __future__ import annotations

import json
from pathlib import Path

import pytest

from elastometer.analysis.analyze import judge
from elastometer.render.files import render_all
from elastometer.resources.promql import render_queries
from elastometer.world.bundle_reader import load_bundle
from support.goldens import compare
from support.synthetic.answers import write_answers
from support.synthetic.run import write_run


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    bundle = load_bundle(write_run(tmp_path_factory.mktemp("run")))
    assert len(bundle.requests) > 600, "a report of nothing proves nothing"
    assert len(bundle.observations) > 90, "a report of nothing proves nothing"
    return render_all(judge(bundle))


@pytest.mark.parametrize("name", ["report.json", "report.md", "junit.xml"])
def test_the_report_of_the_synthetic_run_is_the_stored_one(files: dict[str, bytes], name: str):
    compare(name, files[name])


def test_the_report_of_the_run_with_checks_retries_and_a_knee_is_the_stored_one(tmp_path: Path):
    bundle = load_bundle(write_answers(tmp_path / "run"))
    assert len(bundle.requests) > 600, "a report of nothing proves nothing"
    compare("answers.md", render_all(judge(bundle))["report.md"])


def test_the_stored_json_names_its_schema_and_holds_the_verdict(files: dict[str, bytes]):
    document = json.loads(files["report.json"])
    assert document["schemaVersion"] == "elastometer.dev/report/v1alpha2"
    assert document["verdict"] == "Pass"
    assert [one["milliseconds"] for one in (item["coldStart"] for item in document["coldStarts"])] == [11141.0] * 4


def test_the_queries_are_the_stored_ones():
    queries = render_queries("team-a", "demo-server", "demo-server")
    compare("promql.txt", "".join(f"{one.name}\n  {one.promql}\n  {one.purpose}\n" for one in queries).encode())
