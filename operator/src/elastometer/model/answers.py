"""Counts of what the load generator's checks found in the answers. Where no answer was judged there is no rate."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FailureRate:
    """Failed answers as a share of the judged ones, and its Wilson interval at 95 %."""

    percent: float
    low_percent: float
    high_percent: float


@dataclass(frozen=True, slots=True)
class FailedAnswer:
    """One answer that failed, so that its record can be found; `seconds` is the intended time of its request."""

    failure: str
    request: str
    seconds: float


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One stage, task and check; the total of a check has neither stage nor task.

    `requests` counts the answers that could have been judged. If none was, `failed` and `rate` are None. `failures` has
    the most frequent kinds of failure, `other_failures` counts the rest.
    """

    stage: str | None
    task: str | None
    check: str
    requests: int
    judged: int
    failed: int | None
    rate: FailureRate | None
    failures: Mapping[str, int]
    other_failures: int
    examples: tuple[FailedAnswer, ...]
