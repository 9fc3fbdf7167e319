"""What the recorder observed, one class per kind of line. What it means is for the analysis to say."""
from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from elastometer.model.document import Document, at, document_at, documents_at, instant_at, text_at, whole_at
from elastometer.model.units import Instant, Nanoseconds, go_duration_or_none

# As long as an unsigned number of 64 bits.
MAX_VERSION_DIGITS = 20


class ObjectKind(StrEnum):
    """Kubernetes kinds that are recorded as served."""

    POD = "Pod"
    DEPLOYMENT = "Deployment"
    AUTOSCALER = "HorizontalPodAutoscaler"
    SCALED_OBJECT = "ScaledObject"
    JOB = "Job"
    ENDPOINT_SLICE = "EndpointSlice"
    EVENT = "Event"
    NODE = "Node"


class Sighting(StrEnum):
    """How an object was seen. LISTED shows a state, but its time does not show when the state began."""

    LISTED = "LISTED"
    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class ObjectSeen:
    """One object on one watch line; `received` is of the operator's clock, to about a millisecond."""

    received: Instant
    kind: ObjectKind
    sighting: Sighting
    object: Document

    @property
    def name(self) -> str:
        """Name of the object; empty if it has none."""
        return text_at(self.object, "metadata", "name") or ""

    @property
    def uid(self) -> str:
        """Distinguishes two objects that had the same name in turn; the name itself if the uid was not recorded."""
        return text_at(self.object, "metadata", "uid") or self.name

    @property
    def version(self) -> int:
        """metadata.resourceVersion, which grows from change to change; 0 if it is absent or no number."""
        text = text_at(self.object, "metadata", "resourceVersion") or ""
        return int(text) if text.isdecimal() and len(text) <= MAX_VERSION_DIGITS else 0


@dataclass(frozen=True, slots=True)
class LogSeen:
    """One log line; `time` is the kubelet's stamp (its node's clock, nanoseconds)."""

    received: Instant
    pod: str
    container: str
    time: Instant
    line: str


@dataclass(frozen=True, slots=True)
class LogCount:
    """How many lines of a Pod's log were counted and not stored up to `time`: those of its access log, and others
    beyond what is kept."""

    received: Instant
    pod: str
    time: Instant
    access_lines: int
    other_lines: int


# The reason of a gap that began with the last heartbeat of an operator that was killed. What it wrote after that
# heartbeat was seen as it happened.
RESTARTED = "operator restarted"


@dataclass(frozen=True, slots=True)
class WatchGap:
    """Between `start` and `end` the recorder watched nothing of `resource`, which is a plural, or * for all."""

    received: Instant
    resource: str
    start: Instant
    end: Instant
    reason: str


@dataclass(frozen=True, slots=True)
class ClockSample:
    """The API server's Date header (whole seconds), between two instants of the operator's clock, which bound
    the offset of the two clocks."""

    received: Instant
    sent: Instant
    server: Instant


@dataclass(frozen=True, slots=True)
class MetricSample:
    """One value as a metrics API served it: `value` is a Kubernetes quantity, `at` the API's own timestamp, `window`
    the period of the average. `container` is empty if the value belongs to the whole Pod."""

    pod: str
    name: str
    value: str
    container: str = ""
    at: Instant | None = None
    window: Nanoseconds | None = None


@dataclass(frozen=True, slots=True)
class MetricsSeen:
    """What a metrics API answered the recorder at about the time at which the autoscaler read it: samples of the
    metrics `names`, or the error instead of them. `group` is the API group.

    The status of an HPA shows only the average, not which Pods had a sample."""

    received: Instant
    sent: Instant
    group: str
    names: tuple[str, ...]
    samples: tuple[MetricSample, ...]
    error: str | None


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the operator itself did."""

    received: Instant
    reason: str
    message: str


Observation: TypeAlias = ObjectSeen | LogSeen | LogCount | WatchGap | ClockSample | MetricsSeen | Note
_OBJECT_KINDS = {kind.value: kind for kind in ObjectKind}
_RETIRED_KINDS = ("Probe",)  # was to be the recorder's own request to the readiness path; nothing ever read it
_SIGHTINGS = {sighting.value: sighting for sighting in Sighting}


def is_retired(line: Document) -> bool:
    """Whether the line is of a kind that only an earlier version of the format had: valid, but no longer used."""
    return text_at(line, "kind") in _RETIRED_KINDS


def observation_from(line: Document) -> Observation | None:
    """The observation in a JSON object, or None if its kind is unknown or its timestamps are missing."""
    received = instant_at(line, "receivedTime")
    kind = text_at(line, "kind") or ""
    if received is None:
        return None
    if kind in _OBJECT_KINDS:
        sighting = _SIGHTINGS.get(text_at(line, "type") or "")
        seen = document_at(line, "object")
        return ObjectSeen(received, _OBJECT_KINDS[kind], sighting, seen) if sighting and seen else None
    match kind:
        case "Log":
            return _log(line, received)
        case "LogCount":
            return _log_count(line, received)
        case "WatchGap":
            return _gap(line, received)
        case "ClockSample":
            sent, server = instant_at(line, "sentTime"), instant_at(line, "serverTime")
            return None if sent is None or server is None else ClockSample(received, sent, server)
        case "MetricsSeen":
            return _metrics(line, received)
        case "Note":
            return Note(received, text_at(line, "reason") or "", text_at(line, "message") or "")
    return None


def _log(line: Document, received: Instant) -> LogSeen | None:
    time, text = instant_at(line, "time"), text_at(line, "line")
    if time is None or text is None:
        return None
    return LogSeen(received, text_at(line, "pod") or "", text_at(line, "container") or "", time, text)


def _log_count(line: Document, received: Instant) -> LogCount | None:
    time, access, other = instant_at(line, "time"), whole_at(line, "accessLines"), whole_at(line, "otherLines")
    if time is None or access is None or other is None:
        return None
    return LogCount(received, text_at(line, "pod") or "", time, access, other)


def _gap(line: Document, received: Instant) -> WatchGap | None:
    start, end = instant_at(line, "from"), instant_at(line, "to")
    if start is None:
        return None
    return WatchGap(received, text_at(line, "resource") or "*", start, received if end is None else end,
                    text_at(line, "reason") or "")


def _metrics(line: Document, received: Instant) -> MetricsSeen | None:
    sent, group, names = instant_at(line, "sentTime"), text_at(line, "group"), at(line, "names")
    if sent is None or group is None or not isinstance(names, list):
        return None
    samples = (_sample(item) for item in documents_at(line, "samples"))
    return MetricsSeen(received, sent, group, tuple(str(name) for name in names),
                       tuple(sample for sample in samples if sample is not None), text_at(line, "error"))


def _sample(item: Document) -> MetricSample | None:
    pod, name, value = text_at(item, "pod"), text_at(item, "name"), text_at(item, "value")
    if pod is None or name is None or value is None:
        return None
    return MetricSample(pod, name, value, text_at(item, "container") or "", instant_at(item, "time"),
                        go_duration_or_none(at(item, "window")))
