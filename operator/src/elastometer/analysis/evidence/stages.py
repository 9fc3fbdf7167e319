"""When each stage of the load really ran: from the spec where it fixes the times, else from what happened.

A stage of type Knee ends when its worker says so, and a stage that ends with its requests when the last of them ends;
the next stage follows at once. A stage that left no trace has no window.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import polars as pl

from elastometer.model.bundle import Bundle
from elastometer.model.knee import KneeSeen
from elastometer.model.request import RecordedRequest
from elastometer.model.request_table import table_of
from elastometer.model.terms import StageWindow
from elastometer.model.units import Instant, to_seconds
from elastometer_loadgen.stages.stage import StageType


class _Span(NamedTuple):
    """Of the requests of a stage: first and last intended time, and the end of the last; None without requests."""

    first: Instant | None = None
    last: Instant | None = None
    end: Instant | None = None


_NO_SPAN = _Span()


def stages_as_run(bundle: Bundle, requests: Sequence[RecordedRequest], origin: Instant) -> tuple[StageWindow, ...]:
    """The stages of the terms with the windows that they had, in seconds from the origin."""
    spans = _spans(table_of(requests))
    searched: dict[str, Instant] = {}
    for search in (search for generator in bundle.generators for search in generator.knees):
        # The latest report counts: a worker that was stopped saw only a part of the search.
        if (over := _search_end(search)) is not None:
            searched[search.stage] = max(over, searched.get(search.stage, over))
    found: list[StageWindow] = []
    clock: float | None = 0.0
    for stage in bundle.terms.stages:
        if stage.start_seconds is None or stage.end_seconds is None:
            stage = _as_run(stage, clock, spans.get(stage.name, _NO_SPAN), searched, origin)
        found.append(stage)
        clock = stage.end_seconds
    return tuple(found)


def _spans(table: pl.DataFrame) -> dict[str, _Span]:
    found = table.lazy().group_by("stage").agg(
        pl.col("intended").min().alias("first"), pl.col("intended").max().alias("last"),
        pl.coalesce("end", "intended").max().alias("end")).collect()
    return {name: _Span(first, last, end) for name, first, last, end in found.iter_rows()}


def _as_run(
    stage: StageWindow, before: float | None, span: _Span, searched: Mapping[str, Instant], origin: Instant,
) -> StageWindow:
    start = before
    if start is None and span.first is not None:
        start = to_seconds(span.first - origin)
    if stage.length_seconds is not None:
        return replace(stage, start_seconds=start, end_seconds=None if start is None else start + stage.length_seconds)
    over = _over(stage, span, searched)
    end = None if over is None or start is None else max(start, to_seconds(over - origin))
    return replace(stage, start_seconds=start, end_seconds=end)


def _search_end(search: KneeSeen) -> Instant | None:
    """A knee search ends with its soak, or with the last of its steps."""
    return max((step.end for step in (*search.steps, search.soak) if step is not None), default=None)


def _over(stage: StageWindow, span: _Span, searched: Mapping[str, Instant]) -> Instant | None:
    if stage.name in searched:
        return searched[stage.name]
    # The worker of a Knee left no summary, and its users continue into what follows: no answer shows when it ended.
    return span.last if stage.type is StageType.KNEE else span.end
