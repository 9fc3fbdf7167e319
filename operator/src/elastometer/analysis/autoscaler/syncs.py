"""When the autoscaler's controller looked: by the writes of its status, and between them by its period. Pure.

A look that changes something writes the status at its end; any other leaves no trace. The controller comes back one
period after it was done, so that looks are never nearer to each other than that, and drift by what each one costs.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from elastometer.analysis.autoscaler.pods import last_before
from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.scaling import STATUS_WINDOW
from elastometer.model.document import Document, document_at, whole_at
from elastometer.model.observation import ObjectSeen, Sighting
from elastometer.model.units import MILLISECOND, SECOND, Instant, Nanoseconds

# What one look costs beyond the period, where the record does not tell; never less than the second.
USUAL_WORK = 15 * MILLISECOND
LEAST_WORK = MILLISECOND
# A look nearer to the end of the record than this may not have been written yet.
SETTLE = 500 * MILLISECOND
# Two writes are a number of periods apart if they are within this of it, and so much more for each look between them:
# by what a look may cost where that is not known, by what it varies where it is.
FIT = 300 * MILLISECOND
MOST_WORK = 100 * MILLISECOND
VARIES = 50 * MILLISECOND
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
    lines = one_life(evidence.autoscalers)
    writes = [line for before, line in pairwise(lines) if _is_write(before, line)]
    begun = bool(lines) and lines[0].sighting is Sighting.ADDED
    anchors = [lines[0].received] if begun else []
    anchors += [_decided(write, evidence) for write in writes]
    gaps = [after - before for before, after in pairwise(anchors)]
    period = fitting_period(gaps, period)
    pace = period + _work(gaps, period)
    end = lines[-1].received if lines and lines[-1].sighting is Sighting.DELETED else evidence.last_seen
    looks: list[Sync] = []
    for index, write in enumerate(writes):
        at = anchors[index + begun]
        if index + begun:
            looks += _between(anchors[index + begun - 1], at, period, pace)
        looks.append(Sync(at, write, at_status(write)))
    looks += [Sync(moment, None, {}) for moment in _after(anchors, pace, end)]
    broken = tuple(after for before, after in pairwise(anchors) if _misfit(after - before, period, pace))
    found = (_doubted(_with_status(look, lines), period, evidence) for look in _apart(looks, period))
    return Syncs(period, begun, tuple(found), broken)


def one_life(lines: Sequence[ObjectSeen]) -> list[ObjectSeen]:
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
    """The stated period unless writes come faster than it: then the longest in whole seconds that they are numbers of.
    That it is longer cannot be told from quiet looks."""
    faster = [gap for gap in gaps if gap < stated - FIT]
    if len(gaps) - len(faster) >= MOSTLY * len(gaps):
        return stated
    longest, least = (min(faster) + FIT) // SECOND, max(1, min(faster) // (2 * SECOND))
    candidates = (seconds * SECOND for seconds in range(longest, least - 1, -1))
    return next((one for one in candidates if sum(_fits(gap, one) for gap in gaps) >= MOSTLY * len(gaps)), stated)


def _fits(gap: Nanoseconds, period: Nanoseconds) -> bool:
    count = _count(gap, period, period)
    return gap - count * period <= FIT + count * MOST_WORK


def _count(gap: Nanoseconds, period: Nanoseconds, pace: Nanoseconds) -> int:
    """How many looks on the second of two writes came; no more than have room a period apart."""
    return max(1, min(round(gap / pace), (gap + FIT) // period))


def _work(gaps: Sequence[Nanoseconds], period: Nanoseconds) -> Nanoseconds:
    """What a look costs: the median over writes that are one or a few looks apart."""
    found = [gap // _count(gap, period, period) - period for gap in gaps if gap < 5 * period and _fits(gap, period)]
    return max(LEAST_WORK, int(median(found))) if found else USUAL_WORK


def _between(before: Instant, at: Instant, period: Nanoseconds, pace: Nanoseconds) -> list[Sync]:
    """Looks that wrote nothing. Where the writes do not fit, something held the controller up, unseen."""
    count, doubts = _count(at - before, period, pace), _misfit(at - before, period, pace)
    moments = (before + (at - before) * step // count for step in range(1, count))
    return [Sync(moment, None, {}, not doubts, doubts) for moment in moments]


def _misfit(gap: Nanoseconds, period: Nanoseconds, pace: Nanoseconds) -> tuple[str, ...]:
    count = _count(gap, period, pace)
    if abs(gap - count * pace) <= FIT + count * VARIES:
        return ()
    return (f"the writes around it are {gap / SECOND:.1f} s apart, no multiple of the period of {pace / SECOND:.2f} s",)


def _after(anchors: Sequence[Instant], pace: Nanoseconds, end: Instant | None) -> Iterator[Instant]:
    if not anchors or end is None:
        return
    moment = anchors[-1] + pace
    while moment <= end - SETTLE:
        yield moment
        moment += pace


def _apart(looks: Sequence[Sync], period: Nanoseconds) -> list[Sync]:
    """A line may come late but never early: where two looks seem nearer than the period, the first was earlier."""
    found: list[Sync] = []
    for look in reversed(looks):
        latest = min(look.at, found[-1].at - period - LEAST_WORK) if found else look.at
        found.append(replace(look, at=latest))
    return found[::-1]


def _with_status(look: Sync, lines: Sequence[ObjectSeen]) -> Sync:
    """A look that wrote nothing left the status as it was."""
    known = last_before(lines, look.at + SETTLE) if look.write is None else None
    return look if known is None else replace(look, status=at_status(known))


def _doubted(look: Sync, period: Nanoseconds, evidence: Evidence) -> Sync:
    """Of a look that left no line while nothing was watched, nothing is known."""
    gap = evidence.gap_within(look.at - period // 2, look.at + SETTLE, "horizontalpodautoscalers")
    if look.write is not None or gap is None:
        return look
    return replace(look, known=False, doubts=(*look.doubts, f"the autoscaler was not watched ({gap.reason})"))
