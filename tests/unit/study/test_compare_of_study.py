"""A study's record with the reports of its runs, whole and with runs missing."""
from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from elastometer.model.comparison import Judgement
from elastometer.model.errors import SpecError
from elastometer.model.report import Verdict
from elastometer.model.run_figures import WARMUP_REASON
from elastometer.model.study_document import RunEntry, RunState, StudyDocument
from elastometer.model.study_names import StudyNames
from elastometer.model.tuning import Predicted, PredictedFigure, TunedVariant, TuneOutcome, TuneResult
from elastometer.model.tuning_document import tune_document
from elastometer.study.compare.of_study import CALIBRATION_REASON, REPORTED_REASON, KeptRun, compare_study
from elastometer.study.compare.samples import samples_of
from elastometer.world.bundle_reader import load_bundle
from support.comparisons import SPEC
from support.synthetic.run import write_run

GOLDEN = Path(__file__).parents[2] / "golden" / "report.json"
STUDY: dict[str, Any] = {
    "template": SPEC, "repetitions": 2,
    "variants": [{"name": "queue"}, {"name": "most", "preset": "StaticMaximum"},
                 {"name": "one", "preset": "Calibration"},
                 {"name": "quick", "patch": {"autoscaler": {"type": "None"}}}],
}


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    found = json.loads(GOLDEN.read_bytes())
    assert isinstance(found, dict)
    return found


def _record(entries: list[RunEntry], found: Mapping[str, Any] | None = None, **spec: Any) -> StudyDocument:
    return StudyDocument(StudyNames("team-a", "s", "uid"), {**STUDY, **spec}, tuple(entries), found,
                         datetime(2026, 3, 4, tzinfo=UTC))


def _entry(variant: str, repetition: int, state: RunState = RunState.JUDGED, **more: Any) -> RunEntry:
    return RunEntry(f"s-{variant}-{repetition}", variant, repetition, state=state, **more)


def _kept(report: dict[str, Any], misses: int, scaler: str = "HorizontalPodAutoscaler") -> KeptRun:
    run = {**report["price"]["alternatives"][0], "missSeconds": misses}
    price = {**report["price"], "alternatives": [run, *report["price"]["alternatives"][1:]]}
    return KeptRun({**report, "price": price}, {"spec": {**SPEC, "autoscaler": {"type": scaler}}})


def test_the_runs_of_a_record_are_compared_and_each_missing_one_is_named(report: dict[str, Any]):
    entries = [
        RunEntry("s-warmup", "queue", 0, judged=False, state=RunState.JUDGED), _entry("queue", 1), _entry("most", 1),
        _entry("one", 1), _entry("queue", 2), _entry("most", 2),
        _entry("quick", 1, RunState.NOT_CARRIED_OUT, reason="Unschedulable", message="no node has 4 GPUs"),
        _entry("quick", 2, RunState.SKIPPED),
    ]
    kept = {"s-warmup": _kept(report, 999), "s-queue-1": _kept(report, 50), "s-queue-2": _kept(report, 52),
            "s-most-1": _kept(report, 0, "None"), "s-most-2": _kept(report, 1, "None"), "s-one-1": _kept(report, 7)}
    found = compare_study(_record(entries), kept)
    assert (found.study, found.namespace, found.baseline) == ("s", "team-a", "queue")
    assert [(one.name, one.planned, one.compared, one.is_static) for one in found.variants] == [
        ("queue", 2, 2, False), ("most", 2, 2, True), ("one", 2, 0, False), ("quick", 2, 0, False)]
    assert [one.patch for one in found.variants[:2]] == [None, "preset: StaticMaximum\n"]
    assert found.variants[3].patch == "autoscaler:\n  type: None\n"
    excluded = {run.label.run: run.excluded for run in found.runs if run.excluded}
    assert excluded == {
        "s-warmup": WARMUP_REASON, "s-one-1": CALIBRATION_REASON,
        "s-quick-1": "it was not carried out (Unschedulable: no node has 4 GPUs)",
        "s-quick-2": "the study ended before its turn",
    }
    row = found.row("missSeconds")
    assert row is not None
    difference = row.difference("most", "queue")
    assert difference is not None
    assert (difference.absolute, difference.judgement) == (-50.5, Judgement.BETTER)
    assert found.verdict is Verdict.PASS


def test_a_variant_that_is_only_reported_is_named_with_its_reason_and_has_no_differences(report: dict[str, Any]):
    variants = [{"name": "main", "compared": False, "repetitions": 1}, {"name": "queue"}, {"name": "most"}]
    entries = [_entry("main", 1), *(_entry(name, number) for number in (1, 2) for name in ("queue", "most"))]
    found = compare_study(_record(entries, variants=variants), {one.name: _kept(report, 50) for one in entries})
    assert (found.baseline, [one.planned for one in found.variants]) == ("queue", [1, 2, 2])
    assert {run.label.run: run.excluded for run in found.runs if run.excluded} == {"s-main-1": REPORTED_REASON}
    assert "main is not compared: the study only reports it (compared: false)." in found.sentences
    row = found.row("missSeconds")
    assert row is not None
    assert {one.variant for one in row.differences if one.absolute is not None} == {"queue", "most"}


