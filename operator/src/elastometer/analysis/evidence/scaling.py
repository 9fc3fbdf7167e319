"""Scale events: every change of the target's spec.replicas, who wrote it, when, and what the autoscaler saw."""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from elastometer.analysis.evidence.evidence import API_RESOLUTION, WATCH_RESOLUTION, Evidence
from elastometer.analysis.evidence.gaps import Window, gap_words, unwatched
from elastometer.analysis.evidence.pods import Seen, best, bounded, in_window
from elastometer.model.document import Document, at, document_at, documents_at, instant_at, text_at, whole_at
from elastometer.model.measurements import Source, Stamp
from elastometer.model.milestones import Milestone
from elastometer.model.observation import ObjectSeen, Sighting
from elastometer.model.units import SECOND, Instant

_NEW_SIZE = re.compile(r"New size: (\d+); reason: (.*)", re.DOTALL)
# KEDA's words for what it writes itself: the way from and to what it keeps without an active trigger.
_OF_KEDA = re.compile(r"from \d+ to (\d+)(?:, (triggered by .+))?$", re.DOTALL)
_KEDA_REASONS: Mapping[str, str] = {
    "KEDAScaleTargetActivated": "a trigger is active", "KEDAScaleTargetDeactivated": "no trigger is active",
}
# The event is written right after the scale, with a stamp truncated to the second; a later one is another change's.
REASON_WINDOW = 5 * SECOND
# The autoscaler writes its status at the end of the same sync.
STATUS_WINDOW = 2 * SECOND


@dataclass(frozen=True, slots=True)
class Change:
    """One change of spec.replicas; `seen` is the line that showed it, `written` the write's own second, `reason` the
    autoscaler's, by the event of that size that is nearest in time. `window` is when it was, if nothing was watched
    then."""

    number: int
    before: int
    after: int
    seen: ObjectSeen
    written: Seen | None
    writer: str | None
    reason: str | None = None
    window: Window | None = None

    @property
    def is_out(self) -> bool:
        """Whether replicas were added."""
        return self.after > self.before

    @property
    def decided(self) -> Seen:
        """When the decision was in the API; by the API's own stamp where the watch was late or down."""
        watch = Seen(Milestone.DECIDED, self.seen.received, Source.WATCH, WATCH_RESOLUTION)
        if self.window is not None:
            return next(iter(self._within(self.window)), watch)
        stamps = [] if self.written is None else [replace(self.written, source=Source.API)]
        return best([*stamps, watch]) or watch

    def _within(self, window: Window) -> list[Seen]:
        """By the second of the write; without it anywhere in the window, and a second more on either side, since its
        ends are of the operator's clock."""
        if self.written is not None:
            return in_window(Milestone.DECIDED, self.written.instant, window)
        earliest = None if window.earliest is None else window.earliest - API_RESOLUTION
        return bounded(Milestone.DECIDED, replace(window, earliest=earliest, latest=window.latest + API_RESOLUTION),
                       Source.WATCH)

    def api_stamp(self, evidence: Evidence) -> Stamp | None:
        """The API's own time of the write, whole seconds."""
        written = self.written
        return None if written is None else evidence.stamp(written.instant, written.source, written.resolution)


def changes(evidence: Evidence) -> list[Change]:
    """Every change in order. The first sighting of a Deployment shows its size and is not a change."""
    found: list[Change] = []
    events = list(dict.fromkeys(_rescales(evidence)))
    for before, after in pairwise(_alive(evidence.deployments)):
        old, new = _replicas(before.object), _replicas(after.object)
        # A Deployment that was deleted and created again has a new uid: its size is not a decision of the autoscaler.
        if before.uid != after.uid or old is None or new is None:
            continue
        window = unwatched(after, before, "deployments", evidence)
        if window is not None and (way := _way_in_gap(old, new, window, events)):
            found += _changes_in_gap(len(found), old, after, window, way)
        elif old != new:
            found.append(_change(len(found) + 1, old, new, after, window, events))
    return found


def _change(
    number: int, old: int, new: int, after: ObjectSeen, window: Window | None, events: list[Rescale],
) -> Change:
    entry = _last_scale_entry(after.object)
    written = _written(after, entry, new, window, events)
    change = Change(number, old, new, after, written, text_at(entry, "manager"), window=window)
    event = _nearest(new, change.decided.instant, events)
    if event is None:
        return change
    # No manager owns `replicas` where 0 was written through the scale subresource: it leaves out a 0.
    return replace(change, reason=event.reason, writer=change.writer or event.component)


def _way_in_gap(old: int, new: int, window: Window, events: list[Rescale]) -> list[Rescale]:
    """The events of a gap in order, if they lead from the size before it to the one after it by several changes."""
    since = window.latest - REASON_WINDOW if window.earliest is None else window.earliest - API_RESOLUTION
    way = sorted((one for one in events if since <= one.instant <= window.latest), key=lambda one: one.instant)
    sizes = [old, *(one.size for one in way)]
    leads = sizes[-1] == new and all(size != other for size, other in pairwise(sizes))
    return way if leads and len(way) > 1 else []


def _changes_in_gap(
    count: int, old: int, after: ObjectSeen, window: Window, way: list[Rescale],
) -> Iterator[Change]:
    manager, sizes = text_at(_last_scale_entry(after.object), "manager"), [old, *(one.size for one in way)]
    for number, (event, (size, other)) in enumerate(zip(way, pairwise(sizes), strict=True), count + 1):
        written = Seen(Milestone.DECIDED, event.instant, Source.EVENT, API_RESOLUTION)
        yield Change(number, size, other, after, written, manager or event.component, event.reason, window)


