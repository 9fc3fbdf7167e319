"""When the need of a target at zero replicas could first be seen in a metric that its autoscaler reads."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from elastometer.analysis.evidence.evidence import WATCH_RESOLUTION, Evidence, is_state_only
from elastometer.model.bundle import SeriesOutcome
from elastometer.model.document import Document, document_at, documents_at, text_at
from elastometer.model.measurements import Source
from elastometer.model.units import SECOND, Instant, Nanoseconds
from elastometer.model.wake_signals import PrometheusTrigger, formula, prometheus_triggers

_OUTSIDE_PODS = (("External", "external"), ("Object", "object"))
_ZERO = ("0", "0m", "")


@dataclass(frozen=True, slots=True)
class Visible:
    """The first value that asks for a replica. On the grid of a query it is at most one step late."""

    instant: Instant
    source: Source
    resolution: Nanoseconds


@dataclass(frozen=True, slots=True)
class NotVisible:
    """Why there is none."""

    reason: str


def visible(evidence: Evidence, start: Instant, end: Instant) -> Visible | NotVisible:
    """The first within the interval, of any trigger of KEDA, or of any metric in the status of an HPA."""
    scaled_object = document_at(evidence.spec, "spec", "autoscaler", "scaledObject")
    if not scaled_object:
        return _in_status(evidence, start, end)
    triggers = list(prometheus_triggers(scaled_object))
    if formula(scaled_object) is not None:
        return NotVisible("KEDA combines the triggers by a formula, whose value no API shows")
    if not triggers:
        return NotVisible("no trigger reads Prometheus, and no API shows what others read")
    found = [one for trigger in triggers if (one := _above(trigger, evidence, start, end)) is not None]
    if found:
        return min(found, key=lambda one: one.instant)
    return NotVisible("; ".join(_why(trigger, evidence, start, end) for trigger in triggers))


def peak(trigger: PrometheusTrigger, evidence: Evidence, start: Instant, end: Instant) -> float | None:
    """The highest value of the trigger's query within the interval; None if it had none."""
    return max((value for _, value in _samples(trigger, evidence, start, end)), default=None)


def _samples(
    trigger: PrometheusTrigger, evidence: Evidence, start: Instant, end: Instant,
) -> Iterator[tuple[Instant, float]]:
    result = evidence.series.get(trigger.series)
    for one in () if result is None else result.series:
        yield from ((instant, value) for instant, value in one.samples if start <= instant <= end)


def _above(trigger: PrometheusTrigger, evidence: Evidence, start: Instant, end: Instant) -> Visible | None:
    result = evidence.series.get(trigger.series)
    first = min((instant for instant, value in _samples(trigger, evidence, start, end) if value > trigger.activation),
                default=None)
    if result is None or first is None:
        return None
    return Visible(first, Source.PROMETHEUS, round((result.step_seconds or 0.0) * SECOND))


def _why(trigger: PrometheusTrigger, evidence: Evidence, start: Instant, end: Instant) -> str:
    result, name = evidence.series.get(trigger.series), f"trigger {trigger.index}"
    if result is None:
        return f"{name}: its query was not recorded"
    if result.outcome is SeriesOutcome.QUERY_FAILED:
        return f"{name}: its query failed ({result.message})"
    highest = peak(trigger, evidence, start, end)
    if highest is None:
        return f"{name}: its query had no value"
    return f"{name}: its highest value was {highest:g}, which does not exceed {trigger.activation:g}"


def _in_status(evidence: Evidence, start: Instant, end: Instant) -> Visible | NotVisible:
    for line in evidence.autoscalers:
        if start <= line.received <= end and not is_state_only(line) and _asks(line.object):
            return Visible(line.received, Source.WATCH, WATCH_RESOLUTION)
    return NotVisible("the status of the HorizontalPodAutoscaler showed no value above 0")


def _asks(autoscaler: Document) -> bool:
    """At zero replicas only these metrics are evaluated."""
    return any(
        text not in _ZERO
        for metric in documents_at(autoscaler, "status", "currentMetrics")
        for kind, field in _OUTSIDE_PODS if metric.get("type") == kind
        for name in ("value", "averageValue") if (text := text_at(metric, field, "current", name)) is not None)
