"""The autoscaler's decision account of a run: every sync, every change of the replicas, and where the seconds went.

Seconds count as in the rest of the report. What is not known is None, with a reason.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from elastometer.model.measurements import Direction, Duration


class Cause(StrEnum):
    """What delayed a decision after the need. All but METRIC_DELAY, SYNC_WAIT and UNATTRIBUTED are constraints."""

    METRIC_DELAY = "MetricDelay"
    SYNC_WAIT = "SyncWait"
    NO_METRIC = "NoMetric"
    NO_SCALE = "NoScale"
    DISABLED = "Disabled"
    TOLERANCE = "Tolerance"
    MISSING_PODS = "MissingPods"
    PARTIAL_METRICS = "PartialMetrics"
    STABILIZATION = "Stabilization"
    POLICY = "Policy"
    MAXIMUM = "Maximum"
    MINIMUM = "Minimum"
    UNATTRIBUTED = "Unattributed"


# Their labels, in the order in which they act.
CAUSE_LABELS: Mapping[Cause, str] = {
    Cause.METRIC_DELAY: "metric delay", Cause.SYNC_WAIT: "sync wait", Cause.NO_METRIC: "no metric",
    Cause.NO_SCALE: "no access to the scale", Cause.DISABLED: "disabled", Cause.TOLERANCE: "tolerance",
    Cause.MISSING_PODS: "Pods without a sample", Cause.PARTIAL_METRICS: "a metric missing",
    Cause.STABILIZATION: "stabilization window", Cause.POLICY: "scaling policy", Cause.MAXIMUM: "maxReplicas",
    Cause.MINIMUM: "minReplicas", Cause.UNATTRIBUTED: "unattributed",
}


@dataclass(frozen=True, slots=True)
class MetricReading:
    """One metric at one sync, in its own unit (`unit` is % for a utilization). `bare` is what the unclamped
    ratio asks for, `proposed` what the controller makes of it."""

    name: str
    value: float | None
    target: float
    unit: str
    bare: int | None
    proposed: int | None
    constraint: Cause | None
    error: str | None


@dataclass(frozen=True, slots=True)
class ConstraintStep:
    """One constraint that changed the number on the way from the wanted to the desired replicas."""

    constraint: Cause
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class SyncRow:
    """One sync, or `count` consecutive ones up to `until_seconds` at which there was nothing to do.

    `wanted` is what the unclamped ratios asked for, `raw` what the metrics proposed, `desired` what was decided. `live`
    is what the real controller was seen to decide; `agrees` is None if nothing was seen of it; `difference` says
    in what the two differ and why. `binding` is the constraint that kept the replicas away from the wanted number.
    """

    seconds: float
    seen: bool
    spec: int
    ready: int
    metrics: tuple[MetricReading, ...]
    metric: str | None
    wanted: int | None
    raw: int | None
    steps: tuple[ConstraintStep, ...]
    desired: int
    binding: Cause | None
    live: int | None
    agrees: bool | None
    difference: str | None
    count: int = 1
    until_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Loss:
    """The part of the time from need to decision that one cause took; None, with a reason, if it is not known."""

    cause: Cause
    label: str
    milliseconds: float | None
    plus_minus_milliseconds: float | None
    source: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LossPart:
    """An interval of a change that one cause took, in its place in time; one that is not known has no length, and a
    reason. The ± are those of its ends."""

    cause: Cause
    start_seconds: float
    end_seconds: float
    start_plus_minus_seconds: float
    end_plus_minus_seconds: float
    source: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ScaleAccount:
    """One change that the autoscaler wrote. `needed_seconds` is when its first replica was needed (scale-out) or no
    longer needed (scale-in); the losses add up to `whole`. `parts` are the same seconds in their order of time."""

    number: int
    direction: Direction
    from_replicas: int
    to_replicas: int
    needed_seconds: float
    written_seconds: float
    whole: Duration
    losses: tuple[Loss, ...]
    parts: tuple[LossPart, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldTime:
    """How long, over the whole record, one constraint held the replicas below (Out) or above (In) the wanted number, or
    the wanted number was not known (Unknown)."""

    direction: Direction
    cause: Cause
    label: str
    seconds: float
    first_seconds: float


@dataclass(frozen=True, slots=True)
class SyncMismatch:
    """A sync at which the replay does not decide as the live controller did."""

    seconds: float
    differences: tuple[str, ...]
    cause: str


@dataclass(frozen=True, slots=True)
class FidelitySummary:
    """At how many syncs the replay decides as the live controller did: of those at which the controller wrote something
    (seen), and of those known to have changed nothing (inferred). `percent` is of both; None if none is known."""

    syncs: int
    seen: int
    seen_agreed: int
    inferred: int
    inferred_agreed: int
    percent: float | None
    misses: tuple[SyncMismatch, ...]
    unknowable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AutoscalerAccount:
    """The report's section on the autoscaler. If there is none, `reason` says why, and everything else is empty."""

    reason: str | None = None
    name: str = ""
    minimum: int | None = None
    maximum: int | None = None
    rows: tuple[SyncRow, ...] = ()
    changes: tuple[ScaleAccount, ...] = ()
    held: tuple[HeldTime, ...] = ()
    fidelity: FidelitySummary | None = None
