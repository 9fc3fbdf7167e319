"""The Pods and the scale as the autoscaler's controller found them at one instant. Pure."""
from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from elastometer.analysis.evidence.evidence import Evidence, PodHistory
from elastometer.analysis.evidence.pods import condition
from elastometer.hpa.pod_requests import container_requests_of, requests_of
from elastometer.hpa.sync import PodInput
from elastometer.model.document import Document, document_at, instant_at, text_at, whole_at
from elastometer.model.observation import ObjectSeen, Sighting
from elastometer.model.units import Instant, Nanoseconds

Seconds = Callable[[Instant], float]


class PodsOverTime:
    """The Pods of a run as they were at any instant. A state of a Pod is read once, however many syncs saw it."""

    def __init__(self, evidence: Evidence, seconds: Seconds) -> None:
        self._pods, self._seconds = evidence.pods, seconds
        # By the identity of the sighting, which the evidence keeps alive.
        self._read: dict[int, PodInput] = {}

    def at(self, moment: Instant) -> tuple[PodInput, ...]:
        """Every Pod of the target that existed, whatever its phase."""
        found = ((pod, last_before(pod.sightings, moment)) for pod in self._pods)
        return tuple(self._look(pod, seen) for pod, seen in found
                     if seen is not None and seen.sighting is not Sighting.DELETED)

    def _look(self, pod: PodHistory, seen: ObjectSeen) -> PodInput:
        known = self._read.get(id(seen))
        if known is None:
            known = self._read[id(seen)] = _look(pod, seen.object, self._seconds)
        return known


def pods_at(evidence: Evidence, moment: Instant, seconds: Seconds) -> tuple[PodInput, ...]:
    """Every Pod of the target that existed at one instant, whatever its phase."""
    return PodsOverTime(evidence, seconds).at(moment)


def changed_just_before(evidence: Evidence, moment: Instant, allowance: Nanoseconds) -> str | None:
    """A Pod that changed so shortly before the instant that the controller may not have seen it."""
    for pod in evidence.pods:
        start = bisect_left(pod.sightings, moment - allowance, key=_received)
        if start < len(pod.sightings) and pod.sightings[start].received <= moment:
            return pod.name
    return None


def scale_at(evidence: Evidence, moment: Instant) -> tuple[int | None, int | None]:
    """The target's spec.replicas and status.replicas just before the instant; a status without the field has none."""
    seen = last_before(evidence.deployments, moment - 1)
    if seen is None:
        return None, None
    return whole_at(seen.object, "spec", "replicas"), whole_at(seen.object, "status", "replicas") or 0


def last_before(sightings: Sequence[ObjectSeen], moment: Instant) -> ObjectSeen | None:
    """The newest sighting received by then; the sightings must be in order of receipt."""
    found = bisect_right(sightings, moment, key=_received)
    return sightings[found - 1] if found else None


def _received(seen: ObjectSeen) -> Instant:
    return seen.received


def _look(pod: PodHistory, item: Document, seconds: Seconds) -> PodInput:
    ready, spec = condition(item, "Ready"), document_at(item, "spec")
    moved, start = instant_at(ready, "lastTransitionTime"), instant_at(item, "status", "startTime")
    return PodInput(
        name=pod.name, phase=text_at(item, "status", "phase") or "Pending",
        ready=ready.get("status") == "True" if ready else None,
        ready_transition=None if moved is None else seconds(moved),
        start=None if start is None else seconds(start),
        deleting=text_at(item, "metadata", "deletionTimestamp") is not None,
        requests=requests_of(spec), container_requests=container_requests_of(spec),
    )
