"""The autoscaler's own account of a run: every sync, every change of the replicas, and where the seconds went.

Seconds count as in the rest of the report. What could not be told is None, with a reason.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from elastometer.model.measured import Direction, Figure


class Cause(StrEnum):
    """What a second between need and decision was lost to; all but the first two and the last are constraints."""

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


# What people call them, in the order in which they act.
CAUSE_LABELS: Mapping[Cause, str] = {
    Cause.METRIC_DELAY: "metric delay", Cause.SYNC_WAIT: "sync wait", Cause.NO_METRIC: "no metric",
    Cause.NO_SCALE: "no access to the scale", Cause.DISABLED: "disabled", Cause.TOLERANCE: "tolerance",
    Cause.MISSING_PODS: "Pods without a sample", Cause.PARTIAL_METRICS: "a metric missing",
    Cause.STABILIZATION: "stabilization window", Cause.POLICY: "scaling policy", Cause.MAXIMUM: "maxReplicas",
    Cause.MINIMUM: "minReplicas", Cause.UNATTRIBUTED: "unattributed",
}


@dataclass(frozen=True, slots=True)
class MetricReading:
    """One metric at one sync, in its own unit (`unit` is % for a utilization). `bare` is what value over target alone
    asks for, `proposed` what the controller makes of it."""

    name: str
    value: float | None
    target: float
    unit: str
    bare: int | None
    proposed: int | None
    constraint: Cause | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One constraint that changed the number on its way."""

    constraint: Cause
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class SyncRow:
    """One sync, or `count` of them in a row up to `until_seconds` in which there was nothing to do.

    `wanted` is what the bare ratios asked for, `raw` what the metrics proposed, `desired` what was decided; `live` is
    what the real controller was seen to decide, and `agrees` None where nothing was seen of it; `difference` says in
    what the two differ and why. `binding` is what kept the replicas from what was wanted.
    """

    seconds: float
    seen: bool
    spec: int
    ready: int
    metrics: tuple[MetricReading, ...]
    metric: str | None
    wanted: int | None
    raw: int | None
    steps: tuple[Step, ...]
    desired: int
    binding: Cause | None
    live: int | None
    agrees: bool | None
    difference: str | None
    count: int = 1
    until_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Loss:
    """Seconds on the way from need to decision, by what took them; None with a reason where they are not known."""

    cause: Cause
    label: str
    milliseconds: float | None
    plus_minus_milliseconds: float | None
    source: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ScaleAccount:
    """One change that the autoscaler wrote. `needed_seconds` is when the first replica of it was needed (scale-out) or
    needed no longer (scale-in); the losses add up to `whole`."""

    number: int
    direction: Direction
    from_replicas: int
    to_replicas: int
    needed_seconds: float
    written_seconds: float
    whole: Figure
    losses: tuple[Loss, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """How long, over the whole record, replicas were fewer (Out) or more (In) than wanted because of one constraint, or
    it was not known what was wanted (Unknown)."""

    direction: Direction
    cause: Cause
    label: str
    seconds: float
    first_seconds: float


@dataclass(frozen=True, slots=True)
class Miss:
    """A sync at which the replay decides otherwise than the live controller did."""

    seconds: float
    differences: tuple[str, ...]
    cause: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of how many syncs the replay makes what the live controller made: of those that it wrote something at (seen),
    and of those known to have changed nothing (inferred). `percent` is of both; None where nothing is known."""

    syncs: int
    seen: int
    seen_agreed: int
    inferred: int
    inferred_agreed: int
    percent: float | None
    misses: tuple[Miss, ...]
    unknowable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Autoscaler:
    """The section of the report. `reason` says why there is none, and everything else is then empty."""

    reason: str | None = None
    name: str = ""
    minimum: int | None = None
    maximum: int | None = None
    rows: tuple[SyncRow, ...] = ()
    changes: tuple[ScaleAccount, ...] = ()
    held: tuple[Held, ...] = ()
    fidelity: Agreement | None = None
