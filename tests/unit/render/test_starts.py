"""Cold starts as rows: by part and phase, with the short phases together."""
from __future__ import annotations

from dataclasses import replace

from tests.support.pod_start import PodStart, log_of

from elastometer.model.start_class import NO_EVIDENCE
from elastometer.render.shapes import strips
from elastometer.render.wording.starts import class_words, evidence_rows, time_rows


def start_of(name: str, ready: float) -> PodStart:
    return PodStart(log_of(name), ready=ready)


def test_phases_that_are_short_in_every_start_share_the_last_row() -> None:
    start = start_of("v0.32-cpu-eager", 61).cold_start()
    rows = time_rows([start])
    assert [row[:2] for row in rows[:7]] == [
        ["cluster", "image"], ["cluster", "container started"], ["API server", "first log line"],
        ["API server", "imports, arguments"], ["API server", "model configuration"], ["engine", "engine process"],
        ["worker", "worker process"]]
    assert rows[-1][1] == (
        "short phases: scheduled, distributed set-up, worker set-up, model built, weights, memory profile")


def test_a_phase_that_is_long_in_one_start_has_a_row() -> None:
    eager, cold = start_of("v0.32-cpu-eager", 61).cold_start(), start_of("v0.18-download", 165).cold_start()
    weights = next(row for row in time_rows([eager, cold]) if row[1] == "weights")
    assert weights == ["worker", "weights", "20 ms ± 2 ms", "6.00 s ± 2 ms"]


def test_the_time_for_another_model_has_a_row_and_a_bar_of_its_own() -> None:
    start = start_of("v0.21-draft-model", 401).cold_start()
    rows = {row[1]: row[2] for row in time_rows([start])}
    assert (rows["compilation"], rows["compilation (draft model)"]) == ("66.0 s ± 6 ms", "7.10 s ± 2 ms")
    row, = strips([start]).rows
    assert "compilation (draft model)" in [bar.label for bar in row.bars]
    assert row.caption == "initial, weights cached"


def test_what_no_source_explains_is_never_folded_away() -> None:
    start = start_of("uvicorn-only", 600).cold_start()
    assert ["", "unattributed", "500 ms ± 2 ms"] in time_rows([start])


def test_a_start_without_evidence_has_no_class() -> None:
    predicted = replace(start_of("v0.7.3", 42).cold_start(), start_class=NO_EVIDENCE)
    assert (class_words(predicted), evidence_rows([predicted])) == ("–", [])
