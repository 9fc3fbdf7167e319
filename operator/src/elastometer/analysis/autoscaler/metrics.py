"""What each metric was at one sync: the aggregate that the autoscaler published, distributed over the Pods that the
recorder's own reading of the same API names. Pure.

The published aggregate is what the controller acted on. The reading, taken some milliseconds later, shows whose samples
were in it and how old they were; if its aggregate differs, its values are adjusted to the published one.
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

# A reading further from the sync than this may have other values.
NEAR: Nanoseconds = 2 * SECOND
# Usage is measured every ten seconds or less often, so that a reading of it stays valid somewhat longer.
NEAR_OF_USAGE: Nanoseconds = 5 * SECOND
# The window that the controller assumes for a sample if the API names none.
DEFAULT_WINDOW = 60 * SECOND
NOT_RECORDED = "which Pods had a sample was not recorded: the Ready ones are assumed to have had one"
BETWEEN = "the metric's values changed between the controller's sync and the recorder's reading"
MILLI = 1000


@dataclass(frozen=True, slots=True)
class Published:
    """One metric in the autoscaler's status, milli-units; `percent` of the requests for a utilization."""

    value: int | None = None
    average: int | None = None
    percent: int | None = None


@dataclass(slots=True)
class SyncContext:
    """What is known about one sync before its metrics. `doubts` collects what may have been different."""

    moment: Instant
    at: float
    status_replicas: int
    pods: tuple[PodInput, ...]
    status: Document
    readings: Sequence[MetricsSeen]
    seconds: Callable[[Instant], float]
    doubts: list[str] = field(default_factory=list)


def metrics_at(spec: HpaSpec, context: SyncContext) -> tuple[MetricInput, ...]:
    """One answer for each metric of the spec, in its order."""
    current = documents_at(context.status, "currentMetrics")
    entries = [*current, *[{}] * len(spec.metrics)]
    return tuple(_answer(metric, _published(entry), spec.controller, context)
                 for metric, entry in zip(spec.metrics, entries, strict=False))


def _published(entry: Document) -> Published | None:
    """None if the controller could not read the metric: its entry is then empty."""
    kind = text_at(entry, "type")
    if not kind:
        return None
    current = document_at(entry, kind[:1].lower() + kind[1:], "current")
    return Published(_milli(current, "value"), _milli(current, "averageValue"), whole_at(current, "averageUtilization"))


def _milli(current: Document, key: str) -> int | None:
    text = text_at(current, key)
    return None if text is None else milli_units(text)


def _answer(
    metric: Metric, published: Published | None, controller: ControllerSettings, context: SyncContext,
) -> MetricInput:
    if metric.type in (MetricType.EXTERNAL, MetricType.OBJECT):
        return _total(metric, published, context)
    reading = _nearest(_agreeing(metric, published, controller, context) or _about(metric, context), context.moment)
    if reading is None or (reading.error is not None and published is not None):
        return _without_reading(published, context)
    if reading.error is not None:
        return MetricInput(error=reading.error)
    if abs(reading.received - context.moment) > NEAR:
        distance = abs(reading.received - context.moment) / SECOND
        context.doubts.append(f"the metric was read {distance:.1f} s from the sync")
    samples = _samples(metric, reading, context)
    if published is None:
        return MetricInput(samples=samples)
    return MetricInput(samples=_fitted(metric, published, samples, controller, context))


def _about(metric: Metric, context: SyncContext) -> list[MetricsSeen]:
    group_name = "custom.metrics.k8s.io" if metric.type is MetricType.PODS else "metrics.k8s.io"
    near = NEAR if metric.type is MetricType.PODS else NEAR_OF_USAGE
    first = bisect_left(context.readings, context.moment - near, key=_received)
    last = bisect_right(context.readings, context.moment + near, key=_received)
    return [one for one in context.readings[first:last] if one.group == group_name and metric.name in one.names]


def _received(reading: MetricsSeen) -> Instant:
    return reading.received


def _agreeing(
    metric: Metric, published: Published | None, controller: ControllerSettings, context: SyncContext
) -> list[MetricsSeen]:
    """Readings with the published aggregate: around a change there may be one from before and one from after it."""
    if published is None:
        return []
    return [one for one in _about(metric, context)
            if _is_of(metric, published, _counted(metric, _samples(metric, one, context), controller, context),
                      context)]


def _nearest(readings: list[MetricsSeen], moment: Instant) -> MetricsSeen | None:
    return min(readings, key=lambda one: abs(one.received - moment), default=None)


def _samples(metric: Metric, reading: MetricsSeen, context: SyncContext) -> tuple[Sample, ...]:
    """One per Pod: the sum over its containers, or the container that the metric names."""
    by_pod: dict[str, list[MetricSample]] = defaultdict(list)
    for one in reading.samples:
        if one.name == metric.name and metric.container in (None, one.container):
            by_pod[one.pod].append(one)
    return tuple(_sample(pod, found, reading, context) for pod, found in sorted(by_pod.items()))


