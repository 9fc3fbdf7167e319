"""The instants of one Pod, each by every source that saw it. The first sighting wins.

A line of the watch or an event is received to the millisecond but may come late; the API's own stamp is a whole second,
truncated. So the first receipt is used where it agrees with the API's second, and that second where every receipt came
later than it allows.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from elastometer.analysis.evidence.evidence import (
    API_RESOLUTION,
    WATCH_RESOLUTION,
    Evidence,
    PodHistory,
)
from elastometer.analysis.evidence.gaps import Window, unwatched, within_second
from elastometer.model.document import Document, document_at, documents_at, instant_at, text_at, whole_at
from elastometer.model.measurements import Source
from elastometer.model.milestones import Milestone
from elastometer.model.names import SERVER
from elastometer.model.observation import ObjectSeen, Sighting, WatchGap
from elastometer.model.units import SECOND, Instant, Nanoseconds

# How much later than the end of the API's second a watch line may be and still be the better stamp.
WATCH_ALLOWANCE = SECOND // 4
_TOOK = re.compile(r"in ([0-9][0-9a-zµ.]*s)\b")


@dataclass(frozen=True, slots=True)
class Seen:
    """An instant by one source, with the resolution of that source. One that fell into a `gap` lies within its
    resolution on either side: it is the middle of the time in which it must have been."""

    name: Milestone
    instant: Instant
    source: Source
    resolution: Nanoseconds
    gap: WatchGap | None = None

    @property
    def earliest(self) -> Instant:
        """The earliest instant that the source allows."""
        return self.instant - self.resolution

    @property
    def latest(self) -> Instant:
        """The latest one."""
        return self.instant + self.resolution


@dataclass(frozen=True, slots=True)
class Shown:
    """That a line shows something to be so, since the time that the API states (None where it states none)."""

    since: Instant | None


def bounded(name: Milestone, window: Window, source: Source) -> list[Seen]:
    """The middle of the window; nothing where it has no beginning."""
    if window.earliest is None:
        return []
    half = (max(window.latest, window.earliest) - window.earliest + 1) // 2
    return [Seen(name, window.earliest + half, source, half, window.gap)]


def in_window(name: Milestone, stated: Instant | None, window: Window) -> list[Seen]:
    """What is known of an instant that no line shows as it happens: the second that the API states, or the window."""
    if stated is None:
        return bounded(name, window, Source.WATCH)
    if window.gap is None:
        return [Seen(name, stated, Source.API, API_RESOLUTION)]
    return bounded(name, within_second(stated, window), Source.API)


def watched_and_stated(
    name: Milestone, pod: PodHistory, shown: Iterable[Shown | None], evidence: Evidence,
) -> list[Seen]:
    """The first sighting by the watch, and the time given by the first object that states one."""
    before: ObjectSeen | None = None
    for seen, state in zip(pod.sightings, shown, strict=True):
        if state is None:
            before = seen
            continue
        window = unwatched(seen, before, "pods", evidence)
        if window is not None:
            return in_window(name, state.since, window)
        api = [] if state.since is None else [Seen(name, state.since, Source.API, API_RESOLUTION)]
        return [*api, Seen(name, seen.received, Source.WATCH, WATCH_RESOLUTION)]
    return []


def best(seen: Iterable[Seen]) -> Seen | None:
    """The instant from which durations are computed: a source of the event itself before one that saw its effect."""
    by_source = {one.source: one for one in seen}
    for source in (Source.LOG, Source.REQUEST, Source.PROMETHEUS):
        if source in by_source:
            return by_source[source]
    received = [one for one in by_source.values() if one.source in (Source.WATCH, Source.EVENT)]
    first, api = min(received, key=lambda one: one.instant, default=None), by_source.get(Source.API)
    if first is None or api is None:
        return first or api
    late = first.instant - api.instant > api.resolution + WATCH_ALLOWANCE
    return api if late else first


def pod_instants(pod: PodHistory, evidence: Evidence) -> list[Seen]:
    """What the Pod's own object says, and the events about it; `readiness` says when it was Ready."""
    lines = pod.sightings
    found = _created(pod, evidence)
    for name, of in ((Milestone.SCHEDULED, _scheduled), (Milestone.SANDBOX, _sandboxed), (Milestone.STARTED, _started)):
        found += watched_and_stated(name, pod, map(of, lines), evidence)
    for name, reason in ((Milestone.PULLED, "Pulled"), (Milestone.STARTED, "Started")):
        event = next(events_about_server(pod, evidence, reason), None)
        if event is not None:
            found += _of_event(name, event, evidence, is_new=all(one.name is not name for one in found))
    return found


