"""Intervals of time that follow each other without a gap. All ends are whole milliseconds, so that sums are exact."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from elastometer.analysis.evidence.pods import Seen
from elastometer.model.measurements import UNATTRIBUTED
from elastometer.model.scaleout_waterfall import BAR_LABELS, Reference, ScaleOutBar
from elastometer.model.units import MILLISECOND, Instant, Nanoseconds

Milliseconds: TypeAlias = int


def whole_milliseconds(duration: Nanoseconds) -> Milliseconds:
    """To the nearest millisecond."""
    return (duration + MILLISECOND // 2) // MILLISECOND


@dataclass(frozen=True, slots=True)
class Segment:
    """From `since` to `until`, in milliseconds from the start of the load. `seen` are the instants at its ends, as far
    as single rows of the record show them."""

    name: str
    since: Milliseconds
    until: Milliseconds
    plus_minus: float | None = None
    source: str = ""
    note: str | None = None
    label: str | None = None
    seen: tuple[Seen, ...] = ()


def joined(segments: Iterable[Segment], start: Milliseconds, end: Milliseconds, why: str) -> Iterator[Segment]:
    """The segments in their order within [start, end], without overlap; what none of them covers is unattributed."""
    clock = start
    for one in segments:
        since, until = max(one.since, clock), min(one.until, end)
        if until <= since:
            continue
        if since > clock:
            yield Segment(UNATTRIBUTED, clock, since, note=why)
        yield replace(one, since=since, until=until)
        clock = until
    if clock < end:
        yield Segment(UNATTRIBUTED, clock, end, note=why)


def bar_of(one: Segment, evidence: tuple[Reference, ...]) -> ScaleOutBar:
    """The segment as the report has it."""
    return ScaleOutBar(
        name=one.name, label=one.label or BAR_LABELS[one.name], start_seconds=one.since / 1000,
        milliseconds=one.until - one.since, plus_minus_milliseconds=one.plus_minus, source=one.source, note=one.note,
        evidence=evidence)


def since_origin(instant: Instant, origin: Instant) -> Milliseconds:
    """An instant on the axis of the run."""
    return whole_milliseconds(instant - origin)
