"""When the autoscaler's controller synced: from the writes of its status, and between them from its period. Pure.

A sync that changes something writes the status at its end; any other leaves no trace. The next sync comes one period
after the end of the last one, so that syncs are never closer to each other than the period, and drift by the work of
each.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from elastometer.analysis.autoscaler.pods import last_before
from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.scaling import STATUS_WINDOW
from elastometer.model.document import Document, document_at, documents_at, whole_at
from elastometer.model.observation import ObjectSeen, Sighting
from elastometer.model.units import MILLISECOND, SECOND, Instant, Nanoseconds

# How long one sync takes beyond the period where the record does not show it; never less than the second.
USUAL_WORK = 15 * MILLISECOND
MIN_WORK = MILLISECOND
# A sync closer to the end of the record than this may not have been written yet.
SETTLE = 500 * MILLISECOND
# Two writes are a whole number of periods apart if they are within this of it, plus an allowance per sync in between:
# the longest that a sync may take where its length is not known, and its variation where it is.
FIT = 300 * MILLISECOND
MAX_WORK = 100 * MILLISECOND
WORK_VARIATION = 50 * MILLISECOND
MIN_FITTING_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Sync:
    """One sync of the controller. `write` is the line that shows what it wrote, None if it wrote nothing; `status` is
    the autoscaler's status afterwards, and `known` is False if nothing shows what it was; `watched` is False if that is
    because it fell into a watch gap."""

    at: Instant
    write: ObjectSeen | None
    status: Document
    known: bool = True
    doubts: tuple[str, ...] = ()
    watched: bool = True


@dataclass(frozen=True, slots=True)
class Syncs:
    """All syncs of a record. `begun` is False if the autoscaler existed before the record; `broken` are syncs that came
    at no whole number of periods after the one before, as after a restart of the controller."""

    period: Nanoseconds
    begun: bool
    syncs: tuple[Sync, ...]
    broken: tuple[Instant, ...] = ()


def syncs_of(evidence: Evidence, period: Nanoseconds) -> Syncs:
    """`period` is the controller's flag, or its default; the writes correct it if they do not fit it."""
    lines = one_incarnation(evidence.autoscalers)
    writes = [line for before, line in pairwise(lines) if _is_write(before, line)]
    begun = bool(lines) and lines[0].sighting is Sighting.ADDED
    # The controller takes up a new object at once, so that its creation is an anchor like a write.
    anchors = [lines[0].received] if begun else []
    anchors += [_decided(write, evidence) for write in writes]
    gaps = [after - before for before, after in pairwise(anchors)]
    period = fitting_period(gaps, period)
    pace = period + _work(gaps, period)
    end = lines[-1].received if lines and lines[-1].sighting is Sighting.DELETED else evidence.last_seen
    syncs: list[Sync] = []
    for index, write in enumerate(writes):
        at = anchors[index + begun]
        if index + begun:
            syncs += _between(anchors[index + begun - 1], at, period, pace)
        syncs.append(Sync(at, write, at_status(write)))
    syncs += [Sync(moment, None, {}) for moment in _after(anchors, pace, end)]
    broken = tuple(after for before, after in pairwise(anchors) if _misfit(after - before, period, pace))
    found = (_doubted(_with_status(sync, lines), period, evidence) for sync in _apart(syncs, period))
    return Syncs(period, begun, tuple(found), broken)


def one_incarnation(lines: Sequence[ObjectSeen]) -> list[ObjectSeen]:
    """The lines of the one autoscaler (by uid) that was seen most, if several of its name followed each other."""
    by_uid: dict[str, list[ObjectSeen]] = {}
    for line in lines:
        by_uid.setdefault(line.uid, []).append(line)
    return max(by_uid.values(), key=len, default=[])


def _is_write(before: ObjectSeen, line: ObjectSeen) -> bool:
    """Whether a sync ended with this line. What only a later list showed has no instant."""
    changed = at_status(line) != at_status(before)
    return line.sighting is Sighting.MODIFIED and changed


def at_status(line: ObjectSeen) -> Document:
    """The autoscaler's status."""
    return document_at(line.object, "status")


def published_replicas(status: Document) -> int | None:
    """The replicas that the sync found. The API server leaves out a 0, so only of a status that a sync wrote."""
    found = whole_at(status, "currentReplicas")
    return 0 if found is None and documents_at(status, "conditions") else found


