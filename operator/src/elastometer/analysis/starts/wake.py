"""Wakes from zero: what happened between the first request to a target at zero replicas and its first token.

A target is at zero while its spec.replicas is 0. Each source keeps its own clock: the request is the load generator's,
the metric Prometheus' (on the grid of its query), KEDA's word and the replicas the operator's.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from elastometer.analysis.evidence.evidence import API_RESOLUTION, WATCH_RESOLUTION, Evidence, is_state_only
from elastometer.analysis.evidence.pods import condition
from elastometer.analysis.evidence.scaling import Change
from elastometer.analysis.starts.coldstart import Start
from elastometer.analysis.starts.wake_metric import NotVisible, visible
from elastometer.model import request_measures
from elastometer.model.document import instant_at, whole_at
from elastometer.model.measurements import Duration, Source, Stamp
from elastometer.model.milestones import Milestone
from elastometer.model.observation import Sighting
from elastometer.model.units import MILLISECOND, Instant, to_milliseconds
from elastometer.model.wake import WAKE_LABELS, Fate, Wake, WakeInstant, WakeStep
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.base.rejection import TOO_MANY

REQUEST_RESOLUTION = MILLISECOND
NO_REQUEST = "no request was sent while there was no replica"
NOT_SEEN = "not seen"
# A gateway's words for "no replica now".
_TURNED_AWAY = (TOO_MANY, 503)
_SLOW = (Outcome.TIMED_OUT, Outcome.STALLED)


@dataclass(frozen=True, slots=True)
class TimeAtZero:
    """A time at zero replicas, up to the change that ended it or else to the end of what was seen."""

    start: Instant
    end: Instant
    change: Change | None


def wakes(evidence: Evidence, changes: Sequence[Change], starts: Sequence[Start]) -> tuple[Wake, ...]:
    """In order. A time at zero in which no request was sent and no replica was added is not one."""
    found: list[Wake] = []
    for span in _times_at_zero(evidence, changes):
        mine = [start for start in starts if start.change is not None and span.change is not None
                and start.change.number == span.change.number]
        wake = _wake(len(found) + 1, span, mine, evidence)
        if wake.request_count or span.change is not None:
            found.append(wake)
    return tuple(found)


def _times_at_zero(evidence: Evidence, changes: Sequence[Change]) -> Iterator[TimeAtZero]:
    lines = [seen for seen in evidence.deployments if seen.sighting is not Sighting.DELETED]
    start = lines[0].received if lines and whole_at(lines[0].object, "spec", "replicas") == 0 else None
    for change in changes:
        if change.before == 0 and start is not None:
            yield TimeAtZero(start, change.decided.instant, change)
        start = change.decided.instant if change.after == 0 else None
    gone = (seen.received for seen in evidence.deployments if seen.sighting is Sighting.DELETED)
    end = min(gone, default=evidence.last_seen)
    if start is not None and end is not None:
        yield TimeAtZero(start, end, None)


def _wake(number: int, span: TimeAtZero, starts: Sequence[Start], evidence: Evidence) -> Wake:
    first = min((start for start in starts if Milestone.READY in start.used),
                key=lambda start: start.used[Milestone.READY].instant, default=None)
    served = None if first is None else first.used.get(Milestone.IN_ENDPOINTS, first.used[Milestone.READY]).instant
    until = served if served is not None else _until(span, starts, evidence)
    requests = evidence.table.filter(
        pl.col("intended").is_between(span.start, until, closed="left") & ~_served_by_leaving(span))
    token = None if served is None else evidence.table.select(
        pl.col("first_token").filter(pl.col("first_token") > span.end).min()).item()
    stamps = _stamps(span, first or next(iter(starts), None), evidence)
    seen = visible(evidence, span.start, until)
    if not isinstance(seen, NotVisible):
        # What KEDA acted on may be on the query's grid only one step later.
        instant = seen.instant if span.change is None else min(seen.instant, span.end)
        stamps[WakeStep.VISIBLE] = evidence.stamp(instant, seen.source, seen.resolution)
    if len(requests):
        stamps[WakeStep.FIRST_REQUEST] = evidence.stamp(requests["intended"][0], Source.REQUEST, REQUEST_RESOLUTION)
    if token is not None:
        stamps[WakeStep.FIRST_TOKEN] = evidence.stamp(token, Source.REQUEST, REQUEST_RESOLUTION)
    why = seen.reason if isinstance(seen, NotVisible) else NOT_SEEN
    return Wake(
        number=number, at_zero_seconds=evidence.seconds(span.start),
        served_seconds=None if served is None else evidence.seconds(served),
        scale_event=None if span.change is None else span.change.number,
        pod=None if first is None else first.pod.name, instants=tuple(_instants(stamps, why, span, evidence)),
        whole=_whole(requests, token, until), request_count=len(requests),
        fates=_counted(_fates(requests)), outcomes=_counted(
            (Outcome(word), count) for word, count in requests["outcome"].value_counts().iter_rows()))


def _served_by_leaving(span: TimeAtZero) -> pl.Expr:
    """A Pod that was just removed still serves for a while."""
    return request_measures.served() & (pl.col("first_token") <= span.end).fill_null(value=False)


def _until(span: TimeAtZero, starts: Sequence[Start], evidence: Evidence) -> Instant:
    """Where no replica became Ready: until the last of them was gone, or nothing more was seen."""
    gone = [start.pod.last.received for start in starts if start.pod.last.sighting is Sighting.DELETED]
    return max(gone) if gone and len(gone) == len(starts) else max(span.end, evidence.last_seen or span.end)


def _counted(values: Iterable[tuple[Fate, int]] | Iterable[tuple[Outcome, int]]) -> Mapping[str, int]:
    counts = Counter[str]()
    for value, count in values:
        counts[value.value] += count
    order = [*Fate, *Outcome]
    return {value.value: counts[value.value] for value in order if counts[value.value]}


def _fates(requests: pl.DataFrame) -> Iterator[tuple[Fate, int]]:
    kinds = requests.group_by("outcome", "status", pl.col("first_attempt").is_null().alias("is_first")).len()
    for outcome, status, is_first, count in kinds.iter_rows():
        yield _fate(Outcome(outcome), status, is_first=is_first), count


def _fate(outcome: Outcome, status: int | None, *, is_first: bool) -> Fate:
    if outcome is Outcome.SUCCESS:
        return Fate.HELD if is_first else Fate.SENT_AGAIN
    if outcome is Outcome.REFUSED or status in _TURNED_AWAY:
        return Fate.REFUSED
    return Fate.TIMED_OUT if outcome in _SLOW else Fate.LOST


def _whole(requests: pl.DataFrame, token: Instant | None, until: Instant) -> Duration:
    if not len(requests):
        return Duration(reason=NO_REQUEST)
    first = requests["intended"][0]
    if token is None:
        return Duration(at_least_milliseconds=to_milliseconds(max(0, until - first)), reason="no request was served")
    return Duration(to_milliseconds(token - first), 2 * REQUEST_RESOLUTION / MILLISECOND)


def _stamps(span: TimeAtZero, start: Start | None, evidence: Evidence) -> dict[WakeStep | Milestone, Stamp]:
    """What KEDA said and what happened to the first Pod."""
    used = {} if start is None else start.used
    stamps: dict[WakeStep | Milestone, Stamp] = {
        name: evidence.stamp(one.instant, one.source, one.resolution)
        for name in WAKE_LABELS if isinstance(name, Milestone) and (one := used.get(name)) is not None}
    if span.change is not None and start is None:
        decided = span.change.decided
        stamps[Milestone.DECIDED] = evidence.stamp(decided.instant, decided.source, decided.resolution)
    if (active := _activated(span, evidence)) is not None:
        stamps[WakeStep.ACTIVATED] = active
    return stamps


def _instants(
    stamps: Mapping[WakeStep | Milestone, Stamp], why: str, span: TimeAtZero, evidence: Evidence,
) -> Iterator[WakeInstant]:
    """Those that are known in their order of time, then those that are not, with a reason."""
    order = list(WAKE_LABELS)
    for name in sorted(stamps, key=lambda name: (stamps[name].seconds, order.index(name))):
        yield WakeInstant(name, stamps[name])
    reasons = {WakeStep.VISIBLE: why, WakeStep.FIRST_REQUEST: NO_REQUEST}
    for name in _absent(stamps, span, evidence):
        yield WakeInstant(name, None, reasons.get(name, NOT_SEEN) if isinstance(name, WakeStep) else NOT_SEEN)


def _absent(
    stamps: Mapping[WakeStep | Milestone, Stamp], span: TimeAtZero, evidence: Evidence,
) -> Iterator[WakeStep | Milestone]:
    """Without a ScaledObject nothing is activated, and without a decision there is no Pod."""
    for name in WAKE_LABELS:
        expected = isinstance(name, WakeStep) or name is Milestone.DECIDED or span.change is not None
        if name not in stamps and expected and (name is not WakeStep.ACTIVATED or evidence.scaled_objects):
            yield name


def _activated(span: TimeAtZero, evidence: Evidence) -> Stamp | None:
    """When the ScaledObject first said so; where only a list shows it, by its own whole second."""
    for line in evidence.scaled_objects:
        is_active = condition(line.object, "Active").get("status") == "True"
        if line.received < span.start or not is_active:
            continue
        if not is_state_only(line):
            return evidence.stamp(line.received, Source.WATCH, WATCH_RESOLUTION)
        stated = instant_at(line.object, "status", "lastActiveTime")
        return None if stated is None else evidence.stamp(stated, Source.API, API_RESOLUTION)
    return None
