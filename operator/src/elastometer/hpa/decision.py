"""What one sync decided, and its decision account: what each metric proposed, and what limited that number."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Constraint(StrEnum):
    """What kept a decision away from the number that the unclamped ratio asks for; NONE if nothing did."""

    NONE = "None"
    NO_SCALE = "NoScale"  # the target's scale could not be read or written
    DISABLED = "Disabled"  # spec.replicas is 0: no metric is read
    NO_METRIC = "NoMetric"  # no metric could be read
    TOLERANCE = "Tolerance"  # the ratio is too close to 1
    MISSING_PODS = "MissingPods"  # Pods without a sample, or not ready, are counted against the direction
    PARTIAL_METRICS = "PartialMetrics"  # one metric could not be read: no scale-in
    STABILIZATION = "Stabilization"
    POLICY = "Policy"
    MAXIMUM = "Maximum"
    MINIMUM = "Minimum"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of the HPA's status: status is `True`, `False` or `Unknown`."""

    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """One metric's part of the account. `unclamped` is ceil(replicas x ratio) as a simple calculator would compute it,
    without tolerance and without regard to Pods that have no sample; `replicas` is what the controller makes of it.
    `value` is what the HPA publishes as current (milli-units, or percent for Utilization). If the metric could not be
    evaluated, the numbers are None and `error` is the reason in the condition ScalingActive."""

    metric: int
    name: str
    value: int | None = None
    ratio: float | None = None
    unclamped: int | None = None
    replicas: int | None = None
    ready_pods: int = 0
    unready_pods: int = 0
    missing_pods: int = 0
    ignored_pods: int = 0
    constraint: Constraint = Constraint.NONE
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Reduction:
    """One constraint that changed the number on its way to the decision: from `before` to `after` replicas."""

    constraint: Constraint
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Account:
    """From the proposals to the decision. `wanted` is the highest number that an unclamped ratio asks for, `raw` the
    highest proposal (None if no metric could be evaluated), `metric` the index of the metric that won. `binding` is the
    last constraint that changed the number: without it, the decision would have moved first."""

    current: int
    proposals: tuple[Proposal, ...] = ()
    metric: int | None = None
    wanted: int | None = None
    raw: int | None = None
    reductions: tuple[Reduction, ...] = ()
    binding: Constraint = Constraint.NONE


@dataclass(frozen=True, slots=True)
class Decision:
    """`desired` is the target's spec.replicas as the controller leaves it, `status_desired` what it writes into the
    HPA's status (they differ if a sync ends in an error). `events` are the reasons of its events, sorted."""

    desired: int
    status_desired: int
    rescaled: bool
    conditions: Mapping[str, Condition]
    events: tuple[str, ...]
    account: Account