def _sample(pod: str, found: list[MetricSample], reading: MetricsSeen, context: SyncContext) -> Sample:
    taken = reading.received if found[0].at is None else found[0].at
    window = DEFAULT_WINDOW if found[0].window is None else found[0].window
    return Sample(pod, sum(milli_units(one.value) for one in found), context.seconds(taken), window / SECOND)


def _counted(
    metric: Metric, samples: tuple[Sample, ...], controller: ControllerSettings, context: SyncContext
) -> dict[str, int]:
    resource = None if metric.type is MetricType.PODS else metric.name
    return group(context.pods, samples, resource, context.at, controller).samples


def _requested(metric: Metric, counted: dict[str, int], context: SyncContext) -> int:
    return sum(_request(pod, metric) for pod in context.pods if pod.name in counted)


def _request(pod: PodInput, metric: Metric) -> int:
    asked = pod.requests if metric.container is None else (pod.container_requests or {}).get(metric.container, {})
    return asked.get(metric.name, 0)


def _is_of(metric: Metric, published: Published, counted: dict[str, int], context: SyncContext) -> bool:
    low, high = _sums(metric, published, counted, context)
    return bool(counted) and low <= sum(counted.values()) <= high


def _sums(metric: Metric, published: Published, counted: dict[str, int], context: SyncContext) -> tuple[int, int]:
    """The lowest and the highest sum that is published like this: mean and percentage are truncated when published."""
    low, high = 0, -1
    if published.average is not None:
        low = published.average * len(counted)
        high = low + len(counted) - 1
    requested = _requested(metric, counted, context)
    if metric.target_type is TargetType.UTILIZATION and published.percent is not None and requested:
        least = -(-published.percent * requested // 100)
        most = -(-(published.percent + 1) * requested // 100) - 1
        low, high = (max(low, least), min(high, most)) if max(low, least) <= min(high, most) else (least, most)
    return low, high


def _fitted(
    metric: Metric, published: Published, samples: tuple[Sample, ...], controller: ControllerSettings,
    context: SyncContext,
) -> tuple[Sample, ...]:
    """The samples, with values adjusted so that they give the published aggregate."""
    counted = _counted(metric, samples, controller, context)
    if not counted:
        context.doubts.append(BETWEEN)
        return samples
    low, high = _sums(metric, published, counted, context)
    total = sum(counted.values())
    if low <= total <= high:
        return samples
    context.doubts.append(BETWEEN)
    wanted = low if total < low else high
    scaled = {pod: value * wanted // total if total else 0 for pod, value in counted.items()}
    # What the divisions rounded off goes to one Pod, so that the sum is exact.
    scaled[next(iter(scaled))] += wanted - sum(scaled.values())
    return tuple(one._replace(value=scaled.get(one.pod, one.value)) for one in samples)


def _without_reading(published: Published | None, context: SyncContext) -> MetricInput:
    """Every Ready Pod is given the mean; an older record does not allow more."""
    context.doubts.append(NOT_RECORDED)
    if published is None:
        return MetricInput(error=_message(context.status))
    mean = published.average or 0
    return MetricInput(samples=tuple(Sample(pod.name, mean, context.at, 0.0) for pod in context.pods if pod.ready))


def _total(metric: Metric, published: Published | None, context: SyncContext) -> MetricInput:
    """The value, or the total behind the published average, known to less than one milli-unit per replica."""
    if published is None:
        return MetricInput(error=_message(context.status))
    if metric.target_type is not TargetType.AVERAGE_VALUE or published.average is None:
        return MetricInput() if published.value is None else MetricInput(values=(published.value,))
    # The HPA publishes the average rounded up: the total lies within one milli-unit per replica below its product.
    replicas = max(1, context.status_replicas)
    low, high = (published.average - 1) * replicas + 1, published.average * replicas
    low = min(high, max(0, low))
    if -(-low // metric.target) != -(-high // metric.target):
        context.doubts.append(f"the sum is known only to {high - low + 1} milli-units, from its rounded average")
    return MetricInput(values=(_roundest(low, high),))


def _roundest(low: int, high: int) -> int:
    """The value with the fewest decimals in the range: most sums are of whole numbers."""
    steps = (MILLI, 100, 10, 1)
    return next(high // step * step for step in steps if high // step * step >= low)


def _message(status: Document) -> str:
    """What the controller published about a metric that it could not read."""
    found = (one for one in documents_at(status, "conditions")
             if (one.get("type"), one.get("status")) == ("ScalingActive", "False"))
    return text_at(next(found, {}), "message") or "it could not be read"
