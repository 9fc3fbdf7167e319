"""What the replicas of a run cost: GPU-seconds by what they were for, beside other supplies, and money.

Time is counted in whole milliseconds, so that the parts add up to the whole exactly. What is not known is None, with a
reason.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from elastometer.model.measurements import Steps


class Part(StrEnum):
    """What a replica was for at an instant, from its creation until it is gone. READY stands for USEFUL, KEPT and
    IDLE where no demand is known that could tell them apart."""

    USEFUL = "Useful"  # Ready, and demanded
    KEPT = "Kept"  # Ready while nothing was demanded, since the target may not scale to zero
    IDLE = "Idle"  # Ready beyond the demand
    READY = "Ready"  # Ready, not split
    STARTING = "Starting"  # on a node, not Ready: before the first Ready, and after a restart or a failed probe
    DRAINING = "Draining"  # deleted, still on its node
    PENDING = "Pending"  # on no node: it holds no GPU


@dataclass(frozen=True, slots=True)
class PartOfHeld:
    """One part of what was held. GPU-milliseconds are None where the GPUs of a replica are not known; those of PENDING
    are not held yet, but waited for."""

    part: Part
    replica_milliseconds: int
    gpu_milliseconds: int | None


class AlternativeName(StrEnum):
    """What the run is compared with. RUN is the run itself."""

    RUN = "Run"
    STATIC_MINIMUM = "StaticMinimum"  # always minReplicas
    STATIC_PEAK = "StaticPeak"  # always the peak of the demand
    STATIC_MAXIMUM = "StaticMaximum"  # always maxReplicas
    ORACLE = "Oracle"  # the demand known in advance


class MissSource(StrEnum):
    """Where objective-miss seconds come from."""

    MEASURED = "Measured"
    PREDICTED = "Predicted"
    DEMAND = "Demand"  # by the definition of the demand: enough replicas meet the objectives


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to have supplied the same demand over the same time. `replicas` is the fixed number, None if it varied.

    The milliseconds are those paid for, without Pending. `amount` is in the currency of the price, a decimal string.
    `reason` says why the milliseconds are None, `miss_reason` why the objective-miss seconds are. Predicted ones are
    the median over random draws, of which `miss_low` and `miss_high` are the extremes. Those of the oracle are outside
    of the time in which it is overloaded.
    """

    name: AlternativeName
    replicas: int | None
    replica_milliseconds: int | None
    gpu_milliseconds: int | None
    amount: str | None
    miss_seconds: int | None
    miss_source: MissSource | None
    reason: str | None = None
    miss_reason: str | None = None
    miss_low: int | None = None
    miss_high: int | None = None


@dataclass(frozen=True, slots=True)
class OracleSupply:
    """What the oracle orders and has Ready, as steps in seconds from the start of the load. It orders each replica
    `cold_start_milliseconds` before it is needed; `starts` of them are not there from the start of the load on (if
    none, the cold start is None). During each (from, to) of `overloaded` even the maximum is not enough, or still works
    off what was left over: no supply within the bounds of the autoscaler meets the demand then."""

    cold_start_milliseconds: int | None
    starts: int
    overloaded: tuple[tuple[float, float], ...]
    ordered: Steps
    ready: Steps

    @property
    def overloaded_seconds(self) -> float:
        """How long the maximum was not enough."""
        return sum(stop - start for start, stop in self.overloaded)


@dataclass(frozen=True, slots=True)
class Overshoot:
    """How far the supply went beyond the peak of the demand: the most replicas at one time, and the area. What was
    ordered is None where the scale target was not seen."""

    peak_demand: int
    ready_replicas: int
    ready_replica_milliseconds: int
    ordered_replicas: int | None
    ordered_replica_milliseconds: int | None


@dataclass(frozen=True, slots=True)
class Flap:
    """A scale-in that the next scale-out reversed soon after. The numbers are those of the two scale events.

    `starting` is what the replicas that came back spent starting, `saved` what was not held in between, `missing` the
    time in which they were demanded and not Ready (None without a demand). `amount` is the money spent on starting.
    """

    scale_in: int
    scale_out: int
    replicas: int
    after_seconds: float
    starting_replica_milliseconds: int
    starting_gpu_milliseconds: int | None
    saved_replica_milliseconds: int
    missing_replica_milliseconds: int | None
    amount: str | None


@dataclass(frozen=True, slots=True)
class Amount:
    """A decimal string in the currency of the price, or why there is none."""

    value: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """What the run cost. `served_requests` and `output_tokens` are what the two rates are divided by; a month has
    `hours_per_month` hours of the traffic of this run."""

    per_gpu_hour: str | None
    currency: str | None
    run: Amount
    per_thousand_requests: Amount
    per_million_output_tokens: Amount
    per_month: Amount
    served_requests: int
    output_tokens: int | None
    hours_per_month: int


@dataclass(frozen=True, slots=True)
class Price:
    """From `start_seconds` to `end_seconds`: what was held (from the creation of a replica until it is gone) and what
    of it was paid for (from its binding to a node).

    The `parts` add up to what was held. `no_gpus` says why GPUs are None, `not_split` why Ready is not split into
    Useful, Kept and Idle. `unwatched_replica_milliseconds` is how much of what was held counts in the last state that
    was seen before a watch gap, although another state was seen after it.
    """

    start_seconds: float
    end_seconds: float
    gpus_per_replica: int | None
    no_gpus: str | None
    held_replica_milliseconds: int
    held_gpu_milliseconds: int | None
    paid_replica_milliseconds: int
    paid_gpu_milliseconds: int | None
    parts: tuple[PartOfHeld, ...]
    demand: str | None
    not_split: str | None
    alternatives: tuple[Alternative, ...]
    oracle: OracleSupply | None
    overshoot: Overshoot | None
    flaps: tuple[Flap, ...]
    money: Money
    unwatched_replica_milliseconds: int

    @property
    def paid_replica_seconds(self) -> float:
        """Replica-seconds on a node."""
        return self.paid_replica_milliseconds / 1000

    @property
    def paid_gpu_seconds(self) -> float | None:
        """GPU-seconds on a node; None where the GPUs of a replica are not known."""
        return None if self.paid_gpu_milliseconds is None else self.paid_gpu_milliseconds / 1000

    def alternative(self, name: AlternativeName) -> Alternative | None:
        """The alternative of that name."""
        return next((one for one in self.alternatives if one.name is name), None)