def _of_event(name: Milestone, event: ObjectSeen, evidence: Evidence, *, is_new: bool) -> list[Seen]:
    """The receipt. Of an event that was only listed, or came in a gap, its own time, if nothing else shows one."""
    window = unwatched(event, None, "events", evidence)
    if window is None:
        return [Seen(name, event.received, Source.EVENT, WATCH_RESOLUTION)]
    stated = instant_at(event.object, "firstTimestamp") or instant_at(event.object, "eventTime")
    return in_window(name, stated, window) if is_new else []


def _created(pod: PodHistory, evidence: Evidence) -> list[Seen]:
    first = pod.sightings[0]
    stated = instant_at(first.object, "metadata", "creationTimestamp")
    window = unwatched(first, None, "pods", evidence)
    if window is not None:
        return in_window(Milestone.CREATED, stated, window)
    # A first line that is not ADDED came from a list: the Pod is older than that line.
    found = [] if stated is None else [Seen(Milestone.CREATED, stated, Source.API, API_RESOLUTION)]
    if first.sighting is Sighting.ADDED:
        found.append(Seen(Milestone.CREATED, first.received, Source.WATCH, WATCH_RESOLUTION))
    return found


def condition(item: Document, kind: str) -> Document:
    """The condition of that type of a Pod, or of any other object; empty when it has none."""
    found = (one for one in documents_at(item, "status", "conditions") if one.get("type") == kind)
    return next(found, {})


def is_ready(pod: Document) -> bool:
    """Ready and not being deleted."""
    leaving = text_at(pod, "metadata", "deletionTimestamp") is not None
    return not leaving and condition(pod, "Ready").get("status") == "True"


def true_since(line: ObjectSeen, kind: str) -> Shown | None:
    """That the condition of that type was True; custom conditions may lack the time."""
    found = condition(line.object, kind)
    if line.sighting is Sighting.DELETED or found.get("status") != "True":
        return None
    return Shown(instant_at(found, "lastTransitionTime"))


def _sandboxed(line: ObjectSeen) -> Shown | None:
    return true_since(line, "PodReadyToStartContainers")


def _scheduled(line: ObjectSeen) -> Shown | None:
    found = condition(line.object, "PodScheduled")
    since = instant_at(found, "lastTransitionTime")
    return Shown(since) if since is not None and found.get("status") == "True" else None


def server_statuses(pod: Document) -> list[Document]:
    """The status of the server's container; of all containers if none has its name."""
    every = list(documents_at(pod, "status", "containerStatuses"))
    return [status for status in every if text_at(status, "name") == SERVER] or every


def _started(line: ObjectSeen) -> Shown | None:
    """Start of the server container before any restart."""
    for status in server_statuses(line.object):
        running = instant_at(status, "state", "running", "startedAt")
        if running is not None and not whole_at(status, "restartCount"):
            return Shown(running)
    return None


@dataclass(frozen=True, slots=True)
class ImagePull:
    """The kubelet's Pulled event; `took` is the duration in its message, None if it has none."""

    message: str
    took: str | None

    @property
    def was_present(self) -> bool:
        """Whether the message says that the image was on the node."""
        return "already present" in self.message


def image_pull(pod: PodHistory, evidence: Evidence) -> ImagePull | None:
    """The first Pulled event about the server's container; about the Pod, if the events name no container."""
    for event in events_about_server(pod, evidence, "Pulled"):
        message = text_at(event.object, "message") or ""
        match = _TOOK.search(message)
        return ImagePull(message, match.group(1) if match else None)
    return None


def events_about(pod: PodHistory, evidence: Evidence, reason: str) -> Iterator[ObjectSeen]:
    """Events of one reason about one Pod (by uid, where the event has one), in the order in which they came."""
    for subject in (pod.uid, pod.name):
        for event in evidence.events_of.get(subject, ()):
            if text_at(event.object, "reason") == reason:
                yield event


def events_about_server(pod: PodHistory, evidence: Evidence, reason: str) -> Iterator[ObjectSeen]:
    """The same, without those that name another container of the Pod."""
    for event in events_about(pod, evidence, reason):
        about = document_at(event.object, "involvedObject") or document_at(event.object, "regarding")
        if text_at(about, "fieldPath") in (None, f"spec.containers{{{SERVER}}}"):
            yield event
