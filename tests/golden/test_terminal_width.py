"""What the commands print for people fits a terminal, on every run and trace that is stored here."""
from __future__ import annotations

from pathlib import Path

import pytest

from elastometer.cli.main import main

HERE = Path(__file__).parent
TRACES = HERE.parent / "oracle" / "given-traces.jsonl"
RUNS = sorted((HERE / "runs").iterdir())
WIDEST = 120


def too_long(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> list[str]:
    assert main([*map(str, arguments)]) == code
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 3, "nothing printed proves nothing"
    return [line for line in lines if len(line) > WIDEST]


@pytest.mark.parametrize("record", [TRACES, *RUNS], ids=lambda path: path.name)
def test_the_account_of_an_autoscaler_fits(record: Path, capsys: pytest.CaptureFixture[str]):
    assert too_long(capsys, "hpa", "explain", record) == []
    assert too_long(capsys, "hpa", "explain", record, "--all") == []


@pytest.mark.parametrize("record", RUNS, ids=lambda path: path.name)
def test_a_what_if_answer_fits_with_a_setting_and_a_search(record: Path, capsys: pytest.CaptureFixture[str]):
    assert too_long(capsys, "what-if", record, "--jobs", 1) == []
    assert too_long(capsys, "what-if", record, "--jobs", 1, "--set", "target=3", "--search", "--candidates", 20) == []


def test_a_comparison_of_two_runs_fits(capsys: pytest.CaptureFixture[str]):
    pair = [path for path in RUNS if path.name.startswith("honest-pods")]
    assert len(pair) == 2
    assert too_long(capsys, "what-if", pair[0], "--compare", pair[1]) == []
