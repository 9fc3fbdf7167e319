"""Which change a person should make first.

A change is worth the share of the objective-miss seconds that it removes, less the share that it costs of the way from
this run to one that always holds the maximum: without the second part a fixed maximum would always be the best advice.
Changes that make all objectives hold in most draws come first, and of these the fewest settings and then the lowest
cost: the twin predicts costs far better than misses. Where none does, the worth decides, and a second setting must add
more to it than the twin can tell.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from elastometer.twin.advice.forecast import MOST, Forecast
from elastometer.twin.search.score.searcher import SearchProblem
from elastometer.twin.search.vary.knobs import hpa_of


@dataclass(frozen=True, slots=True)
class Scale:
    """What shares are of: the recorded settings as predicted, the cost of a fixed maximum, and the twin's error in
    objective-miss seconds."""

    recorded: Forecast
    most_cost: float
    error_seconds: float

    def worth(self, one: Forecast) -> float:
        """From 1, all misses gone for nothing, down to below 0."""
        misses, cost = self.recorded.miss_seconds, self.recorded.cost
        removed = (misses - one.miss_seconds) / misses if misses else 0.0
        room = max(self.most_cost - cost, 0.01 * self.most_cost, 1.0)
        return removed - (one.cost - cost) / room

    @property
    def doubt(self) -> float:
        """The twin's error as a share of the misses."""
        misses = self.recorded.miss_seconds
        return self.error_seconds / misses if misses else 0.0


def scale_of(problem: SearchProblem, recorded: Forecast, error_seconds: float) -> Scale:
    """What shares are of, for the settings of this problem."""
    scenario = problem.base.scenario
    hpa = hpa_of(scenario)
    always = (1 if hpa is None else hpa.spec.maximum) * scenario.horizon_seconds
    return Scale(recorded, always * (problem.gpus_per_replica or 1), error_seconds)


def best(found: Sequence[Forecast], scale: Scale, count: int) -> list[Forecast]:
    """The most useful first; of equals the one with the fewest settings, then the first in the alphabet."""
    def order(one: Forecast) -> tuple[bool, float, int, tuple[str, ...]]:
        return not _holds(one), round(one.cost if _holds(one) else -scale.worth(one), 6), len(one.settings), \
            tuple(map(str, one.settings))

    return sorted(found, key=order)[:count]


def choose(found: Sequence[Forecast], scale: Scale) -> Forecast | None:
    """The change to make first; None if there is none."""
    chosen: Forecast | None = None
    for size in sorted({len(one.settings) for one in found}):
        here = best([one for one in found if len(one.settings) == size], scale, 1)[0]
        if chosen is None or (_holds(here) and not _holds(chosen)) or (
                not _holds(chosen) and scale.worth(here) > scale.worth(chosen) + scale.doubt):
            chosen = here
    return chosen


def cheapest(found: Sequence[Forecast], recorded: Forecast) -> Forecast | None:
    """The cheapest that holds all objectives in as many draws as the recorded settings, with no more misses."""
    good = [one for one in found
            if one.held >= max(MOST, recorded.held) and one.miss_seconds <= recorded.miss_seconds
            and one.cost < recorded.cost]
    return min(good, key=lambda one: (one.cost, len(one.settings), tuple(map(str, one.settings))), default=None)


def _holds(one: Forecast) -> bool:
    return one.held * 9 >= MOST * len(one.draws)
