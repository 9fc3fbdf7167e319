"""`elastometer simulate` on one of the tests in tests/cases/simulate with some settings, and how it must end."""
from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from elastometer.cli.base.exits import Exit
from elastometer.cli.main import main

CASES = Path(__file__).parents[1] / "cases/simulate"
# What a command printed since the last call: (standard output, standard error).
Printed: TypeAlias = Callable[[], tuple[str, str]]


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


def check(row: Row, printed: Printed) -> None:
    """Runs one draw and asserts the outcome."""
    base, settings, outcome = row
    options = [word for setting in settings for word in ("--set", setting)]
    code = _exit_of(["simulate", str(CASES / f"{base}.yaml"), "--draws", "1", "--output", "json", *options])
    out, err = printed()
    if isinstance(outcome, Refused):
        assert code == Exit.SPEC_OR_USAGE, err
        assert all(word in err for word in outcome.words), err
        return
    report = json.loads(out)
    sizes = [size for _, size in report["timeline"]["desired"]]
    assert report["summary"]["requestCount"] > 100
    assert (max(sizes) > sizes[0]) is isinstance(outcome, Scales), sizes
    assert all(word in err for word in outcome.words), err


def _exit_of(arguments: list[str]) -> int:
    try:
        return main(arguments)
    except SystemExit as end:
        return int(end.code or 0)
