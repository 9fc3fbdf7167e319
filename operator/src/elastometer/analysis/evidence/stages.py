"""When each stage of the load really ran: from the spec where it fixes the times, else from what happened.

A Knee is over when its worker says so, a stage that ends with its requests when the last of them ended; the next stage
follows at once. Of a stage that left no trace nothing is claimed.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from elastometer.model.bundle import Bundle
from elastometer.model.knee import KneeSeen
from elastometer.model.request import RecordedRequest
from elastometer.model.terms import KNEE, Stage
from elastometer.model.units import Instant, to_seconds


def stages_as_run(bundle: Bundle, requests: Sequence[RecordedRequest], origin: Instant) -> tuple[Stage, ...]:
    """The stages of the terms with the windows that they had, in seconds from the origin."""
    by_stage: dict[str, list[RecordedRequest]] = {}
    for record in requests:
        by_stage.setdefault(record.stage, []).append(record)
    told: dict[str, Instant] = {}
    for climb in (climb for one in bundle.generators for climb in one.knees):
        if (over := _climbed(climb)) is not None:  # the latest of the accounts: a stopped life's is of a part
            told[climb.stage] = max(over, told.get(climb.stage, over))
    found: list[Stage] = []
    clock: float | None = 0.0
    for stage in bundle.terms.stages:
        if stage.start_seconds is None or stage.end_seconds is None:
            stage = _as_run(stage, clock, by_stage.get(stage.name, []), told, origin)
        found.append(stage)
        clock = stage.end_seconds
    return tuple(found)


def _as_run(
    stage: Stage, before: float | None, records: Sequence[RecordedRequest], told: Mapping[str, Instant], origin: Instant,
) -> Stage:
    start = before
    if start is None and records:
        start = to_seconds(min(record.intended for record in records) - origin)
    if stage.length_seconds is not None:
        return replace(stage, start_seconds=start, end_seconds=None if start is None else start + stage.length_seconds)
    over = _over(stage, records, told)
    end = None if over is None or start is None else max(start, to_seconds(over - origin))
    return replace(stage, start_seconds=start, end_seconds=end)


def _climbed(climb: KneeSeen) -> Instant | None:
    """A Knee is over with its soak, or with the last of its steps."""
    return max((step.end for step in (*climb.steps, climb.soak) if step is not None), default=None)


def _over(stage: Stage, records: Sequence[RecordedRequest], told: Mapping[str, Instant]) -> Instant | None:
    if stage.name in told:
        return told[stage.name]
    if stage.type == KNEE:  # its worker left no account; users go on into what follows, so that no answer tells
        return max((record.intended for record in records), default=None)
    return max((record.end or record.intended for record in records), default=None)
