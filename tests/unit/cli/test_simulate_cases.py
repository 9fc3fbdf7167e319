"""`elastometer simulate` on tests that differ from a working one in one thing, as people really write them.

Each row changes one of the two tests in tests/cases/simulate by `--set` and claims how the prediction must end: the
service scales out, it stays at its minimum and the output says why, or the test is refused by name.
"""
from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from elastometer.cli.base.exits import Exit
from elastometer.cli.main import main

CASES = Path(__file__).parents[2] / "cases/simulate"


@dataclass(frozen=True, slots=True)
class Scales:
    """The service scales out. `words` occur in the output."""

    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stays:
    """The service is never larger than at the start. `words` occur in the output."""

    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """Exit code 2; `words` occur in the message."""

    words: tuple[str, ...]


Outcome: TypeAlias = Scales | Stays | Refused
# name -> (base test, settings, outcome)
Row: TypeAlias = tuple[str, tuple[str, ...], Outcome]
WORKING: dict[str, Row] = {
    "the base under KEDA": ("keda", (), Scales()),
    "the base under an HPA": ("hpa", (), Scales()),
}
# Fields and values that the API server would not take, with the nearest name that exists.
TYPOS: dict[str, Row] = {}
# The server's own arguments, in every spelling that its parser takes.
SERVER_FLAGS: dict[str, Row] = {}
ALL = {**WORKING, **TYPOS, **SERVER_FLAGS}


@pytest.mark.parametrize("row", [pytest.param(row, id=name) for name, row in ALL.items()])
def test_a_prediction_ends_as_the_real_autoscaler_would(row: Row, capsys: pytest.CaptureFixture[str]) -> None:
    base, settings, outcome = row
    options = [word for setting in settings for word in ("--set", setting)]
    code = exit_of(["simulate", str(CASES / f"{base}.yaml"), "--draws", "1", "--output", "json", *options])
    said = capsys.readouterr()
    if isinstance(outcome, Refused):
        assert code == Exit.SPEC_OR_USAGE
        assert all(word in said.err for word in outcome.words), said.err
        return
    report = json.loads(said.out)
    sizes = [size for _, size in report["timeline"]["desired"]]
    assert report["summary"]["requestCount"] > 100
    assert (max(sizes) > sizes[0]) is isinstance(outcome, Scales)
    assert all(word in said.out for word in outcome.words), said.out


def exit_of(arguments: list[str]) -> int:
    try:
        return main(arguments)
    except SystemExit as end:
        return int(end.code or 0)