def _written(
    after: ObjectSeen, entry: Document, size: int, window: Window | None, events: list[Rescale],
) -> Seen | None:
    """The write's own second: from managed fields, or else from the event, since a write through the scale subresource
    leaves no managed field with a time."""
    time = instant_at(entry, "time")
    if time is not None:
        return Seen(Milestone.DECIDED, time, Source.API, API_RESOLUTION)
    if window is None:
        event = _nearest(size, after.received, events)
    else:
        # The line came at any time after the write, so that only the order of the two is known.
        since = None if window.earliest is None else window.earliest - API_RESOLUTION
        known = [one for one in events if one.size == size and one.instant <= after.received
                 and (since is None or one.instant >= since)]
        event = max(known, key=lambda one: one.instant, default=None)
    return None if event is None else Seen(Milestone.DECIDED, event.instant, Source.EVENT, API_RESOLUTION)


def _nearest(size: int, moment: Instant, events: list[Rescale]) -> Rescale | None:
    near = [one for one in events if one.size == size and abs(one.instant - moment) <= REASON_WINDOW]
    return min(near, key=lambda one: (abs(one.instant - moment), one.reason), default=None)


def _alive(deployments: tuple[ObjectSeen, ...]) -> list[ObjectSeen]:
    return [
        seen for seen in deployments
        if seen.sighting is not Sighting.DELETED and at(seen.object, "metadata", "deletionTimestamp") is None
    ]


def _replicas(deployment: Document) -> int | None:
    return whole_at(deployment, "spec", "replicas")


def _last_scale_entry(deployment: Document) -> Document:
    """The newest managed-fields entry that owns spec.replicas; empty when none does."""
    entries = [
        entry for entry in documents_at(deployment, "metadata", "managedFields")
        if at(entry, "fieldsV1", "f:spec", "f:replicas") is not None
    ]
    return max(entries, key=lambda entry: text_at(entry, "time") or "", default={})


@dataclass(frozen=True, slots=True)
class Rescale:
    """An event of the autoscaler or of KEDA about a change that it made, at one of its occurrences (whole seconds)."""

    size: int
    reason: str
    instant: Instant
    component: str | None = None


def _rescales(evidence: Evidence) -> Iterator[Rescale]:
    """Every occurrence that was seen: one event object is counted up, and each count has its own last time."""
    for event in evidence.events:
        kind = text_at(event.object, "reason") or ""
        of_keda = _KEDA_REASONS.get(kind)
        if kind != "SuccessfulRescale" and of_keda is None:
            continue
        message = text_at(event.object, "message") or ""
        match = _OF_KEDA.search(message) if of_keda else _NEW_SIZE.match(message)
        component = text_at(event.object, "reportingComponent") or text_at(event.object, "source", "component")
        times = (instant_at(event.object, field) for field in ("lastTimestamp", "eventTime", "firstTimestamp"))
        time = next((one for one in times if one is not None), event.received)
        if match is not None:
            yield Rescale(int(match.group(1)), (match.group(2) or of_keda or "").strip(), time, component or None)


def gap_sentence(change: Change) -> str | None:
    """Why the instant of a change is not exact; None if the watch saw it."""
    if change.window is None:
        return None
    gap = "the watch was down" if change.window.gap is None else gap_words(change.window.gap)
    known = "only the API's second of the change is known" if change.written is not None else \
        "no source states when the change was"
    return f"{gap}: {known}"


def autoscaler_at(change: Change, evidence: Evidence) -> ObjectSeen | None:
    """The autoscaler as the sync that made the change left it, or else as it was before."""
    moment = change.seen.received
    before = [seen for seen in evidence.autoscalers if seen.received <= moment]
    after = [seen for seen in evidence.autoscalers if moment < seen.received <= moment + STATUS_WINDOW]
    return next(iter(after), before[-1] if before else None)


def condition_lines(autoscaler: ObjectSeen | None) -> tuple[str, ...]:
    """Type, status and reason of each condition."""
    if autoscaler is None:
        return ()
    return tuple(
        f"{text_at(item, 'type')}={text_at(item, 'status')} ({text_at(item, 'reason')})"
        for item in documents_at(autoscaler.object, "status", "conditions")
    )


def metric_lines(autoscaler: ObjectSeen | None) -> tuple[str, ...]:
    """Each metric as the autoscaler saw it, with its target; quantities as the API serves them (9666m is 9.666)."""
    if autoscaler is None:
        return ()
    wanted = documents_at(autoscaler.object, "spec", "metrics")
    targets = {_metric_name(item): _metric(item, "target") for item in wanted}
    return tuple(
        f"{name} {_metric(item, 'current')}" + (f" (target {targets[name]})" if targets.get(name) else "")
        for item in documents_at(autoscaler.object, "status", "currentMetrics")
        if (name := _metric_name(item))
    )


def _metric_body(item: Document) -> Document:
    kind = text_at(item, "type") or ""
    return document_at(item, kind[:1].lower() + kind[1:])


def _metric_name(item: Document) -> str:
    body = _metric_body(item)
    return text_at(body, "metric", "name") or text_at(body, "name") or ""


def _metric(item: Document, side: str) -> str | None:
    """The percentage where there is one: next to a target in percent, the status has the amount as well."""
    values = document_at(_metric_body(item), side)
    utilization = whole_at(values, "averageUtilization")
    if utilization is not None:
        return f"{utilization} %"
    return next((text for key in ("averageValue", "value") if (text := text_at(values, key)) is not None), None)
