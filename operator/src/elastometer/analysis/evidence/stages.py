"""When each stage of the load really ran: from the spec where it fixes the times, else from what happened.

A stage of type Knee ends when its worker says so, and a stage that ends with its requests when the last of them ends;
the next stage follows at once. A stage that left no trace has no window.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from elastometer.model.bundle import Bundle
from elastometer.model.knee import KneeSeen
from elastometer.model.request import RecordedRequest
from elastometer.model.terms import StageWindow
from elastometer.model.units import Instant, to_seconds
from elastometer_loadgen.stages.stage import StageType


def stages_as_run(bundle: Bundle, requests: Sequence[RecordedRequest], origin: Instant) -> tuple[StageWindow, ...]:
    """The stages of the terms with the windows that they had, in seconds from the origin."""
    by_stage: dict[str, list[RecordedRequest]] = {}
    for record in requests:
        by_stage.setdefault(record.stage, []).append(record)
    searched: dict[str, Instant] = {}
    for search in (search for generator in bundle.generators for search in generator.knees):
        # The latest report counts: a worker that was stopped saw only a part of the search.
        if (over := _search_end(search)) is not None:
            searched[search.stage] = max(over, searched.get(search.stage, over))
    found: list[StageWindow] = []
    clock: float | None = 0.0
    for stage in bundle.terms.stages:
        if stage.start_seconds is None or stage.end_seconds is None:
            stage = _as_run(stage, clock, by_stage.get(stage.name, []), searched, origin)
        found.append(stage)
        clock = stage.end_seconds
    return tuple(found)


def _as_run(
    stage: StageWindow, before: float | None, records: Sequence[RecordedRequest], searched: Mapping[str, Instant],
    origin: Instant,
) -> StageWindow:
    start = before
    if start is None and records:
        start = to_seconds(min(record.intended for record in records) - origin)
    if stage.length_seconds is not None:
        return replace(stage, start_seconds=start, end_seconds=None if start is None else start + stage.length_seconds)
    over = _over(stage, records, searched)
    end = None if over is None or start is None else max(start, to_seconds(over - origin))
    return replace(stage, start_seconds=start, end_seconds=end)


def _search_end(search: KneeSeen) -> Instant | None:
    """A knee search ends with its soak, or with the last of its steps."""
    return max((step.end for step in (*search.steps, search.soak) if step is not None), default=None)


def _over(stage: StageWindow, records: Sequence[RecordedRequest], searched: Mapping[str, Instant]) -> Instant | None:
    if stage.name in searched:
        return searched[stage.name]
    if stage.type is StageType.KNEE:
        # Its worker left no summary, and its users continue into what follows, so no answer shows when it ended.
        return max((record.intended for record in records), default=None)
    return max((record.end or record.intended for record in records), default=None)
