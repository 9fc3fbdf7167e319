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
