"""From the need to the first sync that saw it: how late the metric was, and how long its value waited for a sync.

The need is the beginning of the last unbroken interval in which the signal itself asked for the change. The metric
shows it with the first value that could be read and asks for it, but not before the last sync that read another value.
"""
from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from elastometer.analysis.autoscaler.points import Point, WantedReplicas, is_beyond
from elastometer.model.autoscaler import Cause

NOT_RECORDED = "the signal itself was not recorded"
NOT_SHOWN = "the recorded signal did not ask for the change"
OLDER = "the need began before the record"


@dataclass(frozen=True, slots=True)
class Signals:
    """What the signal really asked for, and what the values that could be read asked for; None if not recorded."""

    truth: WantedReplicas | None = None
    readable: WantedReplicas | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """An interval that belongs to a cause, and how exactly its ends are known. An unknown one has no length."""

    cause: Cause
    start: float
    end: float
    start_doubt: float
    end_doubt: float
    source: str
    reason: str | None = None
    is_known: bool = True


def before_first(points: Sequence[Point], size: int, out: bool, signals: Signals) -> list[Part]:
    """The parts before the last of the points, which is the first sync that wanted more (or fewer) than `size`."""
    seen, could_read = points[-1], _last_reading(points)
    floor = None if could_read is None else could_read.at
    shown = _when_readable(seen.at, floor, size, out, signals)
    if shown is None:
        return list(
            _need_before_record(points[0], seen) if could_read is None else _by_timestamp(seen, could_read, signals))
    if could_read is None and shown <= points[0].at:
        return list(_need_before_record(points[0], seen))
    needed = _when_needed(shown, floor, size, out, signals)
    shown = shown if floor is None else max(shown, floor)
    caught = next(point for point in points if point.at >= shown and point is not could_read)
    return [_metric_delay_part(needed, shown, signals), *_sync_wait_parts(shown, caught, seen, signals)]


def _when_readable(seen: float, floor: float | None, size: int, out: bool, signals: Signals) -> float | None:
    """When the value could be read. What a sync read may appear on the query's grid only one step later."""
    step = 0.0 if signals.readable is None else signals.readable.resolution_seconds
    since = _last_interval_start(signals.readable, seen, floor, size, out)
    if since is None:
        since = _last_interval_start(signals.readable, seen + step, seen, size, out)
    return None if since is None else min(since, seen)


def _when_needed(shown: float, floor: float | None, size: int, out: bool, signals: Signals) -> float | None:
    """When the signal itself asked for it. A scraped value may be one step of the query older than the grid shows."""
    step = 0.0 if signals.readable is None else signals.readable.resolution_seconds
    oldest = shown - step if floor is None else min(shown - step, floor)
    return _last_interval_start(signals.truth, shown, oldest, size, out)


def _need_before_record(first: Point, seen: Point) -> Iterator[Part]:
    """No earlier sync could read anything else: when the need began is not in the record."""
    yield _unknown_part(Cause.METRIC_DELAY, first.at, OLDER)
    yield _unknown_part(Cause.SYNC_WAIT, first.at, OLDER)
    if first is not seen:
        yield _blind_part(first, seen)


def _last_reading(points: Sequence[Point]) -> Point | None:
    """The last sync before the one that saw the need at which any value could be read."""
    return next((point for point in reversed(points[:-1]) if point.wanted is not None), None)


def _metric_delay_part(needed: float | None, shown: float, signals: Signals) -> Part:
    truth, readable = signals.truth, signals.readable
    if truth is None or needed is None or readable is None:
        return _unknown_part(Cause.METRIC_DELAY, shown, NOT_RECORDED if truth is None else NOT_SHOWN)
    return Part(Cause.METRIC_DELAY, min(needed, shown), shown, truth.resolution_seconds, readable.resolution_seconds,
                f"{truth.source}, {readable.source}")


def _sync_wait_parts(shown: float, caught: Point, seen: Point, signals: Signals) -> Iterator[Part]:
    readable = signals.readable
    if readable is not None:
        yield Part(Cause.SYNC_WAIT, shown, caught.at, readable.resolution_seconds, caught.resolution_seconds,
                   readable.source)
    if caught.at < seen.at:
        yield _blind_part(caught, seen)


def _blind_part(first: Point, seen: Point) -> Part:
    return Part(first.blind or Cause.NO_METRIC, first.at, seen.at, first.resolution_seconds, seen.resolution_seconds,
                "replay")


def _by_timestamp(seen: Point, could_read: Point, signals: Signals) -> Iterator[Part]:
    """Without recorded values, the sample's own time states how old the value was: the need is at least as old."""
    reason = NOT_RECORDED if signals.readable is None else NOT_SHOWN
    if seen.measured is None:
        reason += f"; the need began within the {seen.at - could_read.at:.1f} s since the sync before"
        yield _unknown_part(Cause.METRIC_DELAY, seen.at, reason)
    else:
        if could_read.measured is not None and could_read.measured < seen.measured:
            seconds = seen.measured - could_read.measured
            reason += f"; the need began within the {seconds:.1f} s before the sample that showed it"
        yield Part(Cause.METRIC_DELAY, min(seen.measured, seen.at), seen.at, 0.0, seen.resolution_seconds, "sample")
    yield _unknown_part(Cause.SYNC_WAIT, seen.at, reason)


def _unknown_part(cause: Cause, at: float, reason: str) -> Part:
    return Part(cause, at, at, 0.0, 0.0, "", reason, is_known=False)


def _last_interval_start(
    wants: WantedReplicas | None, until: float, floor: float | None, size: int, out: bool,
) -> float | None:
    """The start of the last interval at or before `until` that asked for it, if it reaches beyond `floor`."""
    if wants is None:
        return None
    points = wants.steps.points
    index = bisect_right(points, (until, float("inf"))) - 1
    ended = until
    while index >= 0 and not is_beyond(points[index][1], size, out):
        ended = points[index][0]
        if floor is not None and ended <= floor:
            return None
        index -= 1
    if index < 0:
        return None
    while index > 0 and is_beyond(points[index - 1][1], size, out):
        index -= 1
    return points[index][0]
