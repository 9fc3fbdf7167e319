"""The explanation of one given trace of the real controller, as the command line prints it.

ELASTOMETER_REGENERATE=1 writes what is found and fails the run, so that a changed golden is always looked at.
"""
from __future__ import annotations

import os
from pathlib import Path

import pytest

from elastometer.cli.main import main

HERE = Path(__file__).parent
TRACES = HERE.parent / "oracle" / "given-traces.jsonl"
STORED = HERE / "explain-trace.txt"


def test_the_explanation_of_a_given_trace_is_the_stored_one(capsys: pytest.CaptureFixture[str]):
    assert main(["hpa", "explain", str(TRACES), "--name", "trace-3"]) == 0
    found = capsys.readouterr().out
    assert found.count("\n") > 80, "an explanation of nothing proves nothing"
    if os.environ.get("ELASTOMETER_REGENERATE"):
        STORED.write_text(found, encoding="utf-8")
        pytest.fail(f"{STORED.name} was written again: look at the difference, then run again without the variable")
    assert found == STORED.read_text(encoding="utf-8")
