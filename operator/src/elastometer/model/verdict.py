"""Verdicts on a run and on each of its objectives."""
from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Missing an objective (FAIL) is not the same as data that allow no verdict (INCONCLUSIVE)."""

    PASS = "Pass"
    FAIL = "Fail"
    INCONCLUSIVE = "Inconclusive"
    NOT_JUDGED = "NotJudged"


@dataclass(frozen=True, slots=True)
class ObjectiveResult:
    """One objective with the number measured, the bound, and the rule as a sentence."""

    name: str
    indicator: str
    verdict: Verdict
    message: str
    measured: float | None
    bound: float | None
    unit: str
    count: int
    stage: str | None
    check: str | None = None
    task: str | None = None
