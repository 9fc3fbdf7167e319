"""Findings from the autoscaler's own conditions: how long it had no metric, and how long maxReplicas limited it."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from elastometer.analysis.findings.facts import Facts
from elastometer.model.document import Document, documents_at, text_at
from elastometer.model.findings import FindingName, Severity
from elastometer.model.observation import ObjectSeen, Sighting
from elastometer.model.report import Finding
from elastometer.model.units import SECOND

# A condition that lasts less than one sync period of the HPA costs less than the HPA's own reaction time.
CLAMP_SECONDS = 10.0
DISABLED = "ScalingDisabled"
BLIND_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class _Interval:
    seconds: float
    start: float
    reason: str


def _intervals(facts: Facts, kind: str, status: str, reasons: tuple[str, ...] = ()) -> list[_Interval]:
    """How long the autoscaler had the condition while the load ran, one interval per watch line that shows it."""
    evidence, intervals = facts.evidence, list[_Interval]()
    end = evidence.load_end
    lines = evidence.autoscalers
    for index, line in enumerate(lines):
        held = _scaler_condition(line, kind)
        until = min(end, lines[index + 1].received) if index + 1 < len(lines) else end
        since = max(line.received, evidence.origin)
        reason = text_at(held, "reason") or ""
        if held.get("status") != status or (reasons and reason not in reasons) or until <= since:
            continue
        intervals.append(_Interval((until - since) / SECOND, evidence.seconds(since), reason))
    return intervals


def _scaler_condition(line: ObjectSeen, kind: str) -> Document:
    items = () if line.sighting is Sighting.DELETED else documents_at(line.object, "status", "conditions")
    return next((item for item in items if item.get("type") == kind), {})


def metric_missing(facts: Facts) -> Iterator[Finding]:
    """Syncs at which the autoscaler could read none of its metrics."""
    # At 0 replicas the controller looks at no metric, which is not the metric's fault.
    intervals = [one for one in _intervals(facts, "ScalingActive", "False") if one.reason != DISABLED]
    total = sum(interval.seconds for interval in intervals)
    if total < BLIND_SECONDS:
        return
    reasons = ", ".join(sorted({interval.reason for interval in intervals}))
    yield Finding(
        FindingName.METRIC_MISSING, Severity.PROBLEM, "The autoscaler had no metric",
        f"ScalingActive was False for {total:.0f} s of the load ({reasons}), first {intervals[0].start:.0f} s after "
        "its start",
        "Without a metric the HPA does not scale out. Check that the metric's name and labels reach the metrics API; "
        "`kubectl get --raw /apis/custom.metrics.k8s.io/v1beta1` lists what it knows.")


def clamped(facts: Facts) -> Iterator[Finding]:
    """Time in which maxReplicas was lower than what the metrics asked for."""
    intervals = _intervals(facts, "ScalingLimited", "True", ("TooManyReplicas",))
    total = sum(interval.seconds for interval in intervals)
    if total >= CLAMP_SECONDS:
        yield Finding(
            FindingName.MAXIMUM_CLAMPED, Severity.WARNING, "`maxReplicas` limited the autoscaler",
            f"The metrics asked for more than {facts.evidence.terms.maximum_replicas} replicas for {total:.0f} s, "
            f"first {intervals[0].start:.0f} s after the start of the load",
            "At that limit the queue grows, whatever the other settings are. Raise `maxReplicas` if the cluster has "
            "the GPUs, or raise the metric's target if the latency allows it.")
