"""The progress of a run, for people who watch it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from elastometer.model.snapshot import ScalerFact
from elastometer.plan import TestPlan
from elastometer_loadgen.stages.count import CountStage
from elastometer_loadgen.stages.stage import Stage
from elastometer_loadgen.stages.users import UsersStage

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Counters:
    """What the receiver has counted so far. Absent is None."""

    requests: int
    failed: int
    ttft_p50_milliseconds: float | None
    served_per_second: float | None = None
    latency_p50_milliseconds: float | None = None
    latency_p95_milliseconds: float | None = None
    lost: Sequence[Json] = ()
    """Outcome, statusCode and count of each way in which requests were lost."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the load at `now`. `stage_starts` has the first request of each stage that sent one."""

    now: datetime
    start: datetime | None
    end: datetime | None = None
    stage_starts: Mapping[str, datetime] = field(default_factory=dict)


def progress(plan: TestPlan, standing: Standing, ready: int, desired: int | None, counters: Counters) -> Json:
    """The `progress` of the status; what is not known yet is None."""
    fields: Json = {
        "stage": _stage(plan, standing),
        "replicas": f"{ready}/{desired if desired is not None else '?'}",
        "load": offered(plan, standing),
        "users": users(plan, standing),
        "readyReplicas": ready,
        "desiredReplicas": desired,
        "requestCount": counters.requests,
        "failedRequestCount": counters.failed,
        "timeToFirstTokenP50Milliseconds": _rounded(counters.ttft_p50_milliseconds),
        "servedRequestsPerSecond": None if counters.served_per_second is None else f"{counters.served_per_second:.1f}",
        "latencyP50Milliseconds": _rounded(counters.latency_p50_milliseconds),
        "latencyP95Milliseconds": _rounded(counters.latency_p95_milliseconds),
        "lost": list(counters.lost),
        "remainingSeconds": remaining_seconds(plan, standing),
        "remainingSecondsAreExact": remaining_seconds_are_exact(plan, standing),
    }
    return fields


def offered(plan: TestPlan, standing: Standing) -> str | None:
    """What the current stage offers: requests per second, or users. A rate of 0 where no stage runs."""
    if standing.start is None:
        return None
    index, seconds = _locate(plan, standing)
    stages = plan.spec.profile.stages
    return stages[index].load_at(seconds) if 0 <= index < len(stages) else "0.0/s"


def users(plan: TestPlan, standing: Standing) -> int | None:
    """Of the current stage, as many as have begun by now. None where it has no users, or where only the load generator
    knows how many: a Knee ends its steps early."""
    if standing.start is None:
        return None
    index, seconds = _locate(plan, standing)
    stages = plan.spec.profile.stages
    if not 0 <= index < len(stages):
        return None
    carried: int | None = 0
    for stage in stages[:index]:
        carried = _present(stage, stage.duration_seconds, carried or 0)
    return _present(stages[index], seconds, carried or 0)


def _present(stage: Stage, seconds: float, carried: int) -> int | None:
    """Users so long into a stage that begins with those carried over from the stage before."""
    match stage:
        case UsersStage():
            return stage.present(seconds, carried)
        case CountStage():
            return stage.concurrency
        case _:
            return None


def remaining_seconds(plan: TestPlan, standing: Standing) -> int | None:
    """Until the run has settled. An upper bound where a stage ends when its requests do."""
    if standing.start is None:
        return None
    settle = plan.spec.measurement.settle_seconds
    if standing.end is not None:
        return max(0, round(settle - (standing.now - standing.end).total_seconds()))
    index, seconds = _locate(plan, standing)
    to_come = sum(stage.duration_seconds for stage in plan.spec.profile.stages[max(index, 0) :])
    return max(0, round(to_come - seconds + settle))


def remaining_seconds_are_exact(plan: TestPlan, standing: Standing) -> bool | None:
    """False while a stage is to come, or runs, that ends when its requests do. None before the load has begun."""
    if standing.start is None:
        return None
    to_come = plan.spec.profile.stages[max(_locate(plan, standing)[0], 0):]
    return not any(stage.is_open_ended for stage in to_come)


def _rounded(value: float | None) -> int | None:
    return None if value is None else round(value)


def _stage(plan: TestPlan, standing: Standing) -> str:
    stages = plan.spec.profile.stages
    index = -1 if standing.start is None else _locate(plan, standing)[0]
    if index < 0:
        return "waiting"
    return stages[index].name if index < len(stages) else "settling"


def _locate(plan: TestPlan, standing: Standing) -> tuple[int, float]:
    """(index of the stage, seconds into it). Before the first stage the index is -1 and the seconds are negative; after
    the last one they are the number of stages and the seconds since its end."""
    start = standing.start or standing.now
    seconds = (standing.now - start).total_seconds()
    if standing.end is not None:
        return len(plan.spec.profile.stages), (standing.now - standing.end).total_seconds()
    seen = {name: (first - start).total_seconds() for name, first in standing.stage_starts.items()}
    begun = [(index, at) for index, at in _starts(plan.spec.profile.stages, seen) if at <= seconds]
    index, at = begun[-1] if begun else (-1, 0.0)
    return index, seconds - at


def _starts(stages: Sequence[Stage], seen: Mapping[str, float]) -> Iterator[tuple[int, float]]:
    """Index and start of each stage whose start is known, and of what follows the last one. After a stage that ends
    when its requests do, the next one begins with its first request."""
    clock: float | None = 0.0
    for index, stage in enumerate(stages):
        at = seen.get(stage.name) if clock is None else clock
        if at is not None:
            yield index, at
        clock = None if at is None or stage.is_open_ended else at + stage.duration_seconds
    if clock is not None:
        yield len(stages), clock


def desired_replicas(plan: TestPlan, scaler: ScalerFact | None, replicas: int | None) -> int | None:
    """The replicas that the autoscaler decided on; before its first sync, those that the target has."""
    if scaler is not None and scaler.desired:
        return scaler.desired
    return replicas if replicas is not None else plan.initial_replicas
