"""One candidate after another through the twin, and which of them are worth a look."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TypeVar

from elastometer.model.errors import SpecError
from elastometer.model.terms import Terms
from elastometer.twin.engine import predict
from elastometer.twin.scenario import Scenario
from elastometer.twin.search.candidates import Baseline, Variant, vary
from elastometer.twin.search.cliff import Point
from elastometer.twin.search.fields import MINIMUM, Setting
from elastometer.twin.search.knobs import hpa_of, with_cold_start, with_hpa
from elastometer.twin.search.pareto import dominates, front
from elastometer.twin.search.scorecard import Judge, Scorecard

Settings = tuple[Setting, ...]
Number = TypeVar("Number", int, float)
# Seeds of the draws behind an interval: cold starts, load balancing and scrape phases are drawn anew for each.
INTERVAL_SEEDS = range(1, 5)


@dataclass(frozen=True, slots=True)
class Question:
    """A baseline with what it is judged by. Each candidate of a search is judged over `draws` draws of chance: in a
    small run one draw is luck."""

    base: Baseline
    terms: Terms
    gpus_per_replica: int | None
    draws: int = 1

    def judge(self, scenario: Scenario) -> Judge:
        """The objectives over the arrivals of this scenario."""
        return Judge(scenario.arrivals, self.terms, self.gpus_per_replica)


@dataclass(frozen=True, slots=True)
class Trial:
    """One candidate with what the twin predicts of it: the scorecard of one draw of chance, and what it is compared by:
    objectives missed, seconds of that, cost, each the mean over the draws that were made."""

    settings: Settings
    card: Scorecard
    costs: tuple[float, float, float]

    @property
    def rank(self) -> tuple[float, float, float, float]:
        """Fewest objectives missed, fewest seconds of that, least cost, fewest changes; less is better."""
        return (*self.costs, len(self.settings))


def trial_of(settings: Settings, cards: Sequence[Scorecard]) -> Trial:
    """The first card stands for the others."""
    means = (fmean(card.failed for card in cards), fmean(card.miss_seconds or 0 for card in cards),
             round(fmean(card.cost for card in cards), 1))
    return Trial(settings, cards[0], means)


@dataclass(frozen=True, slots=True)
class Interval:
    """The least and the most over the draws; `held` is in how many of `draws` all objectives hold."""

    draws: int
    held: int
    miss_seconds: tuple[int, int] | None
    cost: tuple[float, float]
    scale_out_lag_seconds: tuple[float, float] | None


class Searcher:
    """Scores candidates of one question; candidates that the API server would refuse have no score."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self._judge = question.judge(question.base.scenario)

    def score(self, settings: Settings) -> Trial | None:
        """The candidate's trial; None where the settings are refused."""
        try:
            variant = vary(self.question.base, settings)
        except SpecError:
            return None
        return trial_of(settings, [self.card(one) for one in draws(variant.scenario)[:self.question.draws]])

    def card(self, scenario: Scenario) -> Scorecard:
        """The scorecard of one scenario."""
        same = scenario.arrivals is self.question.base.scenario.arrivals
        return (self._judge if same else self.question.judge(scenario)).score(predict(scenario))

    def pruned(self, trial: Trial, keep: int = 0) -> Trial:
        """Without the settings that make nothing better, but for the first `keep`: what is left brings the gain."""
        for setting in trial.settings[keep:]:
            rest = self.score(tuple(one for one in trial.settings if one is not setting))
            if rest is not None and rest.costs <= trial.costs and not dominates(trial.costs, rest.costs):
                trial = rest
        return trial

    def at_cold_start(self, scenario: Scenario, seconds: float) -> Point:
        """The scenario with every cold start as long as this."""
        return _point(seconds, self.card(with_cold_start(scenario, seconds)))

    def at_minimum(self, settings: Settings, minimum: int) -> Point:
        """The settings with another minimum."""
        variant = vary(self.question.base, (*settings, Setting(MINIMUM[self.question.base.kind], minimum)))
        return _point(minimum, self.card(variant.scenario))

    def interval(self, settings: Settings) -> Interval:
        """Over draws of cold starts and of the load balancer, and over the shortest, middle and longest cold start."""
        return self.spread(vary(self.question.base, settings))

    def spread(self, variant: Variant) -> Interval:
        """The same for a variant that is there already."""
        return interval_of([self.card(one) for one in draws(variant.scenario)])


def _point(place: float, card: Scorecard) -> Point:
    return Point(place, card.miss_seconds, card.cost, card.missed)


def draws(scenario: Scenario) -> list[Scenario]:
    """The scenarios behind an interval, the first of them for a search: as it is, then the longest, the shortest and
    the middle cold start for all, with new chance between them: who gets which request, when is scraped, and when the
    autoscaler looks, a fifth of its period later each."""
    starts = scenario.cold_starts
    fixed = [starts[-1], starts[0], starts[len(starts) // 2]] if starts[0] < starts[-1] else []
    held = [with_cold_start(scenario, seconds) for seconds in fixed]
    anew = [drawn(scenario, number) for number in INTERVAL_SEEDS]
    mixed = [one for pair in zip(held, anew, strict=False) for one in pair]
    return [scenario, *mixed, *anew[len(held):]]


def drawn(scenario: Scenario, number: int) -> Scenario:
    """With new chance: its seed, and the phase of the looks. 0 is the scenario as it is."""
    other, hpa = replace(scenario, seed=scenario.seed + number), hpa_of(scenario)
    if hpa is None:
        return other
    later = number / (len(INTERVAL_SEEDS) + 1) * hpa.spec.controller.sync_period_seconds
    return with_hpa(other, replace(hpa, phase_seconds=hpa.phase_seconds + later))


def interval_of(cards: Sequence[Scorecard]) -> Interval:
    """The span of what the draws gave."""
    misses = [card.miss_seconds for card in cards if card.miss_seconds is not None]
    lags = [card.scale_out_lag_seconds for card in cards if card.scale_out_lag_seconds is not None]
    every = [card.cost for card in cards]
    return Interval(len(cards), sum(card.holds for card in cards), _span(misses), (min(every), max(every)), _span(lags))


def _span(values: Sequence[Number]) -> tuple[Number, Number] | None:
    return (min(values), max(values)) if values else None


def ranked(trials: Iterable[Trial]) -> list[Trial]:
    """Best first."""
    return sorted(trials, key=lambda one: (one.rank, tuple(map(str, one.settings))))


def pareto_front(trials: Iterable[Trial]) -> list[Trial]:
    """Trials that no other beats in one respect without losing in another; of equals, the one with fewest changes."""
    return front(ranked(trials), lambda one: one.costs)

