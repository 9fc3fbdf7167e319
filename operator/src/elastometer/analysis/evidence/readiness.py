"""When a Pod was first Ready, and when an EndpointSlice first listed it.

The API states only the last change of a condition. A Pod may have been Ready for a while within a watch gap, which then
leaves no more than bounds: the state before the gap, and the state after it.
"""
from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from elastometer.analysis.evidence.evidence import API_RESOLUTION, WATCH_RESOLUTION, Evidence, PodHistory
from elastometer.analysis.evidence.gaps import Window, unwatched
from elastometer.analysis.evidence.pods import (
    Seen,
    bounded,
    condition,
    server_statuses,
    true_since,
    watched_and_stated,
)
from elastometer.model.document import Document, document_at, documents_at, instant_at, text_at, whole_at
from elastometer.model.measurements import Source
from elastometer.model.milestones import Milestone
from elastometer.model.names import SERVER
from elastometer.model.observation import ObjectSeen, Sighting, WatchGap
from elastometer.model.units import SECOND, Instant, Nanoseconds

# Kubernetes' own values where a probe states none.
PROBE_PERIOD_SECONDS, PROBE_FAILURES = 10, 3


def readiness(pod: PodHistory, evidence: Evidence) -> list[Seen]:
    """The first Ready of a Pod by all sources, and its first place in an EndpointSlice."""
    found = watched_and_stated(Milestone.READY, pod, (true_since(line, "Ready") for line in pod.sightings), evidence)
    hidden = next(_hidden(pod, evidence), None)
    if hidden is not None and hidden.earliest < min((one.earliest for one in found), default=hidden.latest):
        found = bounded(Milestone.READY, Window(*hidden), Source.API)
    return found + _in_endpoints(pod, evidence)


class Hidden(NamedTuple):
    """A time in which the Pod became Ready, or may have, without a line that shows it."""

    earliest: Instant
    latest: Instant
    gap: WatchGap


def _hidden(pod: PodHistory, evidence: Evidence) -> Iterator[Hidden]:
    """In order. The API states the last change of the condition, and with it the end of each such time."""
    for before, after in pairwise(pod.sightings):
        window = unwatched(after, before, "pods", evidence)
        if window is None or window.earliest is None or window.gap is None:
            continue
        since = instant_at(condition(after.object, "Ready"), "lastTransitionTime")
        if since is None or condition(before.object, "Ready").get("status") == "True":
            continue
        is_ready = condition(after.object, "Ready").get("status") == "True"
        length = window.latest - window.earliest
        if _may_have_been_ready(before, after, length) if is_ready else _was_ready(before, since):
            yield Hidden(window.earliest, since + API_RESOLUTION, window.gap)


def _may_have_been_ready(before: ObjectSeen, after: ObjectSeen, length: Nanoseconds) -> bool:
    """Whether the time was long enough to become Ready, to lose it and to become Ready again."""
    return length >= _longest_steady(after.object) or _restarts(before.object) != _restarts(after.object)


def _was_ready(before: ObjectSeen, since: Instant) -> bool:
    """A condition that was False and is False since another time was True in between."""
    earlier = condition(before.object, "Ready")
    then = instant_at(earlier, "lastTransitionTime")
    return earlier.get("status") == "False" and then is not None and then != since


def _longest_steady(pod: Document) -> Nanoseconds:
    """How long a Pod that became Ready stays so at least: its readiness probe must fail several times in a row."""
    for container in documents_at(pod, "spec", "containers"):
        if text_at(container, "name") == SERVER and (probe := document_at(container, "readinessProbe")):
            period = whole_at(probe, "periodSeconds") or PROBE_PERIOD_SECONDS
            return period * (whole_at(probe, "failureThreshold") or PROBE_FAILURES) * SECOND
    return PROBE_PERIOD_SECONDS * PROBE_FAILURES * SECOND


def _restarts(pod: Document) -> int:
    return sum(whole_at(status, "restartCount") or 0 for status in server_statuses(pod))


def _in_endpoints(pod: PodHistory, evidence: Evidence) -> list[Seen]:
    """No time of the API says when a slice changed."""
    line = evidence.first_listing.get(pod.name)
    if line is None or line.sighting is Sighting.DELETED:
        return []
    window = unwatched(line, None, "endpointslices", evidence)
    if window is None:
        return [Seen(Milestone.IN_ENDPOINTS, line.received, Source.WATCH, WATCH_RESOLUTION)]
    return bounded(Milestone.IN_ENDPOINTS, window, Source.WATCH)
