"""Scenarios made by hand: small, and with round numbers."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

from elastometer.hpa.settings import Behavior, HpaSpec, Metric, MetricType, Policy, PolicyType, ScalingRules, TargetType
from elastometer.model.capacity import Capacity
from elastometer.twin.scenario import Arrival, HpaController, MetricsPath, Scenario
from elastometer.twin.sources import Signal


def hpa(minimum: int = 1, maximum: int = 10, target: int = 2, kind: MetricType = MetricType.PODS,
        signal: Signal = Signal.WAITING, phase: float = 0.0, down: int = 300) -> HpaController:
    """An HPA on the mean of one signal per replica, with the policies of the API server's defaults."""
    behavior = Behavior(
        ScalingRules((Policy(PolicyType.PERCENT, 100, 15), Policy(PolicyType.PODS, 4, 15)), stabilization_seconds=0),
        ScalingRules((Policy(PolicyType.PERCENT, 100, 15),), stabilization_seconds=down),
    )
    metric = Metric(kind, signal.value, TargetType.AVERAGE_VALUE, target * 1000)
    return HpaController(HpaSpec(minimum, maximum, (metric,), behavior), (signal,), phase)


def scenario(arrivals: list[float] | tuple[Arrival, ...], **changes: Any) -> Scenario:
    """One slot, exactly 1 s per request (1 token), a sample every second, cold starts of 20 s, one hour."""
    found = tuple(item if isinstance(item, Arrival) else Arrival(item, 10, 1, 0) for item in arrivals)
    base = Scenario(
        arrivals=found, capacity=Capacity(slots=1, prefill_seconds=1.0, prefill_seconds_per_token=0.0,
                                          decode_seconds=0.1),
        cold_starts=(20.0,), path=MetricsPath(scrape_seconds=1.0), controller=hpa(), initial_replicas=1,
        start_seconds=0.0, horizon_seconds=3600.0,
    )
    return replace(base, **changes)
