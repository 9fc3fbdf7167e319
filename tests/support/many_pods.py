"""Runs of many Pods in memory, whose documents count how often they are read: work is compared, and not time."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from elastometer.model.bundle import Bundle, LabelledSamples, SeriesName, SeriesOutcome, SeriesResult
from elastometer.model.names import COMPONENT_LABEL, SERVER, TEST_LABEL
from elastometer.model.observation import ObjectKind, ObjectSeen, Sighting
from elastometer.model.terms import Terms
from elastometer.model.units import MILLISECOND, SECOND, Instant, format_instant

ORIGIN = 1_764_500_000 * SECOND
SLICE = 100
LONGEST = 9000
_LABELS = {TEST_LABEL: "m", COMPONENT_LABEL: SERVER}


class Counted(dict[str, Any]):
    """A document that counts every look at one of its keys."""

    reads = 0

    def get(self, key: str, default: Any = None) -> Any:
        Counted.reads += 1
        return super().get(key, default)


def counted(value: Any) -> Any:
    """The same JSON with every object counted."""
    if isinstance(value, Mapping):
        return Counted({key: counted(item) for key, item in value.items()})
    return [counted(item) for item in value] if isinstance(value, list) else value


def many_pods(pods: int) -> Bundle:
    """From 1 replica to `pods` at 10 s and back to half of them at 300 s. Every Pod has its lines, its event, its place
    in a slice of at most a hundred, and its series; Pods take 3 to 9 s, and each seventeenth never becomes Ready."""
    lines = [_deployment(0, 1), _deployment(10, pods), *_slices(pods), _deployment(300, pods // 2)]
    for number in range(pods):
        lines += _pod(number, gone=number >= pods - pods // 2)
    return Bundle(
        terms=Terms(test="m", namespace="ns", uid="u", model="qwen"), start=ORIGIN, observations=tuple(lines),
        series=tuple(_series(name, pods) for name in (SeriesName.UP, SeriesName.PROCESS_START, SeriesName.FINISHED)),
    )


def with_syncs(bundle: Bundle, syncs: int) -> Bundle:
    """The run under an autoscaler that wrote its status at so many syncs, every 15 s from 20 s before the load."""
    lines = [_seen(15_000 * at - 20_000, ObjectKind.AUTOSCALER, Sighting.MODIFIED, _autoscaler(3000 + at))
             for at in range(syncs)]
    return replace(bundle, observations=(*bundle.observations, *lines))


def _autoscaler(milli: int) -> Mapping[str, Any]:
    metric, target = {"name": "queue"}, {"kind": "Deployment", "name": "m-server", "apiVersion": "apps/v1"}
    conditions = [{"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale"},
                  {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound"}]
    return {
        "metadata": {"name": "m-server", "uid": "h"},
        "spec": {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 9000, "metrics": [
            {"type": "Pods", "pods": {"metric": metric, "target": {"type": "AverageValue", "averageValue": "4"}}}]},
        "status": {"currentReplicas": 5, "desiredReplicas": 5, "conditions": conditions, "currentMetrics": [
            {"type": "Pods", "pods": {"metric": metric, "current": {"averageValue": f"{milli}m"}}}]},
    }


def name_of(number: int) -> str:
    """Of one Pod."""
    return f"m-server-{number}"


def is_never_ready(number: int) -> bool:
    """Whether this Pod stays without the condition Ready."""
    return number % 17 == 16


def created_at(number: int) -> int:
    """Milliseconds from the start of the load."""
    return -30_000 if number == 0 else 10_100 + 20 * number


def took(number: int) -> int:
    """Milliseconds from created to Ready."""
    return 3000 + 1000 * (number % 7)


def _at(milliseconds: int) -> Instant:
    return ORIGIN + milliseconds * MILLISECOND


def _seen(milliseconds: int, kind: ObjectKind, sighting: Sighting, document: Mapping[str, Any]) -> ObjectSeen:
    return ObjectSeen(_at(milliseconds), kind, sighting, counted(document))


def _deployment(seconds: int, replicas: int) -> ObjectSeen:
    meta = {"name": "m-server", "uid": "d"}
    return _seen(1000 * seconds, ObjectKind.DEPLOYMENT, Sighting.MODIFIED,
                 {"metadata": meta, "spec": {"replicas": replicas}})


def _pod(number: int, gone: bool) -> Iterator[ObjectSeen]:
    created, ready = created_at(number), created_at(number) + took(number)
    meta = {"name": name_of(number), "uid": f"u{number}", "labels": _LABELS, "creationTimestamp": _time(created)}
    spec = {"nodeName": f"node-{number % 11}", "containers": [{"name": SERVER}]}
    bound = {"type": "PodScheduled", "status": "True", "lastTransitionTime": _time(created + 100)}
    up = {"type": "Ready", "status": "True", "lastTransitionTime": _time(ready)}
    about = {"uid": f"u{number}", "name": name_of(number)}
    yield _seen(created, ObjectKind.POD, Sighting.ADDED, {"metadata": meta})
    yield _seen(created + 100, ObjectKind.POD, Sighting.MODIFIED,
                {"metadata": meta, "spec": spec, "status": {"conditions": [bound]}})
    yield _seen(created + 500, ObjectKind.EVENT, Sighting.ADDED,
                {"reason": "Pulled", "message": "Successfully pulled image in 1.2s", "involvedObject": about})
    conditions = [bound] if is_never_ready(number) else [bound, up]
    whole = {"metadata": meta, "spec": spec, "status": {"conditions": conditions}}
    if not is_never_ready(number):
        yield _seen(ready, ObjectKind.POD, Sighting.MODIFIED, whole)
    if gone:
        left = {**whole, "metadata": {**meta, "deletionTimestamp": _time(330_000), "deletionGracePeriodSeconds": 30}}
        yield _seen(300_200, ObjectKind.POD, Sighting.MODIFIED, left)
        yield _seen(320_000, ObjectKind.POD, Sighting.DELETED, left)


def _slices(pods: int) -> Iterator[ObjectSeen]:
    """A line for every tenth Pod that becomes Ready, as a controller that gathers changes writes them."""
    for first in range(0, pods, SLICE):
        numbers = range(first, min(first + SLICE, pods))
        for upto in (*numbers[9::10], numbers[-1]):
            listed = [{"targetRef": {"name": name_of(one)}, "conditions": {"ready": not is_never_ready(one)}}
                      for one in numbers if one <= upto]
            yield _seen(created_at(upto) + LONGEST + 50, ObjectKind.ENDPOINT_SLICE, Sighting.MODIFIED,
                        {"metadata": {"name": f"m-server-{first}"}, "endpoints": listed})


def _series(name: SeriesName, pods: int) -> SeriesResult:
    found = tuple(
        LabelledSamples(counted({"pod": name_of(one)}), ((_at(created_at(one) + 5000), _value(name, one)),))
        for one in range(pods))
    return SeriesResult(name.value, "q", SeriesOutcome.SAMPLES, "", 5.0, found)


def _value(name: SeriesName, number: int) -> float:
    return _at(created_at(number) + 1000) / SECOND if name is SeriesName.PROCESS_START else 1.0


def _time(milliseconds: int) -> str:
    return format_instant(_at(milliseconds), 0)
