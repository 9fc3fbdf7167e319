"""Elasticity metrics of supply against demand (BUNGEE; SPEC RG "Ready for Rain?"), on step functions of time.

They need a demand curve: the fewest replicas that meet the objective at each instant. No report has one yet, so only
the tests call this module: they check it against the published vectors of BUNGEE, for a scorecard of θ and τ once
the capacity of one replica is measured.
"""
from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from elastometer.analysis.evidence.steps import Steps, segments


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Replicas for θ, shares of time for τ, per unit of time for jitter, shares of time for instability."""

    theta_under: float
    theta_over: float
    theta_under_relative: float
    theta_over_relative: float
    tau_under: float
    tau_over: float
    jitter: float
    instability: float
    inertia: float


def scorecard(demand: Steps, supply: Steps, end: float, unit: float = 1.0) -> Scorecard:
    """The metrics over [0, end]; `unit` is the width of one cell of the instability grid."""
    parts = segments([demand, supply], 0.0, end)
    under = sum(width * max(d - s, 0.0) for width, (d, s) in parts) / end
    over = sum(width * max(s - d, 0.0) for width, (d, s) in parts) / end
    cells = _movements(demand, supply, end, unit)
    return Scorecard(
        theta_under=under, theta_over=over,
        theta_under_relative=sum(width * max(d - s, 0.0) / max(d, 1.0) for width, (d, s) in parts) / end,
        theta_over_relative=sum(width * max(s - d, 0.0) / max(d, 1.0) for width, (d, s) in parts) / end,
        tau_under=sum(width for width, (d, s) in parts if d > s) / end,
        tau_over=sum(width for width, (d, s) in parts if s > d) / end,
        jitter=(unit_steps(supply, end) - unit_steps(demand, end)) / end,
        instability=_share([max(0, ds - dd) for dd, ds in cells]),
        inertia=_share([max(0, dd - ds) for dd, ds in cells]),
    )


def unit_steps(function: Steps, end: float) -> float:
    """How many replicas were added or removed within [0, end]: a step from 3 to 7 counts as four."""
    inside = [value for time, value in function.points if time <= end]
    return sum(abs(after - before) for before, after in pairwise(inside))


def _movements(demand: Steps, supply: Steps, end: float, unit: float) -> list[tuple[int, int]]:
    """Signs of change of (demand, supply) between neighbouring cells that lie wholly within the experiment."""
    grid = [index * unit for index in range(round(end / unit))]
    return [
        (_sign(demand, left, right), _sign(supply, left, right))
        for left, right in pairwise(grid)
    ]


def _sign(function: Steps, left: float, right: float) -> int:
    change = (function.value_at(right) or 0.0) - (function.value_at(left) or 0.0)
    return (change > 0) - (change < 0)


def _share(values: list[int]) -> float:
    return sum(min(1, value) for value in values) / len(values) if values else 0.0
