"""When the autoscaler's controller looked: by the writes of its status, and between them by its period. Pure.

A look that changes something writes the status at its end; any other leaves no trace. The controller comes back one
period after it was done, so that looks are never nearer to each other than that, and drift by what each one costs.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from elastometer.analysis.autoscaler_pods import last_before
from elastometer.analysis.evidence import Evidence
from elastometer.analysis.scaling import STATUS_WINDOW
from elastometer.model.document import Document, document_at, whole_at
from elastometer.model.observation import ObjectSeen, Sighting
from elastometer.model.units import MILLISECOND, SECOND, Instant, Nanoseconds

# What one look costs beyond the period, where the record does not tell; never less than the second.
USUAL_WORK = 15 * MILLISECOND
LEAST_WORK = MILLISECOND
# A look nearer to the end of the record than this may not have been written yet.
SETTLE = 500 * MILLISECOND
# Two writes are a number of periods apart if they are within this of it, and a fiftieth of the time between them.
FIT = 300 * MILLISECOND
FIT_SHARE = 0.02
MOSTLY = 0.9


@dataclass(frozen=True, slots=True)
class Sync:
    """One look of the controller. `write` is the line that shows what it wrote, None where it wrote nothing; `status`
    is the autoscaler's status afterwards, or the last one `known`."""

    at: Instant
    write: ObjectSeen | None
    status: Document
    known: bool = True
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Syncs:
    """All looks of a record. `begun` is False where the autoscaler was there before the record; `broken` are looks
    that came at no number of periods after the one before, as after a restart of the controller."""

    period: Nanoseconds
    begun: bool
    looks: tuple[Sync, ...]
    broken: tuple[Instant, ...] = ()


def syncs_of(evidence: Evidence, period: Nanoseconds) -> Syncs:
    """`period` is what the controller was told, or is taken to be; the writes correct it where they do not fit."""
    lines = _one_life(evidence.autoscalers)
    writes = [line for before, line in pairwise(lines) if _is_write(before, line)]
    begun = bool(lines) and lines[0].sighting is Sighting.ADDED
    anchors = [lines[0].received] if begun else []
    anchors += [_decided(write, evidence) for write in writes]
    gaps = [after - before for before, after in pairwise(anchors)]
    period = fitting_period(gaps, period)
    pace = period + _work(gaps, period)
    end = lines[-1].received if lines and lines[-1].sighting is Sighting.DELETED else evidence.last_seen
    times: list[tuple[Instant, ObjectSeen | None, tuple[str, ...]]] = []
    for index, write in enumerate(writes):
        before, at = anchors[index + begun - 1] if index + begun else None, anchors[index + begun]
        if before is not None:
            times += [(moment, None, _misfit(at - before, pace)) for moment in _between(before, at, pace)]
        times.append((at, write, ()))
    times += [(moment, None, ()) for moment in _after(anchors, pace, end)]
    looks = [Sync(at, write, _status(lines, write, at), doubts=doubts) for at, write, doubts in _apart(times, period)]
    broken = tuple(after for before, after in pairwise(anchors) if not _fits(after - before, pace))
    return Syncs(period, begun, tuple(_doubted(look, period, evidence) for look in looks), broken)


def _one_life(lines: Sequence[ObjectSeen]) -> list[ObjectSeen]:
    """The lines of the autoscaler that was seen most, should one of its name have come after another."""
    lives: dict[str, list[ObjectSeen]] = {}
    for line in lines:
        lives.setdefault(line.uid, []).append(line)
    return max(lives.values(), key=len, default=[])


def _is_write(before: ObjectSeen, line: ObjectSeen) -> bool:
    """Whether a look ended with this line; what a list told later has no time of its own."""
    changed = at_status(line) != at_status(before)
    return line.sighting is Sighting.MODIFIED and changed


def at_status(line: ObjectSeen) -> Document:
    """The autoscaler's status."""
    return document_at(line.object, "status")


def _decided(write: ObjectSeen, evidence: Evidence) -> Instant:
    """The scale is written before the status, and seen at once."""
    wanted = whole_at(write.object, "status", "desiredReplicas")
    if wanted == whole_at(write.object, "status", "currentReplicas"):
        return write.received
    scaled = (
        after.received for before, after in pairwise(evidence.deployments)
        if whole_at(after.object, "spec", "replicas") == wanted != whole_at(before.object, "spec", "replicas")
        and write.received - STATUS_WINDOW <= after.received <= write.received
    )
    return max(scaled, default=write.received)


def fitting_period(gaps: Sequence[Nanoseconds], stated: Nanoseconds) -> Nanoseconds:
    """The stated period if the writes are numbers of it apart, else the longest in whole seconds of which they are."""
    shortest = min(gaps, default=stated)
    shorter = range(min(stated, shortest + FIT) // SECOND, 0, -1)
    for period in (stated, *(seconds * SECOND for seconds in shorter)):
        if sum(_fits(gap, period) for gap in gaps) >= MOSTLY * len(gaps):
            return period
    return stated


def _fits(gap: Nanoseconds, period: Nanoseconds) -> bool:
    count = max(1, round(gap / period))
    return abs(gap - count * period) <= FIT + FIT_SHARE * gap


def _work(gaps: Sequence[Nanoseconds], period: Nanoseconds) -> Nanoseconds:
    """What a look costs: the median over writes that are one or a few looks apart."""
    found = [gap // max(1, round(gap / period)) - period for gap in gaps if gap < 5 * period and _fits(gap, period)]
    return max(LEAST_WORK, int(median(found))) if found else USUAL_WORK


def _between(before: Instant, at: Instant, pace: Nanoseconds) -> list[Instant]:
    count = max(1, round((at - before) / pace))
    return [before + (at - before) * step // count for step in range(1, count)]


def _misfit(gap: Nanoseconds, pace: Nanoseconds) -> tuple[str, ...]:
    if _fits(gap, pace):
        return ()
    return (f"the writes around it are {gap / SECOND:.1f} s apart, no multiple of the period of {pace / SECOND:.2f} s",)


def _after(anchors: Sequence[Instant], pace: Nanoseconds, end: Instant | None) -> Iterator[Instant]:
    if not anchors or end is None:
        return
    moment = anchors[-1] + pace
    while moment <= end - SETTLE:
        yield moment
        moment += pace


def _apart(
    times: list[tuple[Instant, ObjectSeen | None, tuple[str, ...]]], period: Nanoseconds
) -> list[tuple[Instant, ObjectSeen | None, tuple[str, ...]]]:
    """A line may come late but never early: where two looks seem nearer than the period, the first was earlier."""
    latest: Instant | None = None
    found = []
    for at, write, doubts in reversed(times):
        latest = at if latest is None else min(at, latest - period - LEAST_WORK)
        found.append((latest, write, doubts))
    return found[::-1]


def _status(lines: Sequence[ObjectSeen], write: ObjectSeen | None, at: Instant) -> Document:
    if write is not None:
        return at_status(write)
    known = last_before(lines, at + SETTLE)
    return {} if known is None else at_status(known)


def _doubted(look: Sync, period: Nanoseconds, evidence: Evidence) -> Sync:
    """Of a look that left no line while nothing was watched, nothing is known."""
    gap = evidence.gap_within(look.at - period // 2, look.at + SETTLE, "horizontalpodautoscalers")
    if look.write is not None or gap is None:
        return look
    return replace(look, known=False, doubts=(*look.doubts, f"the autoscaler was not watched ({gap.reason})"))
