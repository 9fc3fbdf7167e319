"""The Pods and the scale as the autoscaler's controller found them at one instant. Pure."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from elastometer.analysis.evidence import Evidence, PodHistory
from elastometer.analysis.pods import condition
from elastometer.hpa.look import PodLook
from elastometer.hpa.quantity import milli_units
from elastometer.hpa.settings import HpaSpec, MetricType
from elastometer.model.document import Document, at, document_at, documents_at, instant_at, text_at, whole_at
from elastometer.model.observation import ObjectSeen, Sighting
from elastometer.model.units import Instant, Nanoseconds

Seconds = Callable[[Instant], float]
_RESOURCES = (MetricType.RESOURCE, MetricType.CONTAINER_RESOURCE)


def pods_at(evidence: Evidence, moment: Instant, spec: HpaSpec, seconds: Seconds) -> tuple[PodLook, ...]:
    """Every Pod of the target that was there, whatever its phase."""
    found = ((pod, last_before(pod.sightings, moment)) for pod in evidence.pods)
    return tuple(_look(pod, seen.object, spec, seconds) for pod, seen in found
                 if seen is not None and seen.sighting is not Sighting.DELETED)


def changed_just_before(evidence: Evidence, moment: Instant, allowance: Nanoseconds) -> str | None:
    """A Pod that changed so shortly before the instant that the controller may not have seen it."""
    near = (pod.name for pod in evidence.pods for seen in pod.sightings if 0 <= moment - seen.received <= allowance)
    return next(near, None)


def scale_at(evidence: Evidence, moment: Instant) -> tuple[int | None, int | None]:
    """The target's spec.replicas and status.replicas just before the instant; a status without the field has none."""
    seen = last_before(evidence.deployments, moment - 1)
    if seen is None:
        return None, None
    return whole_at(seen.object, "spec", "replicas"), whole_at(seen.object, "status", "replicas") or 0


def last_before(sightings: Sequence[ObjectSeen], moment: Instant) -> ObjectSeen | None:
    """The newest that was received by then."""
    return next((seen for seen in reversed(sightings) if seen.received <= moment), None)


def _look(pod: PodHistory, item: Document, spec: HpaSpec, seconds: Seconds) -> PodLook:
    ready = condition(item, "Ready")
    moved, start = instant_at(ready, "lastTransitionTime"), instant_at(item, "status", "startTime")
    return PodLook(
        name=pod.name, phase=text_at(item, "status", "phase") or "Pending",
        ready=ready.get("status") == "True" if ready else None,
        ready_transition=None if moved is None else seconds(moved),
        start=None if start is None else seconds(start),
        deleting=text_at(item, "metadata", "deletionTimestamp") is not None, requests=_requests(item, spec),
    )


def _requests(pod: Document, spec: HpaSpec) -> Mapping[str, int]:
    """Of each resource that a metric is about; one that a container does not request is left out."""
    found: dict[str, int] = {}
    for metric in spec.metrics:
        if metric.type not in _RESOURCES:
            continue
        asked = [at(one, "resources", "requests", metric.name) for one in _containers(pod, metric.container)]
        texts = [one for one in asked if isinstance(one, str)]
        if asked and len(texts) == len(asked):
            found[metric.name] = sum(milli_units(text) for text in texts)
    return found


def _containers(pod: Document, named: str | None) -> Iterator[Document]:
    """Those that run on: sidecars are init containers that are always restarted."""
    spec = document_at(pod, "spec")
    sidecars = [one for one in documents_at(spec, "initContainers") if one.get("restartPolicy") == "Always"]
    for one in (*documents_at(spec, "containers"), *sidecars):
        if named is None or one.get("name") == named:
            yield one
