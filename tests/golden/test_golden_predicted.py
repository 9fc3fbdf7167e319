"""The predicted report of a tiny test against its stored text; ELASTOMETER_REGENERATE=1 writes what is found."""
from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from elastometer.cli.base.exits import Exit
from elastometer.cli.main import main
from support.goldens import compare

HERE = Path(__file__).parent
ARGUMENTS = ("--draws", "3", "--cold-start", "8,10", "--capacity",
             "prefillSeconds=0.05,prefillSecondsPerToken=0.001,decodeSeconds=0.05,decodeSecondsPerNeighbour=0.005")


@pytest.fixture
def printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.chdir(HERE)
    assert main(["simulate", "predicted_test.yaml", *ARGUMENTS, "--out", str(tmp_path)]) == Exit.PASSED
    return capsys.readouterr().out.replace(str(tmp_path), "OUT")


def test_the_predicted_report_is_the_stored_one(printed: str, tmp_path: Path):
    assert printed
    text = (tmp_path / "report.md").read_text().replace(f"elastometer {version('elastometer')}", "elastometer VERSION")
    compare("predicted.md", text.encode())


def test_what_is_printed_of_a_predicted_report_is_the_stored_text(printed: str):
    compare("predicted.txt", printed.encode())
