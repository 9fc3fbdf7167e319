"""Random draws that a search did not use ("held-out draws").

The best of many candidates is also the luckiest of them, and its luck is in the draws by which it was found. A search
therefore ranks on one set of draws, chooses on a second one, and reports figures from a third.
"""
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
# Odd, so that a median is the value of one draw.
HELD_OUT_DRAWS = 9
_BADNESS = {Verdict.PASS: 0, Verdict.INCONCLUSIVE: 1, Verdict.FAIL: 2}


class Purpose(Enum):
    """What held-out draws are for: (offset of their first seed, shift of the syncs as a share of one ninth of the sync
    period). Both differ, so that a choice and the figures reported about it share neither seeds nor sync times."""

    CHOOSING = (100, 0.25)
    REPORTING = (200, 0.75)


@dataclass(frozen=True, slots=True)
class Interval:
    """The smallest and largest values over the draws; all objectives hold in `held` of the `draws`. `objectives` is
    what each objective reached, in their order and units; None where a figure is missing in every draw."""

    draws: int
    held: int
    miss_seconds: tuple[int, int] | None
    cost: tuple[float, float]
    scale_out_lag_seconds: tuple[float, float] | None
    scale_outs: tuple[int, int]
    scale_ins: tuple[int, int]
    peak_ready: tuple[int, int]
    not_served: tuple[int, int]
    objectives: tuple[tuple[float, float] | None, ...]


def held_out_draws(scenario: Scenario, purpose: Purpose) -> list[Scenario]:
    """New draws of cold starts, load balancing and scrape phases; the syncs are spread evenly over their period."""
    first, shift = purpose.value
    return [redrawn(scenario, first + number, (number + shift) / HELD_OUT_DRAWS) for number in range(HELD_OUT_DRAWS)]


def redrawn(scenario: Scenario, seed_offset: int, sync_shift: float) -> Scenario:
    """Another draw: the seed plus the offset, and every sync later by this share of the sync period."""
    other, hpa = replace(scenario, seed=scenario.seed + seed_offset), hpa_of(scenario)
    if hpa is None:
        return other
    later = sync_shift * hpa.spec.controller.sync_period_seconds
    return with_hpa(other, replace(hpa, phase_seconds=hpa.phase_seconds + later))


def median_card(cards: Sequence[Scorecard]) -> Scorecard:
    """Every number is the median over the draws, every objective is that of the middle draw."""
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
    """The middle one from best to worst: by verdict, then by the value reached. For a share, more is better."""
    def badness(score: ObjectiveScore) -> tuple[int, float]:
        reached = score.measured or 0.0
        return _BADNESS.get(score.verdict, 0), -reached if score.unit == "%" else reached

    return sorted(scores, key=badness)[len(scores) // 2]


def interval_of(cards: Sequence[Scorecard]) -> Interval:
    """The span of the values over the draws."""
    return Interval(
        draws=len(cards), held=sum(card.holds for card in cards),
        miss_seconds=span_of([card.miss_seconds for card in cards]), cost=_span([card.cost for card in cards]),
        scale_out_lag_seconds=span_of([card.scale_out_lag_seconds for card in cards]),
        scale_outs=_span([card.scale_outs for card in cards]), scale_ins=_span([card.scale_ins for card in cards]),
        peak_ready=_span([card.peak_ready for card in cards]), not_served=_span([card.not_served for card in cards]),
        objectives=tuple(span_of([score.measured for score in scores])
                         for scores in zip(*(card.objectives for card in cards), strict=True)),
    )


def span_of(values: Sequence[Number | None]) -> tuple[Number, Number] | None:
    """The smallest and largest of the values that are known; None if none is."""
    known = [value for value in values if value is not None]
    return _span(known) if known else None


def _span(values: Sequence[Number]) -> tuple[Number, Number]:
    return min(values), max(values)
