"""What a report says about elasticity: the demand, where its number comes from, and how well supply followed it.

Seconds count from the start of the load. What could not be judged is None, with a reason.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from elastometer.model.capacity import Fitted
from elastometer.model.measurements import Steps


class DemandSource(StrEnum):
    """Where the capacity of one replica comes from, the best first."""

    GIVEN = "Given"  # spec.demand states it
    CALIBRATED = "Calibrated"  # a calibration run of the same server settings measured it
    FITTED = "Fitted"  # this run's own requests show it
    PREDICTED = "Predicted"  # the requests of a prediction show it
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
    `window_seconds`, which start again with each stage. `basis` says where the capacity comes from, `error_source`
    where its error does. `reason` says why there is no demand; then all numbers are None and the curves are empty.
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


@dataclass(frozen=True, slots=True)
class Movement:
    """The three metrics of a scorecard that count moves: none of them rises or falls with the demand."""

    jitter_per_minute: float
    instability: float | None
    inertia: float | None


@dataclass(frozen=True, slots=True)
class SupplyScore:
    """One supply against the demand of what arrived, or the reason why it could not be scored.

    `low` and `high` are the bounds of each number: by the error of the demand, and by the watch gaps of the supply,
    whose replicas then lie between those before and after. They are None where neither is known. `backlog` is the same
    supply against the demand that includes what waited.

    `low_movement` and `high_movement` are the bounds of the metrics that count moves: the lowest and the highest over
    the demands of capacities within the error. Without them `movement_reason` says why there are none.
    """

    supply: SupplyKind
    reason: str | None = None
    score: Scorecard | None = None
    low: Provisioning | None = None
    high: Provisioning | None = None
    backlog: Provisioning | None = None
    low_movement: Movement | None = None
    high_movement: Movement | None = None
    movement_reason: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WarmUp:
    """What a replica serves at an age, as a share of what an older one serves at the same time: the output tokens of
    `replicas` that were added. Ages are seconds since Ready; each share holds until the next age, and 1 after the
    last. `reason` says why it is not known; then `shares` is empty."""

    shares: tuple[tuple[float, float], ...] = ()
    replicas: int = 0
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Elasticity:
    """How well each supply followed the demand, from the start of the load to its end.

    `decision_under` is what was missing of the replicas that were ordered, `cold_start_under` how much more was missing
    of those that were Ready; both in replicas on average, with bounds by the error of the demand. `warm` is the
    weighted supply as steps. `reason` says why nothing was scored.
    """

    start_seconds: float
    end_seconds: float
    reason: str | None = None
    supplies: tuple[SupplyScore, ...] = ()
    decision_under: float | None = None
    cold_start_under: float | None = None
    cold_start_under_low: float | None = None
    cold_start_under_high: float | None = None
    warm_up: WarmUp = field(default_factory=WarmUp)
    warm: tuple[tuple[float, float], ...] = ()

    def of(self, supply: SupplyKind) -> SupplyScore | None:
        """The row of one supply."""
        return next((row for row in self.supplies if row.supply is supply), None)
