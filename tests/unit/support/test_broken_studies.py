"""What is planted in a study can be run, and what became of it is found, missed, miscounted, or not planted at all."""
from __future__ import annotations

from typing import Any

import pytest
import yaml

from elastometer.cli.base.offline import checked_spec
from elastometer.cli.base.offline_study import checked_study
from elastometer.model.findings import FindingName
from support.broken_studies import ROOT, BrokenRun, Planted, broken_runs, manifest_of, outcomes

RUNS = broken_runs()
ERRORS = Planted("3 errors", fault="error", counted={"outcome": "ServerError", "status": 500}, finding="CrossTalk",
                 says=("3",))


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_the_test_of_every_run_is_taken_offline_with_its_flags(run: BrokenRun):
    manifest = manifest_of(run)
    (checked_spec if manifest["kind"] == "ElasticityTest" else checked_study)(run.name, manifest)
    spec = manifest["spec"].get("template", manifest["spec"])
    assert set(run.args) <= set(spec["target"]["server"]["args"])


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_a_run_keeps_the_arguments_of_its_study_that_it_does_not_replace(run: BrokenRun):
    document = yaml.safe_load((ROOT / f"manifests/studies/{run.of}/smoke.yaml").read_text())
    spec = document["spec"].get("template", document["spec"])
    made = manifest_of(run)["spec"]
    args = made.get("template", made)["target"]["server"]["args"]
    assert {one.split("=")[0] for one in spec["target"]["server"]["args"]} <= {one.split("=")[0] for one in args}


def test_every_finding_that_is_wanted_exists_and_every_trouble_has_a_sign():
    wanted = {one.finding for run in RUNS for one in run.planted if one.finding is not None}
    assert wanted <= set(FindingName)
    assert all(one.finding or one.counted or one.objective or one.worse for run in RUNS for one in run.planted)


def judged(planted: Planted, findings: dict[str, str], errors: int, injected: int) -> list[tuple[str, str | None]]:
    report: dict[str, Any] = {"findings": [{"name": name, "evidence": text} for name, text in findings.items()]}
    records = [{"outcome": "ServerError", "status": 500}] * errors + [{"outcome": "Success", "status": 200}]
    run = BrokenRun("start", "all-in-one", (planted,))
    return [(one.trouble, one.flaw) for one in outcomes(run, report, records, {"error": injected})]


def test_a_trouble_that_is_found_as_often_as_it_was_injected_is_no_flaw():
    assert judged(ERRORS, {"CrossTalk": "3 requests"}, 3, 3) == [("3 errors", None)]


@pytest.mark.parametrize(("findings", "errors", "injected", "flaw"), [
    ({}, 3, 3, "CrossTalk was not found"),
    ({"CrossTalk": "some requests"}, 3, 3, "does not say ['3']"),
    ({"CrossTalk": "3 requests"}, 2, 3, "3 injected, 2 in the records"),
    ({"CrossTalk": "3 requests"}, 0, 0, "the stand-in injected no error"),
])
def test_what_is_not_found_not_said_or_not_counted_is_a_flaw(
    findings: dict[str, str], errors: int, injected: int, flaw: str,
):
    assert judged(ERRORS, findings, errors, injected) == [("3 errors", flaw)]


def test_a_trouble_that_nobody_planted_is_a_flaw_and_a_finding_about_the_load_is_none():
    found = judged(ERRORS, {"CrossTalk": "3 requests", "Forgets": "at 8", "ClientBound": "late"}, 3, 3)
    assert found == [("3 errors", None), ("nothing", "was not planted")]
