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
    is_state_only,
)
from elastometer.model.document import Document, document_at, documents_at, instant_at, text_at, whole_at
from elastometer.model.measurements import Source
from elastometer.model.milestones import Milestone
from elastometer.model.names import SERVER
from elastometer.model.observation import ObjectSeen, Sighting
from elastometer.model.units import SECOND, Instant, Nanoseconds

# How much later than the end of the API's second a watch line may be and still be the better stamp.
WATCH_ALLOWANCE = SECOND // 4
_TOOK = re.compile(r"in ([0-9][0-9a-zµ.]*s)\b")


@dataclass(frozen=True, slots=True)
class Seen:
    """An instant by one source, with the resolution of that source."""

    name: Milestone
    instant: Instant
    source: Source
    resolution: Nanoseconds


def watched_and_stated(
    name: Milestone, sightings: Iterable[ObjectSeen], stated: Iterator[Instant | None],
) -> list[Seen]:
    """The first sighting by the watch, and the time given by the first object that states one."""
    found: list[Seen] = []
    for seen, time in zip(sightings, stated, strict=True):
        if time is None:
            continue
        found.append(Seen(name, time, Source.API, API_RESOLUTION))
        if not is_state_only(seen):
            found.append(Seen(name, seen.received, Source.WATCH, WATCH_RESOLUTION))
        return found
    return found


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
    """What the Pod's own object says, and the events about it."""
    lines = pod.sightings
    found = _created(pod)
    found += watched_and_stated(Milestone.SCHEDULED, lines, (_scheduled(line.object) for line in lines))
    sandboxed = (_true_since(line, "PodReadyToStartContainers") for line in lines)
    found += watched_and_stated(Milestone.SANDBOX, lines, sandboxed)
    found += watched_and_stated(Milestone.STARTED, lines, (_started(line.object) for line in lines))
    found += watched_and_stated(Milestone.READY, lines, (_true_since(line, "Ready") for line in lines))
    for name, reason in ((Milestone.PULLED, "Pulled"), (Milestone.STARTED, "Started")):
        event = next(events_about_server(pod, evidence, reason), None)
        if event is not None and not is_state_only(event):
            found.append(Seen(name, event.received, Source.EVENT, WATCH_RESOLUTION))
    served = evidence.ready_endpoint_since.get(pod.name)
    if served is not None:
        found.append(Seen(Milestone.IN_ENDPOINTS, served, Source.WATCH, WATCH_RESOLUTION))
    return found


def _created(pod: PodHistory) -> list[Seen]:
    first = pod.sightings[0]
    stated = instant_at(first.object, "metadata", "creationTimestamp")
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


def _true_since(line: ObjectSeen, kind: str) -> Instant | None:
    if line.sighting is Sighting.DELETED:
        return None
    found = condition(line.object, kind)
    if found.get("status") != "True":
        return None
    # Custom conditions may lack the time; the receipt is then the only instant there is.
    return instant_at(found, "lastTransitionTime") or line.received


def _scheduled(pod: Document) -> Instant | None:
    found = condition(pod, "PodScheduled")
    return instant_at(found, "lastTransitionTime") if found.get("status") == "True" else None


def server_statuses(pod: Document) -> list[Document]:
    """The status of the server's container; of all containers if none has its name."""
    every = list(documents_at(pod, "status", "containerStatuses"))
    return [status for status in every if text_at(status, "name") == SERVER] or every


def _started(pod: Document) -> Instant | None:
    """Start of the server container before any restart."""
    for status in server_statuses(pod):
        running = instant_at(status, "state", "running", "startedAt")
        if running is not None and not whole_at(status, "restartCount"):
            return running
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
