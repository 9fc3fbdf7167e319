"""Requests by what was asked: by task, by the length of a Sweep, by the group and by the length of the user's message.

Every interval is at 95 %. Durations are in milliseconds. What was not measured is None.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from elastometer.model.estimates import Interval, Percentile, Rate
from elastometer.model.levels import LostCount
from elastometer.model.load_rows import Quantiles


class InputBy(StrEnum):
    """What the rows of one table have in common."""

    TASK = "Task"
    LENGTH = "Length"  # of a Sweep's prompts, in tokens
    GROUP = "Group"  # the value of the field that the task's groupBy names
    CHARACTERS = "Characters"  # of the last user message, by measurement.inputCharacterBounds


# (by, stage, task): what lengths that are compared with each other have in common.
LengthsOf: TypeAlias = tuple[InputBy, str, str | None]


def lengths_of(by: InputBy, stage: str, task: str | None) -> LengthsOf:
    """Those of a Sweep are tasks, so that a task is common only to rows by characters."""
    return by, stage, task if by is InputBy.CHARACTERS else None


@dataclass(frozen=True, slots=True)
class InputRow:
    """The requests of one stage alike in `by`, of which `label` is the value, without those due in a warm-up.

    `task` is None in rows by group, and `group` in all others; a length of a Sweep is a task. `low` and `high` are the
    bounds of a row by characters, the latter included; None at an open end and in other rows. `input_tokens`, as the
    server counted them, and `input_characters`, of the last user message, are medians.
    `tokens_per_second` is that of single requests: their output tokens over their time from send to end.
    `failed_checks` counts answers of which some check failed, of those that any check judged, and `failed_own`, which
    is not part of the JSON, those of them that a length can explain: see `failed_own_share`. `slow` says why the row
    is marked as slow; None where it is not.
    """

    by: InputBy
    stage: str
    label: str
    task: str | None
    group: str | None
    low: int | None
    high: int | None
    input_tokens: float | None
    input_characters: float | None
    requests: int
    latency: Quantiles
    time_to_first_token: Quantiles
    tokens_per_second: Percentile
    errors: Rate
    timed_out: int
    lost: tuple[LostCount, ...]
    failed_checks: Rate | None
    slow: str | None = None
    failed_own: Rate | None = field(default=None, metadata={"json": False})

    @property
    def size(self) -> float | None:
        """The median of the length by which the rows of its table are ordered; None in rows by task and group."""
        return {InputBy.LENGTH: self.input_tokens, InputBy.CHARACTERS: self.input_characters}.get(self.by)


@dataclass(frozen=True, slots=True)
class InputLine:
    """Latency over input length in one stage, of one task where `by` is Characters: `at_zero` milliseconds, and
    `per_thousand` more for each 1,000 tokens or characters, by Theil and Sen; `residual` is the largest distance of a
    row's median from the line.

    `bends` is true if the slope of the longer half is greater than that of the shorter half beyond noise, None if there
    are too few requests to compare them.
    """

    by: InputBy
    stage: str
    task: str | None
    requests: int
    at_zero: float
    per_thousand: float
    interval: Interval | None
    residual: float
    bends: bool | None
