"""Exit codes of every command, and the error that carries one to the top."""
from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from elastometer.cli.base.text import printable

# Flaws of the spec, and of what it names, that only the operator can see: the API server took it, the run never began.
_SPEC_REASONS = frozenset({"SpecInvalid", "ScalerRejected", "TargetRejected", "LoadRejected", "LoadFilesMissing",
                           "LoadFilesInvalid", "APIKeyMissing", "APIKeyInvalid"})


class Exit(IntEnum):
    """What a script sees. NotJudged counts as PASSED: the run had no objective to miss."""

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
    """A verdict that is absent or of no known word could not be told: INCONCLUSIVE."""
    known = {"Pass": Exit.PASSED, "NotJudged": Exit.PASSED, "Fail": Exit.FAILED}
    return known.get(verdict or "", Exit.INCONCLUSIVE)


def exit_of_status(status: Mapping[str, Any]) -> Exit:
    """The exit code of a finished test, from its `.status`."""
    succeeded = condition(status, "Succeeded")
    if succeeded.get("status") == "True":
        return exit_of_verdict(status.get("verdict"))
    return Exit.SPEC_OR_USAGE if succeeded.get("reason") in _SPEC_REASONS else Exit.NOT_CARRIED_OUT


def condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """One condition by its type; empty when there is none."""
    return next((item for item in status.get("conditions") or () if item.get("type") == kind), {})
