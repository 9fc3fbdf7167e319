"""Draws of chance that a search did not use. The best of many candidates is also the luckiest of them: its luck is in
the draws it was found by, so what is told of it, and what it is chosen by, comes from others."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from statistics import median, median_low
from typing import TypeVar

from elastometer.model.report import Verdict
from elastometer.twin.scenario import Scenario
from elastometer.twin.search.score.scorecard import ObjectiveScore, Scorecard
from elastometer.twin.search.vary.knobs import hpa_of, with_hpa

Number = TypeVar("Number", int, float)
# Odd: the median is then a number that some draw gave.
FRESH_DRAWS = 9
_WORSE = {Verdict.PASS: 0, Verdict.INCONCLUSIVE: 1, Verdict.FAIL: 2}


class Purpose(Enum):
    """What fresh draws are for, as the first of their seeds and the shift of the looks within a ninth of their period:
    what is told of a choice comes from other draws than the choice."""

    CHOOSING = (100, 0.25)
    TELLING = (200, 0.75)


@dataclass(frozen=True, slots=True)
class Interval:
    """The least and the most over the draws; `held` is in how many of `draws` all objectives hold."""

    draws: int
    held: int
    miss_seconds: tuple[int, int] | None
    cost: tuple[float, float]
    scale_out_lag_seconds: tuple[float, float] | None


def fresh(scenario: Scenario, purpose: Purpose) -> list[Scenario]:
    """Cold starts, load balancing, scrape phases and looks anew, the looks spread over their period."""
    first, shift = purpose.value
    return [anew(scenario, first + number, (number + shift) / FRESH_DRAWS) for number in range(FRESH_DRAWS)]


def anew(scenario: Scenario, seeds: int, share: float) -> Scenario:
    """So many seeds on, and the autoscaler looks this share of its period later."""
    other, hpa = replace(scenario, seed=scenario.seed + seeds), hpa_of(scenario)
    if hpa is None:
        return other
    later = share * hpa.spec.controller.sync_period_seconds
    return with_hpa(other, replace(hpa, phase_seconds=hpa.phase_seconds + later))


def median_card(cards: Sequence[Scorecard]) -> Scorecard:
    """Every number the median over the draws, every objective as in the middle one of them."""
    lags = [card.scale_out_lag_seconds for card in cards if card.scale_out_lag_seconds is not None]
    misses = [card.miss_seconds for card in cards if card.miss_seconds is not None]
    replicas = [card.replica_seconds for card in cards if card.replica_seconds is not None]
    gpus = [card.gpu_seconds for card in cards if card.gpu_seconds is not None]
    return Scorecard(
        objectives=tuple(_middle(scores) for scores in zip(*(card.objectives for card in cards), strict=True)),
        miss_seconds=median_low(misses) if misses else None, replica_seconds=median(replicas) if replicas else None,
        gpu_seconds=median(gpus) if gpus else None, scale_outs=median_low(card.scale_outs for card in cards),
        scale_ins=median_low(card.scale_ins for card in cards),
        peak_ready=median_low(card.peak_ready for card in cards),
        scale_out_lag_seconds=median(lags) if lags else None, requests=cards[0].requests,
        not_served=median_low(card.not_served for card in cards),
    )


def _middle(scores: Sequence[ObjectiveScore]) -> ObjectiveScore:
    """From the best to the worst: by verdict, then by what was reached, where of a share more is better."""
    def badness(one: ObjectiveScore) -> tuple[int, float]:
        reached = one.measured or 0.0
        return _WORSE.get(one.verdict, 0), -reached if one.unit == "%" else reached

    return sorted(scores, key=badness)[len(scores) // 2]


def interval_of(cards: Sequence[Scorecard]) -> Interval:
    """The span of what the draws gave."""
    misses = [card.miss_seconds for card in cards if card.miss_seconds is not None]
    lags = [card.scale_out_lag_seconds for card in cards if card.scale_out_lag_seconds is not None]
    every = [card.cost for card in cards]
    return Interval(len(cards), sum(card.holds for card in cards), _span(misses), (min(every), max(every)), _span(lags))


def _span(values: Sequence[Number]) -> tuple[Number, Number] | None:
    return (min(values), max(values)) if values else None
