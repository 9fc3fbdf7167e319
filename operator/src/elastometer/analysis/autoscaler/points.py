"""The input of the loss rule: one point per sync, and what the signal itself asked for between the syncs."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from elastometer.analysis.autoscaler.fidelity import Compared
from elastometer.analysis.autoscaler.metrics import NOT_RECORDED
from elastometer.analysis.evidence.steps import Steps
from elastometer.hpa.decision import Constraint, Decision
from elastometer.model.autoscaler import Cause, ConstraintStep

# At such a sync no number was wanted, because no metric was evaluated or could be read.
_BLIND = (Constraint.NO_METRIC, Constraint.NO_SCALE, Constraint.DISABLED)


@dataclass(frozen=True, slots=True)
class Point:
    """One sync: replicas before and after it (the live controller's, where that was seen), what the unclamped ratios
    wanted, and the steps from there to the decision; `blind` is why nothing was wanted. `metric` is the index of the
    one that wanted most, `measured` when its newest sample was taken.
    """

    at: float
    before: int
    after: int
    wanted: int | None
    steps: tuple[ConstraintStep, ...] = ()
    blind: Cause | None = None
    measured: float | None = None
    resolution_seconds: float = 0.0
    metric: int = 0


@dataclass(frozen=True, slots=True)
class WantedReplicas:
    """The replicas that a signal asked for by its unclamped ratio, as steps in time, with the instants' source."""

    steps: Steps
    source: str
    resolution_seconds: float


class Bounds(NamedTuple):
    """minReplicas and maxReplicas."""

    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How exactly the instant of a sync is known: of one that left a trace in the API, and of one that was inferred."""

    seen_seconds: float = 0.0
    inferred_seconds: float = 0.0


def points(syncs: Sequence[Compared], accuracy: Accuracy) -> tuple[Point, ...]:
    """One per sync."""
    return tuple(_hidden(one, accuracy) if _is_hidden(one) else _point(one, accuracy) for one in syncs)


def _point(one: Compared, accuracy: Accuracy) -> Point:
    return Point(
        at=one.sync.input.at, before=one.sync.input.spec_replicas, after=replicas_after(one),
        # Where the live controller decided differently, the steps of the replayed decision do not explain it.
        wanted=one.decision.account.wanted, blind=_blind(one.decision),
        steps=steps_of(one.decision) if replicas_after(one) == one.decision.desired else (),
        measured=_measured(one), metric=_metric(one.decision),
        resolution_seconds=accuracy.seen_seconds if one.sync.seen else accuracy.inferred_seconds)


def _is_hidden(one: Compared) -> bool:
    """Whether a watch gap hid both what the sync read and what it decided: a replay would be of values of before."""
    return not one.sync.watched and not one.known and NOT_RECORDED in one.sync.doubts


def _hidden(one: Compared, accuracy: Accuracy) -> Point:
    """A sync of which no more than its time is known: the seconds after it belong to no cause."""
    replicas = one.sync.input.spec_replicas
    return Point(at=one.sync.input.at, before=replicas, after=replicas, wanted=None, blind=Cause.UNATTRIBUTED,
                 resolution_seconds=accuracy.inferred_seconds)


def is_beyond(wanted: float | None, replicas: int, out: bool) -> bool:
    """Whether more (out) or fewer replicas than these are wanted; False where nothing is known."""
    return wanted is not None and (wanted > replicas if out else wanted < replicas)


def bound_by(point: Point, size: int, out: bool) -> Cause:
    """The step that took the number back from beyond `size`, above it or (scale-in) below; the last of several."""
    if point.wanted is None and point.blind is not None:
        return point.blind
    crossed = (step.constraint for step in reversed(point.steps)
               if is_beyond(step.before, size, out) and not is_beyond(step.after, size, out))
    return next(crossed, Cause.UNATTRIBUTED)


def holding(point: Point, bounds: Bounds) -> Cause | None:
    """The constraint that kept the replicas from the wanted number. At minReplicas or maxReplicas it is that bound,
    since it would have limited them without any other constraint as well."""
    if point.wanted is None or point.wanted == point.after:
        return point.blind
    out = point.wanted > point.after
    if out and point.after >= bounds.maximum:
        return Cause.MAXIMUM
    return Cause.MINIMUM if not out and point.after <= bounds.minimum else bound_by(point, point.after, out)


def replicas_after(one: Compared) -> int:
    """spec.replicas as the sync left it: the live controller's, where that is known."""
    live = one.sync.observed.desired
    return one.decision.desired if live is None else live


def steps_of(decision: Decision) -> tuple[ConstraintStep, ...]:
    """What changed the number on its way from the unclamped ratio to the decision."""
    return tuple(ConstraintStep(cause_of(one.constraint), one.before, one.after) for one in decision.account.reductions)


def cause_of(constraint: Constraint) -> Cause:
    """The constraint by its name in the report."""
    return Cause.UNATTRIBUTED if constraint is Constraint.NONE else Cause(constraint.value)


def _blind(decision: Decision) -> Cause | None:
    binding = decision.account.binding
    return Cause(binding.value) if binding in _BLIND else None


def _metric(decision: Decision) -> int:
    """The first of those whose unclamped ratio wanted most."""
    known = [one for one in decision.account.proposals if one.unclamped is not None]
    return max(known, key=lambda one: one.unclamped or 0).metric if known else 0


def _measured(one: Compared) -> float | None:
    """None if the record holds no sample, and the one of the sync was derived from what the autoscaler published."""
    if not one.sync.input.metrics or NOT_RECORDED in one.sync.doubts:
        return None
    return max((sample.at for sample in one.sync.input.metrics[_metric(one.decision)].samples), default=None)
