"""Runs one candidate after another through the twin, and finds those that no other beats.

A draw is one seeded realisation of everything random. Candidates are ranked on `ranking_draws`; the few on the front
are then evaluated on held-out draws (`held_out.py`), by which one is chosen and reported.
"""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from elastometer.model.errors import SpecError
from elastometer.model.terms import Terms
from elastometer.twin.engine import predict
from elastometer.twin.scenario import Scenario
from elastometer.twin.search.score.cliff import Point
from elastometer.twin.search.score.held_out import Interval, Purpose, held_out_draws, interval_of, median_card, redrawn
from elastometer.twin.search.score.pareto import dominates, front
from elastometer.twin.search.score.scorecard import Judge, Scorecard
from elastometer.twin.search.vary.candidates import Baseline, vary
from elastometer.twin.search.vary.fields import MINIMUM, Setting
from elastometer.twin.search.vary.knobs import with_cold_start

Settings = tuple[Setting, ...]
# Numbers of the draws other than the typical one (0), for ranking and for cliffs.
OTHER_DRAWS = range(1, 5)


@dataclass(frozen=True, slots=True)
class SearchProblem:
    """A baseline, and what its candidates are judged by. Each candidate of a search is judged over `draws` draws: with
    few requests, a single draw depends on luck."""

    base: Baseline
    terms: Terms
    gpus_per_replica: int | None
    draws: int = 1

    def judge(self, scenario: Scenario) -> Judge:
        """The objectives over the arrivals of this scenario."""
        return Judge(scenario.arrivals, self.terms, self.gpus_per_replica)


@dataclass(frozen=True, slots=True)
class Trial:
    """One candidate with its costs, each the mean over the draws: objectives missed, objective-miss seconds, and
    replica-seconds or GPU-seconds; `spans` has the lowest and highest of the last two."""

    settings: Settings
    costs: tuple[float, float, float]
    spans: tuple[tuple[float, float], tuple[float, float]]

    @property
    def rank(self) -> tuple[float, float, float, float]:
        """The costs in their order of importance, then the number of changes; less is better."""
        return (*self.costs, len(self.settings))


def trial_of(settings: Settings, cards: Sequence[Scorecard]) -> Trial:
    """The trial from one scorecard per draw."""
    misses, costs = [card.miss_seconds or 0 for card in cards], [card.cost for card in cards]
    means = (fmean(card.failed for card in cards), fmean(misses), round(fmean(costs), 1))
    return Trial(settings, means, ((min(misses), max(misses)), (min(costs), max(costs))))


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A candidate on held-out draws. It is chosen by `trial` and `chosen_by`; `cards` are reported and come from
    further draws."""

    trial: Trial
    chosen_by: Interval
    cards: tuple[Scorecard, ...]


class Searcher:
    """Scores the candidates of one problem. Candidates that the API server would refuse have no score."""

    def __init__(self, problem: SearchProblem) -> None:
        self.problem = problem
        self._judge = problem.judge(problem.base.scenario)

    def score(self, settings: Settings) -> Trial | None:
        """The candidate's trial on the ranking draws; None if the settings are refused."""
        try:
            variant = vary(self.problem.base, settings)
        except SpecError:
            return None
        return trial_of(settings, [self.card(draw) for draw in ranking_draws(variant.scenario)[:self.problem.draws]])

    def card(self, scenario: Scenario) -> Scorecard:
        """The scorecard of one scenario."""
        return self._judge.score(predict(scenario))

    def pruned(self, trial: Trial, keep: int = 0) -> Trial:
        """The trial without the settings that improve nothing, except for the first `keep`, which the user fixed."""
        for setting in trial.settings[keep:]:
            rest = self.score(tuple(other for other in trial.settings if other is not setting))
            # Equal costs are enough: a setting that changes nothing should not be in the manifest.
            if rest is not None and rest.costs <= trial.costs and not dominates(trial.costs, rest.costs):
                trial = rest
        return trial

    def at_cold_start(self, scenario: Scenario, seconds: float) -> Point:
        """The scenario with every cold start this long."""
        return _point(seconds, self.card(with_cold_start(scenario, seconds)))

    def at_minimum(self, settings: Settings, minimum: int) -> Point:
        """The settings with another minimum of replicas."""
        variant = vary(self.problem.base, (*settings, Setting(MINIMUM[self.problem.base.kind], minimum)))
        return _point(minimum, self.card(variant.scenario))

    def evaluate(self, settings: Settings) -> Evaluated:
        """The candidate on held-out draws."""
        scenario = vary(self.problem.base, settings).scenario
        cards = self._cards(scenario, Purpose.CHOOSING)
        return Evaluated(trial_of(settings, cards), interval_of(cards), self.reported(scenario))

    def reported(self, scenario: Scenario) -> tuple[Scorecard, ...]:
        """One scorecard for each of the draws for reporting, which are the same for everything that is reported."""
        return self._cards(scenario, Purpose.REPORTING)

    def spread(self, scenario: Scenario) -> tuple[Scorecard, Interval]:
        """The median and the span over the draws for reporting."""
        cards = self.reported(scenario)
        return median_card(cards), interval_of(cards)

    def _cards(self, scenario: Scenario, purpose: Purpose) -> tuple[Scorecard, ...]:
        return tuple(self.card(draw) for draw in held_out_draws(scenario, purpose))


def _point(place: float, card: Scorecard) -> Point:
    return Point(place, card.miss_seconds, card.cost, card.missed)


def ranking_draws(scenario: Scenario) -> list[Scenario]:
    """The scenarios on which a search ranks; it uses as many from the first on as it can afford.

    First the scenario as it is. Then, alternating with other draws, all cold starts at their longest and at their
    shortest: with few draws, no random one would be likely to show these extremes."""
    starts = scenario.cold_starts
    extremes = [starts[-1], starts[0]] if starts[0] < starts[-1] else []
    fixed = [with_cold_start(scenario, seconds) for seconds in extremes]
    others = [other_draw(scenario, number) for number in OTHER_DRAWS]
    mixed = [draw for pair in zip(fixed, others, strict=False) for draw in pair]
    return [scenario, *mixed, *others[len(fixed):]]


def other_draw(scenario: Scenario, number: int) -> Scenario:
    """Draw `number` of the scenario: another seed, and syncs later by a fifth of their period each time. 0 is the
    scenario as it is."""
    return redrawn(scenario, number, number / (len(OTHER_DRAWS) + 1))


def ranked(trials: Iterable[Trial]) -> list[Trial]:
    """Best first."""
    return sorted(trials, key=lambda trial: (trial.rank, tuple(map(str, trial.settings))))


def pareto_front(trials: Iterable[Trial]) -> list[Trial]:
    """Trials that no other beats in one respect without being worse in another; of equals, the one with the fewest
    changes."""
    return front(ranked(trials), lambda trial: trial.costs)
