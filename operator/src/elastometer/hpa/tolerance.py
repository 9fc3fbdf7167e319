"""How close to 1 the ratio of value and target may be without a change."""
from __future__ import annotations

from typing import NamedTuple

from elastometer.hpa.decision import Constraint
from elastometer.hpa.settings import HpaSpec


class Tolerances(NamedTuple):
    """Shares, for scale-in and scale-out."""

    down: float
    up: float

    def hold(self, ratio: float) -> bool:
        """Whether the ratio is close enough to 1; never true for NaN."""
        return 1.0 - self.down <= ratio <= 1.0 + self.up


def tolerances_of(spec: HpaSpec) -> Tolerances:
    """Those of `behavior`; the controller's own for a direction that states none."""
    general, behavior = spec.controller.tolerance, spec.behavior
    if behavior is None:
        return Tolerances(general, general)
    down, up = behavior.scale_down.tolerance, behavior.scale_up.tolerance
    return Tolerances(general if down is None else down, general if up is None else up)


def held_back_by(unclamped: int, replicas: int, held: bool) -> Constraint:
    """Why a metric's proposal differs from what the unclamped ratio asks for."""
    if replicas == unclamped:
        return Constraint.NONE
    return Constraint.TOLERANCE if held else Constraint.MISSING_PODS
