"""Elasticity metrics of supply against demand, on step functions of time. Pure.

N. R. Herbst, S. Kounev, R. Reussner, "Elasticity in Cloud Computing: What It Is, and What It Is Not" (ICAC 2013); SPEC
RG, "Ready for Rain?" (SPEC-RG-2016-01, arXiv:1604.03470), whose symbols the names follow.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from math import floor

from elastometer.analysis.evidence.steps import Steps, segments
from elastometer.model.elasticity import Movement, Provisioning, Scorecard

# Of a whole number of units, floating point may miss the last by this much.
ROUNDING = 1e-9
MINUTE = 60.0


def scorecard(demand: Steps, supply: Steps, start: float, end: float, unit: float) -> Scorecard:
    """All metrics over [start, end], in seconds; both functions must have a value at `start`. `unit` is the length of a
    cell of the grid on which instability and inertia are counted; a cell that the end cuts is left out."""
    return Scorecard(
        **asdict(provisioning(demand, supply, start, end)), **asdict(movement(demand, supply, start, end, unit)),
        demand_events=unit_steps(demand, start, end), supply_events=unit_steps(supply, start, end), unit_seconds=unit)


def movement(demand: Steps, supply: Steps, start: float, end: float, unit: float) -> Movement:
    """Jitter, instability and inertia. None of them rises or falls with the demand: what counts is where it changes, so
    that bounds of the curves give no bounds of them."""
    moves = _moves(demand, supply, start, end, unit)
    more = unit_steps(supply, start, end) - unit_steps(demand, start, end)
    return Movement(
        MINUTE * more / (end - start), _share([max(0, of_supply - of_demand) for of_demand, of_supply in moves]),
        _share([max(0, of_demand - of_supply) for of_demand, of_supply in moves]))


def provisioning(demand: Steps, supply: Steps, start: float, end: float) -> Provisioning:
    """Accuracy and timeshare. Each under-provisioning number rises with the demand and falls with the supply, each
    over-provisioning number the other way round, so that bounds of the curves give bounds of the numbers.

    The normalized forms divide by the demand; a demand of 0 counts there as 1.
    """
    parts, length = segments([demand, supply], start, end), end - start
    under = [(width, max(d - s, 0.0), max(d, 1.0)) for width, (d, s) in parts]
    over = [(width, max(s - d, 0.0), max(d, 1.0)) for width, (d, s) in parts]
    return Provisioning(
        theta_under=_area(under) / length, theta_over=_area(over) / length,
        theta_under_normalized=sum(width * much / of for width, much, of in under) / length,
        theta_over_normalized=sum(width * much / of for width, much, of in over) / length,
        tau_under=sum(width for width, much, _ in under if much > 0) / length,
        tau_over=sum(width for width, much, _ in over if much > 0) / length,
        area_under=_area(under), area_over=_area(over),
    )


def unit_steps(function: Steps, start: float, end: float) -> float:
    """How many replicas were added or removed between `start` and `end`: a step from 3 to 7 counts as four. A change at
    either of them does not count, since no time lies before it, or after it."""
    inside = [(start, function.value_at(start) or 0.0), *(one for one in function.points if start < one[0] < end)]
    return sum(abs(after - before) for (_, before), (_, after) in pairwise(inside))


def _area(parts: Sequence[tuple[float, float, float]]) -> float:
    return sum(width * much for width, much, _ in parts)


def _moves(demand: Steps, supply: Steps, start: float, end: float, unit: float) -> list[tuple[int, int]]:
    """Signs of the change of demand and supply between neighbouring cells that lie wholly within [start, end]."""
    cells = floor((end - start) / unit + ROUNDING)
    signs = (_signs(function, start, unit, cells) for function in (demand, supply))
    return list(zip(*signs, strict=True))


def _signs(function: Steps, start: float, unit: float, cells: int) -> list[int]:
    values = [function.value_at(start + number * unit) or 0.0 for number in range(cells)]
    return [(after > before) - (after < before) for before, after in pairwise(values)]


def _share(values: Sequence[int]) -> float | None:
    """The share of cells in which one moved and the other did not follow; None where there is no pair of cells."""
    return sum(min(1, value) for value in values) / len(values) if values else None
