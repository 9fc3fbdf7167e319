"""One candidate after another through the twin, and which of them are worth a look."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from elastometer.model.errors import SpecError
from elastometer.model.terms import Terms
from elastometer.twin.engine import predict
from elastometer.twin.scenario import Scenario
from elastometer.twin.search.score.cliff import Point
from elastometer.twin.search.score.held_out import Interval, Purpose, anew, fresh, interval_of, median_card
from elastometer.twin.search.score.pareto import dominates, front
from elastometer.twin.search.score.scorecard import Judge, Scorecard
from elastometer.twin.search.vary.candidates import Baseline, vary
from elastometer.twin.search.vary.fields import MINIMUM, Setting
from elastometer.twin.search.vary.knobs import with_cold_start

Settings = tuple[Setting, ...]
# Seeds beside the typical one for ranking and for cliffs: cold starts, load balancing and scrape phases anew.
OTHER_SEEDS = range(1, 5)


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
    """One candidate with what it is compared by: objectives missed, seconds of that, cost, each the mean over draws."""

    settings: Settings
    costs: tuple[float, float, float]

    @property
    def rank(self) -> tuple[float, float, float, float]:
        """Fewest objectives missed, fewest seconds of that, least cost, fewest changes; less is better."""
        return (*self.costs, len(self.settings))


def trial_of(settings: Settings, cards: Sequence[Scorecard]) -> Trial:
    """From one card per draw."""
    means = (fmean(card.failed for card in cards), fmean(card.miss_seconds or 0 for card in cards),
             round(fmean(card.cost for card in cards), 1))
    return Trial(settings, means)


@dataclass(frozen=True, slots=True)
class Told:
    """A candidate in fresh draws: what it is chosen by (`trial`, `chosen_by`), and, from others again, what is told of
    it: the median card and the interval."""

    trial: Trial
    chosen_by: Interval
    card: Scorecard
    interval: Interval


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
        return trial_of(settings, [self.card(one) for one in ranking_draws(variant.scenario)[:self.question.draws]])

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

    def tell(self, settings: Settings) -> Told:
        """The candidate in draws that the search did not use."""
        scenario = vary(self.question.base, settings).scenario
        cards = self.cards(scenario, Purpose.CHOOSING)
        card, interval = self.spread(scenario)
        return Told(trial_of(settings, cards), interval_of(cards), card, interval)

    def spread(self, scenario: Scenario) -> tuple[Scorecard, Interval]:
        """The median and the span over fresh draws: of everything that is told, the same draws."""
        cards = self.cards(scenario, Purpose.TELLING)
        return median_card(cards), interval_of(cards)

    def cards(self, scenario: Scenario, purpose: Purpose) -> list[Scorecard]:
        """One per fresh draw."""
        return [self.card(one) for one in fresh(scenario, purpose)]


def _point(place: float, card: Scorecard) -> Point:
    return Point(place, card.miss_seconds, card.cost, card.missed)


def ranking_draws(scenario: Scenario) -> list[Scenario]:
    """The scenarios that a search ranks by, as many from the first on as it can afford: as it is, then the longest and
    the shortest cold start for all, with new chance between and after them."""
    starts = scenario.cold_starts
    fixed = [starts[-1], starts[0]] if starts[0] < starts[-1] else []
    held = [with_cold_start(scenario, seconds) for seconds in fixed]
    others = [drawn(scenario, number) for number in OTHER_SEEDS]
    mixed = [one for pair in zip(held, others, strict=False) for one in pair]
    return [scenario, *mixed, *others[len(held):]]


def drawn(scenario: Scenario, number: int) -> Scenario:
    """With new chance: its seed, and the looks a fifth of their period later each. 0 is the scenario as it is."""
    return anew(scenario, number, number / (len(OTHER_SEEDS) + 1))


def ranked(trials: Iterable[Trial]) -> list[Trial]:
    """Best first."""
    return sorted(trials, key=lambda one: (one.rank, tuple(map(str, one.settings))))


def pareto_front(trials: Iterable[Trial]) -> list[Trial]:
    """Trials that no other beats in one respect without losing in another; of equals, the one with fewest changes."""
    return front(ranked(trials), lambda one: one.costs)

