"""Exit codes of every command, and the error that carries one to the top."""
from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from elastometer.cli.base.text import printable
from elastometer.model.reasons import SPEC_FLAWS
from elastometer.model.report import Verdict
from elastometer.model.status import SUCCEEDED


class Exit(IntEnum):
    """What a script sees. NotJudged counts as PASSED, since the run had no objective to miss."""

    PASSED = 0
    FAILED = 1
    SPEC_OR_USAGE = 2
    INCONCLUSIVE = 3
    NOT_CARRIED_OUT = 4


class CliError(Exception):
    """Ends a command; the lines say what is wrong and what to do."""

    def __init__(self, code: Exit, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.code = code
        self.lines = tuple(printable(line) for line in lines)


def exit_of_verdict(verdict: str | None) -> Exit:
    """An absent or unknown verdict counts as INCONCLUSIVE, so that no script takes it for a Pass."""
    known: Mapping[str, Exit] = {Verdict.PASS: Exit.PASSED, Verdict.NOT_JUDGED: Exit.PASSED, Verdict.FAIL: Exit.FAILED}
    return known.get(verdict or "", Exit.INCONCLUSIVE)


def exit_of_status(status: Mapping[str, Any]) -> Exit:
    """The exit code of a finished test, from its `.status`."""
    succeeded = condition(status, SUCCEEDED)
    if succeeded.get("status") == "True":
        return exit_of_verdict(status.get("verdict"))
    return Exit.SPEC_OR_USAGE if succeeded.get("reason") in SPEC_FLAWS else Exit.NOT_CARRIED_OUT


def condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """One condition by its type; empty when there is none."""
    return next((item for item in status.get("conditions") or () if item.get("type") == kind), {})
