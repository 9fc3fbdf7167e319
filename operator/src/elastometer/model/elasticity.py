"""What a report says about elasticity: the demand, where its number comes from, and how well supply followed it.

Seconds count from the start of the load. What could not be judged is None, with a reason.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from elastometer.model.capacity import Fitted
from elastometer.model.measurements import Steps


class DemandSource(StrEnum):
    """Where the capacity of one replica comes from, the best first."""

    GIVEN = "Given"  # spec.demand states it
    CALIBRATED = "Calibrated"  # a calibration run of the same server settings measured it
    FITTED = "Fitted"  # this run's own requests show it
    NOT_JUDGED = "NotJudged"  # nothing shows it


@dataclass(frozen=True, slots=True)
class StageLimit:
    """The load that one replica serves within the objectives of one stage: a share of its saturated throughput."""

    stage: str
    utilization_percent: float
    requests_per_second: float
    rule: str


@dataclass(frozen=True, slots=True)
class ReplicaCapacity:
    """The highest load that one replica serves within the objectives, and the share of it that a request takes.

    The rates are for requests of the mean lengths of this run; all three are the same load. A request takes
    `seconds_per_request` + prompt tokens x `seconds_per_prompt_token` + output tokens x `seconds_per_output_token` of
    one replica's time. `rule` says in words what limits it.

    Objectives may differ from stage to stage, and with them the load that meets them: these are the numbers of the
    strictest, and `limits` has each. It is empty where the capacity was given, or measured as a whole.
    """

    requests_per_second: float
    prompt_tokens_per_second: float | None
    output_tokens_per_second: float | None
    mean_prompt_tokens: float | None
    mean_output_tokens: float | None
    seconds_per_request: float
    seconds_per_prompt_token: float
    seconds_per_output_token: float
    rule: str
    limits: tuple[StageLimit, ...] = ()


@dataclass(frozen=True, slots=True)
class DemandAccount:
    """The demand in replicas, as steps from the start of the load to its end.

    `arrival` is what came, `backlog` what came and what still waited, if that is to be worked off within
    `drain_seconds`; `low` and `high` are `arrival` at the ends of the error. Work is counted over windows of
    `window_seconds`, which begin anew with each stage. `basis` says where the capacity comes from, `error_source` where
    its error does. `reason` says why there is no demand; then all numbers are None and the curves are empty.
    """

    source: DemandSource
    reason: str | None = None
    basis: str | None = None
    error_percent: float | None = None
    error_source: str | None = None
    capacity: ReplicaCapacity | None = None
    window_seconds: float | None = None
    drain_seconds: float | None = None
    notes: tuple[str, ...] = ()
    fitted: tuple[Fitted, ...] = ()
    arrival: Steps = ()
    backlog: Steps = ()
    low: Steps = ()
    high: Steps = ()


class SupplyKind(StrEnum):
    """Which replicas count as supply."""

    ORDERED = "Ordered"  # spec.replicas of the Deployment: what was decided
    READY = "Ready"  # Pods that are Ready: what could serve
    WARM = "Warm"  # Ready Pods, each weighted by what a replica of its age really served


@dataclass(frozen=True, slots=True)
class Provisioning:
    """How far supply was from demand. `under` is what was missing, `over` what was idle.

    `theta` is in replicas on average over the whole time, `tau` the share of the time, 0 to 1, and the areas are
    replica-seconds. The normalized forms are shares of the demand, averaged over the time.
    """

    theta_under: float
    theta_over: float
    theta_under_normalized: float
    theta_over_normalized: float
    tau_under: float
    tau_over: float
    area_under: float
    area_over: float


@dataclass(frozen=True, slots=True)
class Scorecard(Provisioning):
    """The published elasticity metrics of one supply against one demand.

    Events are replicas that were added or removed. Jitter is how many more of them the supply had than the demand, per
    minute: above 0 it oscillates, below 0 it is sluggish. Instability is the share of the time in which supply rose, or
    did not fall, unlike the demand; inertia the same the other way round. Both are counted on cells of `unit_seconds`,
    and None where there are fewer than two.
    """

    demand_events: float
    supply_events: float
    jitter_per_minute: float
    unit_seconds: float
    instability: float | None
    inertia: float | None
