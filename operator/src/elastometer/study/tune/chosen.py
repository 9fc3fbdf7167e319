"""The few of a search's candidates that are worth a live run: on the Pareto front, most useful first, and different.

A candidate is forecast twice, on draws that choose and on draws that are reported. Two that the twin cannot tell apart
would confirm one prediction twice, so such candidates are taken only when no others are left.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from statistics import median

from elastometer.model.measures import GPU_SECONDS, MISS_SECONDS, REPLICA_SECONDS
from elastometer.twin.advice.choose import Scale, best
from elastometer.twin.advice.forecast import Forecast
from elastometer.twin.search.score.pareto import front


@dataclass(frozen=True, slots=True)
class Candidate:
    """One set of settings, on the draws that choose and on those that are reported."""

    choosing: Forecast
    reported: Forecast


def useful(found: Sequence[Candidate], base: Candidate, most_cost: float | None) -> list[Candidate]:
    """Those on the Pareto front of objective-miss seconds and cost that cost no more than allowed and are predicted to
    be better than the base in one of the two."""
    affordable = [one for one in found
                  if most_cost is None or median(draw.cost for draw in one.reported.draws) <= most_cost]
    kept = front(affordable, lambda one: (one.choosing.miss_seconds, one.choosing.cost))
    misses, cost = base.choosing.miss_seconds, base.choosing.cost
    return [one for one in kept if one.choosing.miss_seconds < misses
            or (one.choosing.miss_seconds <= misses and one.choosing.cost < cost)]


def chosen(
    found: Sequence[Candidate], base: Candidate, scale: Scale, errors: Mapping[str, float], count: int,
) -> list[tuple[Candidate, bool]]:
    """At most `count`, most useful first, each with whether the twin can tell it from the base and from those before
    it."""
    by_settings = {_text(one.choosing): one for one in found}
    order = [by_settings[_text(one)] for one in best([one.choosing for one in found], scale, len(found))]
    apart: list[Candidate] = []
    for one in order:
        if len(apart) < count and all(_is_apart(one, other, errors) for other in (base, *apart)):
            apart.append(one)
    others = [one for one in order if one not in apart][:count - len(apart)]
    taken = [one for one in order if one in apart or one in others]
    return [(one, one in apart) for one in taken]


def _text(forecast: Forecast) -> str:
    return "; ".join(map(str, forecast.settings))


def _is_apart(one: Candidate, other: Candidate, errors: Mapping[str, float]) -> bool:
    """By objective-miss seconds, or by cost. A cost whose error is not known tells nothing apart."""
    cost = next((errors[name] for name in (GPU_SECONDS, REPLICA_SECONDS) if name in errors), inf)
    return abs(one.choosing.miss_seconds - other.choosing.miss_seconds) > errors[MISS_SECONDS] \
        or abs(one.choosing.cost - other.choosing.cost) > cost
