"""When requests were sent but are not judged: the first seconds of a stage, or of each step and the soak of a Knee."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import polars as pl

from elastometer.model.knee import KneeSeen
from elastometer.model.terms import StageWindow
from elastometer.model.units import SECOND, Instant
from elastometer_loadgen.stages.stage import StageType


class WarmUp(NamedTuple):
    """What a stage wanted to send from `start` up to `end` is not judged."""

    stage: str
    start: Instant
    end: Instant


def warm_ups(stages: Iterable[StageWindow], searches: Sequence[KneeSeen], origin: Instant) -> Iterator[WarmUp]:
    """Those of the stages in the windows in which they ran; of a Knee, those of the steps that a worker reported.

    That of a whole stage has no begin of its own: its first request is due a few microseconds before the instant that
    is recorded as its start."""
    for stage in stages:
        if not stage.warmup_seconds:
            continue
        length = round(stage.warmup_seconds * SECOND)
        if stage.type is StageType.KNEE:
            begins = {step.start for search in searches if search.stage == stage.name
                      for step in (*search.steps, search.soak) if step is not None}
            yield from (WarmUp(stage.name, begin, begin + length) for begin in sorted(begins))
        elif stage.start_seconds is not None:
            yield WarmUp(stage.name, origin, origin + round(stage.start_seconds * SECOND) + length)


def without_warm_ups(table: pl.DataFrame, found: Sequence[WarmUp]) -> pl.DataFrame:
    """The requests that are judged, in the same order: those whose intended time is in no warm-up of their stage."""
    if not found:
        return table
    return table.filter(~pl.any_horizontal(
        (pl.col("stage") == one.stage) & (pl.col("intended") >= one.start) & (pl.col("intended") < one.end)
        for one in found))
