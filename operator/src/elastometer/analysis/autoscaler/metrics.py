"""What each metric was at one look: the aggregate that the autoscaler published, spread over the Pods that the
recorder's own reading of the same API names. Pure.

The published aggregate is what the controller acted on. The reading, taken some milliseconds later, says whose samples
were in it, and how old they were; where it has another aggregate, its values are made to agree with the published one.
"""
from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from elastometer.hpa.grouping import group
from elastometer.hpa.quantity import milli_units
from elastometer.hpa.settings import ControllerSettings, HpaSpec, Metric, MetricType, TargetType
from elastometer.hpa.sync import MetricInput, PodInput, Sample
from elastometer.model.document import Document, document_at, documents_at, text_at, whole_at
from elastometer.model.observation import MetricSample, MetricsSeen
from elastometer.model.units import SECOND, Instant, Nanoseconds

# A reading further from the look than this may be of another one.
NEAR: Nanoseconds = 2 * SECOND
# Usage is measured each ten seconds or more: a reading of it is as good for somewhat longer.
NEAR_OF_USAGE: Nanoseconds = 5 * SECOND
# What the controller takes a sample's window for when the API names none.
DEFAULT_WINDOW = 60 * SECOND
NOT_RECORDED = "which Pods had a sample was not recorded: those that were Ready are taken to"
BETWEEN = "the metric's values changed between the controller's look and the reading of them"
MILLI = 1000


@dataclass(frozen=True, slots=True)
class Published:
    """One metric in the autoscaler's status, milli-units; `percent` of the requests for a utilization."""

    value: int | None = None
    average: int | None = None
    percent: int | None = None


@dataclass(slots=True)
class Sight:
    """All that is known of one look before its metrics are. `doubts` collects what may be otherwise."""

    moment: Instant
    at: float
    status_replicas: int
    pods: tuple[PodInput, ...]
    status: Document
    readings: Sequence[MetricsSeen]
    seconds: Callable[[Instant], float]
    doubts: list[str] = field(default_factory=list)


def metrics_at(spec: HpaSpec, sight: Sight) -> tuple[MetricInput, ...]:
    """One answer for each metric of the spec, in its order."""
    current = documents_at(sight.status, "currentMetrics")
    entries = [*current, *[{}] * len(spec.metrics)]
    return tuple(_answer(metric, _published(entry), spec.controller, sight)
                 for metric, entry in zip(spec.metrics, entries, strict=False))


def _published(entry: Document) -> Published | None:
    """None where the controller could not tell the metric: its entry is then empty."""
    kind = text_at(entry, "type")
    if not kind:
        return None
    current = document_at(entry, kind[:1].lower() + kind[1:], "current")
    return Published(_milli(current, "value"), _milli(current, "averageValue"), whole_at(current, "averageUtilization"))


def _milli(current: Document, key: str) -> int | None:
    text = text_at(current, key)
    return None if text is None else milli_units(text)


def _answer(metric: Metric, published: Published | None, controller: ControllerSettings, sight: Sight) -> MetricInput:
    if metric.type in (MetricType.EXTERNAL, MetricType.OBJECT):
        return _total(metric, published, sight)
    reading = _nearest(_agreeing(metric, published, controller, sight) or _about(metric, sight), sight.moment)
    if reading is None or (reading.error is not None and published is not None):
        return _without_reading(published, sight)
    if reading.error is not None:
        return MetricInput(error=reading.error)
    if abs(reading.received - sight.moment) > NEAR:
        sight.doubts.append(f"the metric was read {abs(reading.received - sight.moment) / SECOND:.1f} s from the look")
    samples = _samples(metric, reading, sight)
    if published is None:
        return MetricInput(samples=samples)
    return MetricInput(samples=_fitted(metric, published, samples, controller, sight))


def _about(metric: Metric, sight: Sight) -> list[MetricsSeen]:
    group_name = "custom.metrics.k8s.io" if metric.type is MetricType.PODS else "metrics.k8s.io"
    near = NEAR if metric.type is MetricType.PODS else NEAR_OF_USAGE
    first = bisect_left(sight.readings, sight.moment - near, key=_received)
    last = bisect_right(sight.readings, sight.moment + near, key=_received)
    return [one for one in sight.readings[first:last] if one.group == group_name and metric.name in one.names]


def _received(reading: MetricsSeen) -> Instant:
    return reading.received


def _agreeing(
    metric: Metric, published: Published | None, controller: ControllerSettings, sight: Sight
) -> list[MetricsSeen]:
    """Readings whose aggregate is the published one: around a change there may be one before and one after it."""
    if published is None:
        return []
    return [one for one in _about(metric, sight)
            if _is_of(metric, published, _counted(metric, _samples(metric, one, sight), controller, sight), sight)]


def _nearest(readings: list[MetricsSeen], moment: Instant) -> MetricsSeen | None:
    return min(readings, key=lambda one: abs(one.received - moment), default=None)


