"""What the loss rule looks at: one point per sync, and what the true signal asked for between them."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from elastometer.analysis.fidelity import Compared
from elastometer.analysis.steps import Steps
from elastometer.hpa.decision import Constraint, Decision
from elastometer.model.autoscaler import Cause


@dataclass(frozen=True, slots=True)
class Point:
    """One sync: replicas before and after it (the live controller's, where that was seen), what the bare ratios
    wanted, and what kept the decision from it. `measured` is when the newest sample of the winning metric was taken.
    """

    at: float
    before: int
    after: int
    wanted: int | None
    binding: Cause
    measured: float | None = None
    resolution_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Wants:
    """Replicas that a signal asked for by its bare ratio, as steps in time, with the instants' source."""

    steps: Steps
    source: str
    resolution_seconds: float


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How well the instant of a sync is known: one that left a trace in the API, and one that was inferred."""

    seen_seconds: float = 0.0
    inferred_seconds: float = 0.0
    source: str = "trace"


def points(syncs: Sequence[Compared], accuracy: Accuracy) -> tuple[Point, ...]:
    """One per sync. An account of another decision than the live one says nothing of what bound that."""
    return tuple(
        Point(
            at=one.sync.look.at, before=one.sync.look.spec_replicas, after=replicas_after(one),
            wanted=one.decision.account.wanted,
            binding=_cause(one.decision) if replicas_after(one) == one.decision.desired else Cause.UNATTRIBUTED,
            measured=_measured(one),
            resolution_seconds=accuracy.seen_seconds if one.sync.seen else accuracy.inferred_seconds)
        for one in syncs
    )


def is_beyond(wanted: float | None, replicas: int, out: bool) -> bool:
    """Whether more (out) or fewer replicas than these are wanted; False where nothing is known."""
    return wanted is not None and (wanted > replicas if out else wanted < replicas)


def replicas_after(one: Compared) -> int:
    """spec.replicas as the sync left it: the live controller's, where that is known."""
    live = one.sync.observed.desired
    return one.decision.desired if live is None else live


def _cause(decision: Decision) -> Cause:
    binding = decision.account.binding
    return Cause.UNATTRIBUTED if binding is Constraint.NONE else Cause(binding.value)


def _measured(one: Compared) -> float | None:
    index, answers = one.decision.account.metric, one.sync.look.metrics
    if index is None or index >= len(answers):
        return None
    return max((sample.at for sample in answers[index].samples), default=None)
