"""How far a run is, for people who watch it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from elastometer.model.snapshot import ScalerFact
from elastometer.plan import TestPlan
from elastometer_loadgen.stages import CrowdStage, RateStage

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Counters:
    """What the receiver counted so far. Absent is None."""

    requests: int
    failed: int
    ttft_p50_milliseconds: float | None


def progress(
    plan: TestPlan, start: datetime | None, ready: int, desired: int | None, counters: Counters, now: datetime
) -> Json:
    """The `progress` of the status; keys that say nothing yet are absent."""
    seconds = None if start is None else (now - start).total_seconds()
    fields: Json = {
        "stage": _stage(plan, seconds),
        "replicas": f"{ready}/{desired if desired is not None else '?'}",
        "load": None if seconds is None else offered(plan, seconds),
        "readyReplicas": ready,
        "desiredReplicas": desired,
        "requestCount": counters.requests,
        "failedRequestCount": counters.failed,
        "timeToFirstTokenP50Milliseconds": None
        if counters.ttft_p50_milliseconds is None
        else round(counters.ttft_p50_milliseconds),
        "remainingSeconds": None
        if seconds is None
        else max(0, round(plan.load_seconds + plan.spec.measurement.settle_seconds - seconds)),
    }
    return fields


def offered(plan: TestPlan, seconds: float) -> str:
    """What is planned at an instant of the load: a rate in requests per second, or users; a rate of 0 outside it."""
    at = 0.0
    for stage in plan.spec.profile.stages:
        if at <= seconds < at + stage.duration_seconds:
            if isinstance(stage, CrowdStage):
                return f"{stage.users} users"
            return f"{stage.rate_at(seconds - at) if isinstance(stage, RateStage) else 0.0:.1f}/s"
        at += stage.duration_seconds
    return "0.0/s"


def _stage(plan: TestPlan, seconds: float | None) -> str | None:
    if seconds is None or seconds < 0:
        return "waiting"
    at = 0.0
    for stage in plan.spec.profile.stages:
        at += stage.duration_seconds
        if seconds < at:
            return stage.name
    return "settling"


def desired_replicas(plan: TestPlan, scaler: ScalerFact | None, replicas: int | None) -> int | None:
    """What the autoscaler wants; before it has spoken, what the target has."""
    if scaler is not None and scaler.desired:
        return scaler.desired
    return replicas if replicas is not None else plan.minimum_replicas