def _decided(write: ObjectSeen, evidence: Evidence) -> Instant:
    """The controller writes the scale before the status, so the line of the Deployment dates the decision better."""
    wanted = whole_at(write.object, "status", "desiredReplicas")
    if wanted == published_replicas(at_status(write)):
        return write.received
    scaled = (
        after.received for before, after in pairwise(evidence.deployments)
        if write.received - STATUS_WINDOW <= after.received <= write.received
        and whole_at(after.object, "spec", "replicas") == wanted != whole_at(before.object, "spec", "replicas")
    )
    return max(scaled, default=write.received)


def fitting_period(gaps: Sequence[Nanoseconds], stated: Nanoseconds) -> Nanoseconds:
    """The stated period, unless writes come faster: then the longest in whole seconds of which they are multiples.
    A period longer than stated cannot be detected, since some syncs write nothing."""
    faster = [gap for gap in gaps if gap < stated - FIT]
    if len(gaps) - len(faster) >= MIN_FITTING_SHARE * len(gaps):
        return stated
    longest, least = (min(faster) + FIT) // SECOND, max(1, min(faster) // (2 * SECOND))
    candidates = (seconds * SECOND for seconds in range(longest, least - 1, -1))
    enough = MIN_FITTING_SHARE * len(gaps)
    return next((period for period in candidates if sum(_fits(gap, period) for gap in gaps) >= enough), stated)


def _fits(gap: Nanoseconds, period: Nanoseconds) -> bool:
    count = _count(gap, period, period)
    return gap - count * period <= FIT + count * MAX_WORK


def _count(gap: Nanoseconds, period: Nanoseconds, pace: Nanoseconds) -> int:
    """How many syncs after the first of two writes the second came; no more than fit between them."""
    return max(1, min(round(gap / pace), (gap + FIT) // period))


def _work(gaps: Sequence[Nanoseconds], period: Nanoseconds) -> Nanoseconds:
    """How long a sync takes: the median over writes that are one or a few syncs apart."""
    found = [gap // _count(gap, period, period) - period for gap in gaps if gap < 5 * period and _fits(gap, period)]
    return max(MIN_WORK, int(median(found))) if found else USUAL_WORK


def _between(before: Instant, at: Instant, period: Nanoseconds, pace: Nanoseconds) -> list[Sync]:
    """The syncs that wrote nothing. If the writes around them do not fit, something unseen delayed the controller."""
    count, doubts = _count(at - before, period, pace), _misfit(at - before, period, pace)
    moments = (before + (at - before) * step // count for step in range(1, count))
    return [Sync(moment, None, {}, not doubts, doubts) for moment in moments]


def _misfit(gap: Nanoseconds, period: Nanoseconds, pace: Nanoseconds) -> tuple[str, ...]:
    count = _count(gap, period, pace)
    if abs(gap - count * pace) <= FIT + count * WORK_VARIATION:
        return ()
    return (f"the writes around it are {gap / SECOND:.1f} s apart, which is not a multiple of the period of "
            f"{pace / SECOND:.2f} s",)


def _after(anchors: Sequence[Instant], pace: Nanoseconds, end: Instant | None) -> Iterator[Instant]:
    if not anchors or end is None:
        return
    moment = anchors[-1] + pace
    while moment <= end - SETTLE:
        yield moment
        moment += pace


def _apart(syncs: Sequence[Sync], period: Nanoseconds) -> list[Sync]:
    """A line may come late but never early: if two syncs seem closer than the period, the first was earlier."""
    found: list[Sync] = []
    for sync in reversed(syncs):
        latest = min(sync.at, found[-1].at - period - MIN_WORK) if found else sync.at
        found.append(replace(sync, at=latest))
    return found[::-1]


def _with_status(sync: Sync, lines: Sequence[ObjectSeen]) -> Sync:
    """A sync that wrote nothing left the status as it was."""
    known = last_before(lines, sync.at + SETTLE) if sync.write is None else None
    return sync if known is None else replace(sync, status=at_status(known))


def _doubted(sync: Sync, period: Nanoseconds, evidence: Evidence) -> Sync:
    """Nothing is known of a sync that left no line while nothing was watched."""
    gap = evidence.gap_within(sync.at - period // 2, sync.at + SETTLE, "horizontalpodautoscalers")
    if sync.write is not None or gap is None:
        return sync
    doubts = (*sync.doubts, f"the autoscaler was not watched ({gap.reason})")
    return replace(sync, known=False, watched=False, doubts=doubts)
