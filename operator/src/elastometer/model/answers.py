"""What the load generator's checks found in the answers, counted. What no answer was judged for has no rate."""
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
    """One answer that failed, so that its record can be found; `seconds` is when its request was wanted."""

    failure: str
    request: str
    seconds: float


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One stage, task and check; the total of a check has neither stage nor task.

    `requests` counts what could have been judged. Where nothing was, `failed` and `rate` are None. `failures` has the
    most frequent ones, `other_failures` counts the rest.
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