@pytest.mark.parametrize(("allowed", "judged"), [(False, Judgement.CANNOT_TELL), (True, Judgement.BETTER)])
def test_variants_of_other_loads_are_compared_only_where_the_study_allows_it(
    report: dict[str, Any], allowed: bool, judged: Judgement,
):
    def kept(name: str, number: int) -> KeptRun:
        load = {"stages": [{"name": name}]}
        return replace(_kept(report, 50 + number if name == "queue" else number), test={"spec": {**SPEC, "load": load}})

    entries = [_entry(name, number) for number in (1, 2) for name in ("queue", "most")]
    record = _record(entries, variants=[{"name": "queue"}, {"name": "most"}], allowDifferent=allowed)
    found = compare_study(record, {one.name: kept(one.variant, one.repetition) for one in entries})
    row = found.row("missSeconds")
    assert row is not None
    assert [one.judgement for one in row.differences if (one.variant, one.baseline) == ("most", "queue")] == [judged]
    assert any(line.startswith("most: spec.load.stages[0].name: ") for line in found.differing)


def test_a_record_whose_runs_have_not_ended_is_compared_so_far(report: dict[str, Any]):
    entries = [_entry("queue", 1), _entry("queue", 2, RunState.RUNNING), _entry("most", 1, RunState.PENDING),
               _entry("most", 2)]
    found = compare_study(_record(entries), {"s-queue-1": _kept(report, 50)})
    assert {run.label.run: run.excluded for run in found.runs} == {
        "s-queue-1": None, "s-queue-2": "it has not ended yet", "s-most-1": "it has not been made yet",
        "s-most-2": "its report is missing"}
    assert found.best.variant is None


def test_predictions_stand_beside_what_was_measured_and_their_order_is_compared(report: dict[str, Any]):
    def predicted(median: float, low: float, high: float) -> Predicted:
        return Predicted(20, 20, {"missSeconds": PredictedFigure(median, low, high)})

    searched = tune_document(TuneResult(
        "s-queue-1", TuneOutcome.FOUND, "found", base=predicted(45, 40, 60),
        variants=(TunedVariant("tuned-1", {"autoscaler": {"x": 1}}, (), predicted(10, 5, 20), apart=True),
                  TunedVariant("tuned-2", {}, (), predicted(20, 15, 30), apart=True))))
    entries = [_entry(name, number) for name in ("queue", "tuned-1", "tuned-2") for number in (1, 2)]
    kept = {"s-queue-1": _kept(report, 50), "s-queue-2": _kept(report, 52),
            "s-tuned-1-1": _kept(report, 31), "s-tuned-1-2": _kept(report, 33),
            "s-tuned-2-1": _kept(report, 17), "s-tuned-2-2": _kept(report, 19)}
    found = compare_study(_record(entries, searched, tune={"from": "queue"}), kept)
    assert [(one.variant, one.predicted, one.measured, one.is_within) for one in found.predicted] == [
        ("queue", 45, 51.0, True), ("tuned-1", 10, 32.0, False), ("tuned-2", 20, 18.0, True)]
    assert [(one.measure, one.agreeing, one.pairs) for one in found.agreement] == [("missSeconds", 2, 3)]
    assert [(one.name, one.is_tuned, one.patch) for one in found.variants[-2:]] == [
        ("tuned-1", True, "autoscaler:\n  x: 1\n"), ("tuned-2", True, "{}\n")]


def test_a_record_that_holds_no_study_is_refused_by_its_flaws(report: dict[str, Any]):
    with pytest.raises(SpecError, match=r"spec\.baseline: must be the name of a variant"):
        compare_study(_record([], baseline="queu"), {})


def test_a_run_that_is_recorded_twice_is_refused(report: dict[str, Any]):
    entries = [_entry("queue", 1), _entry("most", 1), replace(_entry("queue", 1), name="s-queue-one")]
    with pytest.raises(SpecError, match=r"^runs: must have each repetition of a variant once, have queue 1 more"):
        compare_study(_record(entries), {"s-queue-1": _kept(report, 50)})


def test_the_latencies_of_a_run_are_in_order_of_time_and_have_the_percentiles_that_its_report_states(
    tmp_path: Path, report: dict[str, Any],
):
    samples = samples_of(load_bundle(write_run(tmp_path / "run")))
    total = report["load"][-1]
    for key in ("timeToFirstToken", "timePerOutputToken", "latency"):
        values = samples[f"{key}P95Milliseconds"]
        assert len(values) == total[key]["count"]
        assert sorted(values)[-1] == pytest.approx(total[key]["maximum"], abs=0.06)
        assert values is samples[f"{key}P50Milliseconds"]
    waits = samples["timeToFirstTokenP50Milliseconds"]
    assert max(waits[:30]) < 100 < max(waits)  # the calm stage comes first
