"""What a terminal and a log show while a study runs."""
from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from elastometer.cli.cluster.study_progress import MAX_MARKS, StudyLines, medians_so_far, panel, variant_rows
from elastometer.cli.cluster.study_seen import StudySeen
from support.kept_runs import run_entry

Json = dict[str, Any]


def study(*runs: Json, **status: Any) -> Json:
    return {"metadata": {"namespace": "staging", "name": "scalers"}, "status": {"phase": "Running", "runs": list(runs),
                                                                              **status}}


def run_of(name: str = "scalers-cpu-1", **progress: Any) -> Json:
    return {"metadata": {"name": name}, "status": {"phase": "Loading", "progress": progress}}


def comparison(**medians: float | None) -> Json:
    figures = [{"variant": name, "median": value} for name, value in medians.items()]
    return {"primaryCost": "gpuSeconds", "variants": [{"name": name} for name in medians],
            "rows": [{"measure": {"name": "missSeconds"}, "figures": figures}]}


def drawn(seen: StudySeen) -> str:
    console = Console(file=io.StringIO(), width=120, record=True)
    console.print(panel(seen))
    return console.export_text()


def test_every_run_has_a_mark_in_order_of_its_repetition():
    runs = [run_entry("queue", 1, verdict="Pass"), run_entry("cpu", 1), run_entry("queue", 2, state="Running"),
            run_entry("cpu", 2, state="Pending"), run_entry("queue", 3, state="NotCarriedOut"),
            run_entry("cpu", 3, state="Skipped"), run_entry("queue", 0, judged=False)]
    rows = variant_rows(StudySeen(study(*runs)))
    assert rows == [("variant", "runs"), ("queue", "✓ ▶ !"), ("cpu", "✗ · –")]


def test_many_runs_are_counted():
    runs = [run_entry("queue", at) for at in range(1, MAX_MARKS + 2)]
    assert variant_rows(StudySeen(study(*runs)))[1] == ("queue", f"{MAX_MARKS + 1}✗")


def test_medians_so_far_stand_beside_the_runs_and_what_is_not_known_is_a_dash():
    seen = StudySeen(study(run_entry("queue", 1), run_entry("cpu", 1)), (), comparison(queue=40, cpu=None))
    assert variant_rows(seen) == [("variant", "runs", "Objective-miss seconds"), ("queue", "✗", "40 s"),
                                  ("cpu", "✗", "–")]


def test_a_comparison_of_another_shape_shows_nothing():
    for found in ({}, {"rows": [{}], "variants": 3}, {"rows": "x", "variants": [{"name": 7}]}, None):
        assert medians_so_far(found)[1] == {}


def test_before_the_first_status_there_is_a_panel_too():
    assert "staging/scalers  Pending" in drawn(StudySeen({"metadata": {"namespace": "staging", "name": "scalers"}}))


def test_names_are_never_read_as_markup_or_escapes():
    hostile = "[bold]x[/bold]\x1b[2J\u202e"
    seen = StudySeen(study(run_entry(hostile, 1), tune={"outcome": hostile, "reason": hostile}),
                     (run_of(hostile, stage=hostile),), comparison(**{hostile: 1.0}))
    text = drawn(seen)
    assert "[bold]x[/bold]" in text
    assert "\x1b[2J" not in text
    assert "\u202e" not in text


def test_a_line_is_printed_once_for_each_change():
    stream = io.StringIO()
    lines = StudyLines(stream, now=lambda: 0.0)
    for state in ("Pending", "Running", "Running", "Judged", "Judged"):
        lines.show(StudySeen(study(run_entry("cpu", 1, state=state, verdict="Fail" if state == "Judged" else None),
                                   progress={"runs": f"{int(state == 'Judged')}/1"})))
    assert stream.getvalue().splitlines() == [
        "Running  0/1 runs", "scalers-cpu-1 Running", "scalers-cpu-1 Judged Fail", "Running  1/1 runs"]


def test_a_run_that_was_not_carried_out_says_why():
    stream = io.StringIO()
    StudyLines(stream).show(StudySeen(study(run_entry(
        "cpu", 1, state="NotCarriedOut", verdict=None, reason="LoadJobFailed", message="no node"))))
    assert stream.getvalue().splitlines()[0] == "scalers-cpu-1 NotCarriedOut: LoadJobFailed: no node"


def test_while_only_numbers_move_a_line_comes_each_fifteen_seconds():
    clock, stream = [0.0], io.StringIO()
    lines = StudyLines(stream, now=lambda: clock[0])
    for second in range(31):
        clock[0] = float(second)
        lines.show(StudySeen(study(run_entry("cpu", 1, state="Running", verdict=None)),
                             (run_of(requestCount=second),)))
    counted = [line.rpartition(" ")[2] for line in stream.getvalue().splitlines() if "requests" in line]
    assert counted == ["15", "30"]


def test_what_a_search_found_is_a_line():
    stream = io.StringIO()
    StudyLines(stream).show(StudySeen(study(tune={"outcome": "Found", "reason": "3 of 1,000 candidates"})))
    assert "tune Found: 3 of 1,000 candidates" in stream.getvalue().splitlines()
