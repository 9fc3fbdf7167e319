"""The figures of a run, out of reports of this version, of an earlier one, and of none."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from elastometer.model.measure import Scale
from elastometer.model.measures import BY_NAME, MEASURES, measure_flaw
from elastometer.model.report import Verdict
from elastometer.model.run_figures import WARMUP_REASON, RunLabel
from elastometer.study.compare.figures import LARGEST, figures_of, without_report
from elastometer.study.compare.readers import READERS

GOLDEN = Path(__file__).parents[2] / "golden" / "report.json"
LABEL = RunLabel("s-a-1", "a", 1)


@pytest.fixture
def report() -> dict[str, Any]:
    found = json.loads(GOLDEN.read_bytes())
    assert isinstance(found, dict)
    return found


def test_every_measure_has_a_reader_a_unit_or_a_price_and_a_name_of_its_own():
    assert list(READERS) == list(BY_NAME)
    assert len(BY_NAME) == len(MEASURES)
    assert [one.name for one in MEASURES if not one.unit] == ["money"]
    assert all(one.resolution > 0 for one in MEASURES)
    assert [one.name for one in MEASURES if one.is_primary] == ["missSeconds", "gpuSeconds"]
    assert {one.scale for one in MEASURES if one.unit in ("ms", "GPU-s")} == {Scale.LOGARITHMIC, Scale.LINEAR}


def test_the_figures_are_those_that_the_stored_report_states(report: dict[str, Any]):
    """Read off tests/golden/report.md by hand."""
    run = figures_of(report, LABEL)
    expected = {
        "missSeconds": 10, "gpuSeconds": 620.31, "replicaSeconds": 620.31, "startingGpuSeconds": 33.36,
        "drainingGpuSeconds": 5.33, "timeToFirstTokenP95Milliseconds": 5536.6, "timePerOutputTokenP50Milliseconds": 40,
        "latencyP99Milliseconds": 9185.6, "successPercent": 99.67, "failedRequests": 2, "refusedRequests": 1,
        "abortedRequests": 1, "stalledRequests": 0, "lostRequests": 1, "scaleOutLagMilliseconds": 11189,
        "coldStartP50Milliseconds": 11141, "scaleOuts": 3, "scaleIns": 2, "flaps": 0, "overshootReplicas": 0,
        "peakReadyReplicas": 4, "waitingPeakRequests": 20,
    }
    assert {name: run.figures[name] for name in expected} == expected
    assert run.figures["thetaUnderReady"] == pytest.approx(0.17353, abs=5e-6)
    assert run.figures["tauOverOrdered"] == pytest.approx(0.23639, abs=5e-6)
    assert (run.verdict, run.excluded, run.load_seconds) == (Verdict.PASS, None, 180.0)
    assert run.ready[0] == (-42.388, 0)
    assert run.demand[0][0] == 0.0
    parts = sum(run.figures[f"{part}GpuSeconds"] or 0 for part in ("useful", "kept", "idle", "starting", "draining"))
    assert parts == pytest.approx(620.31)


def test_what_is_not_in_the_report_is_none_with_the_reason_that_the_report_gives(report: dict[str, Any]):
    run = figures_of(report, LABEL)
    assert run.figures["money"] is None
    assert run.missing["money"] == "spec.price is not given"
    assert run.missing["wakeMilliseconds"] == "the run never woke from zero replicas"
    assert set(run.missing) == {name for name, value in run.figures.items() if value is None}
    assert all(run.missing.values())


def test_a_price_and_gpus_that_are_not_known_are_named(report: dict[str, Any]):
    report["price"] |= {"paidGpuMilliseconds": None, "noGpus": "no container asks for GPUs"}
    report["price"]["money"]["run"] = {"value": "1.2345", "reason": None}
    report["price"]["parts"] = [{"part": "Ready", "replicaMilliseconds": 5, "gpuMilliseconds": None}]
    report["price"]["notSplit"] = "no demand is known"
    run = figures_of(report, LABEL)
    assert (run.figures["gpuSeconds"], run.missing["gpuSeconds"]) == (None, "no container asks for GPUs")
    assert (run.figures["usefulGpuSeconds"], run.missing["usefulGpuSeconds"]) == (None, "no demand is known")
    assert run.figures["money"] == 1.2345


def test_a_supply_that_was_not_scored_says_why(report: dict[str, Any]):
    report["elasticity"]["supplies"][1] = {"supply": "Ready", "reason": "the watch was away", "score": None}
    report["elasticity"]["supplies"][0]["score"]["thetaUnder"] = None
    run = figures_of(report, LABEL)
    assert run.missing["thetaUnderReady"] == "the watch was away"
    assert run.missing["thetaUnderOrdered"] == "score.thetaUnder was not measured"
    assert run.figures["thetaOverOrdered"] is not None


def test_a_report_of_the_first_version_lacks_what_it_did_not_know_and_has_the_rest(report: dict[str, Any]):
    for name in ("demand", "elasticity", "resources", "story", "scaleOuts", "calibration"):
        del report[name]
    report["schemaVersion"] = "elastometer.dev/report/v1alpha1"
    report["price"] = {"gpusPerReplica": 1, "readyReplicaSeconds": 580.0, "heldReplicaSeconds": 620.4}
    run = figures_of(report, LABEL)
    assert run.excluded is None
    assert run.figures["timeToFirstTokenP95Milliseconds"] == 5536.6
    absent = {"missSeconds", "gpuSeconds", "replicaSeconds", "money", "flaps", "overshootReplicas", "thetaUnderReady",
              "coldStartUnder", "waitingPeakRequests", "idleGpuSeconds"}
    assert {run.figures[name] for name in absent} == {None}
    assert run.missing["missSeconds"].startswith("the report has no price.alternatives; `elastometer judge` ")


def test_cold_starts_are_those_of_added_pods_and_their_percentiles_by_nearest_rank(report: dict[str, Any]):
    starts = [("Initial", 99000.0), ("ScaleOut", 3000.0), ("ScaleOut", 1000.0), ("ScaleOut", None),
              ("Replacement", 88000.0)]
    report["coldStarts"] = [{"origin": origin, "coldStart": {"milliseconds": value}} for origin, value in starts]
    run = figures_of(report, LABEL)
    assert (run.figures["coldStartP50Milliseconds"], run.figures["coldStartP95Milliseconds"]) == (1000.0, 3000.0)
    report["coldStarts"] = []
    assert figures_of(report, LABEL).missing["coldStartP50Milliseconds"].startswith("no Pod was added")


@pytest.mark.parametrize(("change", "expected"), [
    ({"verdict": "Inconclusive", "verdictMessage": "no data"}, "inconclusive: no data"),
    ({"verdict": "Splendid"}, "its report has no verdict of a known kind"),
    ({"predicted": {"draws": 20}}, "it is a prediction, not a run"),
    ({"verdict": "Fail"}, None),
    ({"verdict": "NotJudged"}, None),
])
def test_runs_that_say_nothing_about_the_cluster_are_excluded_by_name(
    report: dict[str, Any], change: dict[str, Any], expected: str | None,
):
    assert figures_of(report | change, LABEL).excluded == expected


def test_a_warmup_is_excluded_whatever_came_of_it(report: dict[str, Any]):
    label = RunLabel("s-warmup", "a", 0, is_warmup=True)
    assert figures_of(report, label).excluded == WARMUP_REASON
    assert without_report(label, "it was not carried out").excluded == WARMUP_REASON


@pytest.mark.parametrize("value", [float("inf"), -float("inf"), float("nan"), 10 * LARGEST, -0.5])
def test_numbers_that_no_run_can_have_are_not_measured(report: dict[str, Any], value: float):
    report["load"][-1]["latency"]["p95"] = value
    run = figures_of(report, LABEL)
    assert run.figures["latencyP95Milliseconds"] is None
    assert "must be from 0 to 1e+15" in run.missing["latencyP95Milliseconds"]


@pytest.mark.parametrize("document", [
    {}, {"load": None}, {"load": [1, "x"]}, {"price": []}, {"price": {"alternatives": [{}], "parts": [None]}},
    {"timeline": {"ready": [[1], "x", [None, 2], [1, "y"]]}}, {"elasticity": {"supplies": [{"supply": "Ready"}]}},
    {"price": {"money": {"run": {"value": "a lot"}}}}, {"scaleIns": [{"lost": {"Aborted": "two"}}]},
])
def test_a_document_of_any_shape_has_figures_without_values_and_a_reason_for_each(document: dict[str, Any]):
    run = figures_of(document, LABEL)
    assert run.excluded is not None
    assert set(run.figures) == set(BY_NAME)
    assert {run.figures[name] for name in ("gpuSeconds", "money", "latencyP95Milliseconds")} == {None}
    assert all(run.missing[name] for name, value in run.figures.items() if value is None)


def test_the_name_of_a_measure_that_is_none_is_answered_with_the_nearest():
    assert measure_flaw("gpuSeconds") is None
    assert measure_flaw("missSecond") == (
        "must be the name of a measure (did you mean missSeconds?), is 'missSecond'; docs/studies.md lists them")
    assert "did you mean" not in (measure_flaw("🤷") or "")
