"""The record of a run as it would be if nothing had been watched for a while: what changed then is only listed after.

Logs, requests and series are not watched: their own stamps stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from random import Random

from elastometer.model.bundle import Bundle
from elastometer.model.observation import ObjectKind, ObjectSeen, Observation, Sighting, WatchGap
from elastometer.model.units import SECOND, Instant

RESOURCES: Mapping[ObjectKind, str] = {
    ObjectKind.POD: "pods", ObjectKind.DEPLOYMENT: "deployments", ObjectKind.EVENT: "events",
    ObjectKind.ENDPOINT_SLICE: "endpointslices", ObjectKind.AUTOSCALER: "horizontalpodautoscalers"}


def cut(bundle: Bundle, start: float, end: float, resource: str = "*") -> Bundle:
    """The run with a gap, in seconds from the start of the load. What was gone at its end left no line, as when the
    operator was restarted."""
    origin = bundle.start or 0
    return _cut(bundle, origin + round(start * SECOND), origin + round(end * SECOND), resource)


def cut_often(bundle: Bundle, count: int, seed: int, span: tuple[float, float] = (0.0, 230.0)) -> Bundle:
    """The run of an operator that was killed so often, each time for 1 to 5 seconds."""
    chance = Random(seed)
    for start in sorted(chance.uniform(*span) for _ in range(count)):
        bundle = cut(bundle, start, start + chance.uniform(1, 5))
    return bundle


def _cut(bundle: Bundle, start: Instant, end: Instant, resource: str) -> Bundle:
    kept: list[Observation] = []
    hidden: dict[tuple[ObjectKind, str], ObjectSeen] = {}
    for line in bundle.observations:
        if isinstance(line, ObjectSeen) and start < line.received <= end and \
                resource in ("*", RESOURCES.get(line.kind)):
            hidden[line.kind, line.uid] = line
        else:
            kept.append(line)
    gap = WatchGap(end, resource, start, end, "cut out")
    return replace(bundle, observations=(*kept, *_listed(hidden.values(), end), gap))


def _listed(hidden: Iterable[ObjectSeen], end: Instant) -> list[ObjectSeen]:
    return [replace(line, sighting=Sighting.LISTED, received=end) for line in hidden
            if line.sighting is not Sighting.DELETED]