def _samples(metric: Metric, reading: MetricsSeen, sight: Sight) -> tuple[Sample, ...]:
    """One a Pod: containers are added up, or the one that the metric names is taken."""
    by_pod: dict[str, list[MetricSample]] = defaultdict(list)
    for one in reading.samples:
        if one.name == metric.name and metric.container in (None, one.container):
            by_pod[one.pod].append(one)
    return tuple(_sample(pod, found, reading, sight) for pod, found in sorted(by_pod.items()))


def _sample(pod: str, found: list[MetricSample], reading: MetricsSeen, sight: Sight) -> Sample:
    taken = reading.received if found[0].at is None else found[0].at
    window = DEFAULT_WINDOW if found[0].window is None else found[0].window
    return Sample(pod, sum(milli_units(one.value) for one in found), sight.seconds(taken), window / SECOND)


def _counted(
    metric: Metric, samples: tuple[Sample, ...], controller: ControllerSettings, sight: Sight
) -> dict[str, int]:
    resource = None if metric.type is MetricType.PODS else metric.name
    return group(sight.pods, samples, resource, sight.at, controller).samples


def _requested(metric: Metric, counted: dict[str, int], sight: Sight) -> int:
    return sum(_request(pod, metric) for pod in sight.pods if pod.name in counted)


def _request(pod: PodInput, metric: Metric) -> int:
    asked = pod.requests if metric.container is None else (pod.container_requests or {}).get(metric.container, {})
    return asked.get(metric.name, 0)


def _is_of(metric: Metric, published: Published, counted: dict[str, int], sight: Sight) -> bool:
    low, high = _sums(metric, published, counted, sight)
    return bool(counted) and low <= sum(counted.values()) <= high


def _sums(metric: Metric, published: Published, counted: dict[str, int], sight: Sight) -> tuple[int, int]:
    """The least and the greatest sum that is published so: mean and share are cut to whole numbers."""
    low, high = 0, -1
    if published.average is not None:
        low = published.average * len(counted)
        high = low + len(counted) - 1
    requested = _requested(metric, counted, sight)
    if metric.target_type is TargetType.UTILIZATION and published.percent is not None and requested:
        least = -(-published.percent * requested // 100)
        most = -(-(published.percent + 1) * requested // 100) - 1
        low, high = (max(low, least), min(high, most)) if max(low, least) <= min(high, most) else (least, most)
    return low, high


def _fitted(
    metric: Metric, published: Published, samples: tuple[Sample, ...], controller: ControllerSettings, sight: Sight
) -> tuple[Sample, ...]:
    """The samples, with values that give the published aggregate."""
    counted = _counted(metric, samples, controller, sight)
    if not counted:
        sight.doubts.append(BETWEEN)
        return samples
    low, high = _sums(metric, published, counted, sight)
    total = sum(counted.values())
    if low <= total <= high:
        return samples
    sight.doubts.append(BETWEEN)
    wanted = low if total < low else high
    scaled = {pod: value * wanted // total if total else 0 for pod, value in counted.items()}
    scaled[next(iter(scaled))] += wanted - sum(scaled.values())
    return tuple(one._replace(value=scaled.get(one.pod, one.value)) for one in samples)


def _without_reading(published: Published | None, sight: Sight) -> MetricInput:
    """Every Pod that is Ready is given the mean; it is the best that an older record tells."""
    sight.doubts.append(NOT_RECORDED)
    if published is None:
        return MetricInput(error=_message(sight.status))
    mean = published.average or 0
    return MetricInput(samples=tuple(Sample(pod.name, mean, sight.at, 0.0) for pod in sight.pods if pod.ready))


def _total(metric: Metric, published: Published | None, sight: Sight) -> MetricInput:
    """The value, or what the published average was divided from, which is known to less than one milli a replica."""
    if published is None:
        return MetricInput(error=_message(sight.status))
    if metric.target_type is not TargetType.AVERAGE_VALUE or published.average is None:
        return MetricInput() if published.value is None else MetricInput(values=(published.value,))
    replicas = max(1, sight.status_replicas)
    low, high = (published.average - 1) * replicas + 1, published.average * replicas
    low = min(high, max(0, low))
    if -(-low // metric.target) != -(-high // metric.target):
        sight.doubts.append(f"the sum is known to {high - low + 1} milli-units only, from its rounded average")
    return MetricInput(values=(_roundest(low, high),))


def _roundest(low: int, high: int) -> int:
    """The number of the fewest decimals: sums are mostly of whole numbers."""
    steps = (MILLI, 100, 10, 1)
    return next(high // step * step for step in steps if high // step * step >= low)


def _message(status: Document) -> str:
    """What the controller said of a metric that it could not read."""
    found = (one for one in documents_at(status, "conditions")
             if (one.get("type"), one.get("status")) == ("ScalingActive", "False"))
    return text_at(next(found, {}), "message") or "it could not be read"
