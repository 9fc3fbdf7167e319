"""From a calibrated run and the user's wishes to the answer: vary, search, prune, choose, find the cliff.

What is done many times goes through `each`, so that whoever asks decides on how many cores it runs.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from elastometer.twin.search.answer.answer import Dot, Option, Searched
from elastometer.twin.search.answer.patch import how_to_apply, patch
from elastometer.twin.search.score.cliff import Cliff, LeastReplicas, cliff, least_replicas
from elastometer.twin.search.score.held_out import Interval
from elastometer.twin.search.score.scorecard import Scorecard
from elastometer.twin.search.score.searcher import (
    OTHER_SEEDS,
    Question,
    Searcher,
    Settings,
    Told,
    Trial,
    drawn,
    pareto_front,
)
from elastometer.twin.search.vary.candidates import METRIC, vary
from elastometer.twin.search.vary.fields import MAXIMUM, MINIMUM, Setting, is_field
from elastometer.twin.search.vary.grid import Dimension, candidates, dimensions

T = TypeVar("T")


class Each(Protocol):
    """function(searcher, argument) of every argument, in their order; `label` says what is being done."""

    def __call__(self, label: str, function: Callable[[Searcher, Any], T], arguments: Sequence[Any]) -> list[T]:
        """On one core or on many."""
        ...


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked: settings that hold for every candidate, and how to search. `pick` counts the front from 1."""

    settings: Settings = ()
    search: bool = False
    candidates: int = 1000
    seed: int = 0
    cold_start_scales: tuple[float, ...] = ()
    tolerances: bool = True
    pick: int | None = None
    patch_name: str = "patch.yaml"


def option(question: Question, searcher: Searcher, settings: Settings, wishes: Wishes) -> Option:
    """One set of settings with its scorecard, its interval and its manifest."""
    card, interval = searcher.spread(vary(question.base, settings).scenario)
    return _option(question, settings, card, interval, wishes)


def _option(question: Question, settings: Settings, card: Scorecard, interval: Interval, wishes: Wishes) -> Option:
    spec = vary(question.base, settings).spec
    if spec is None:
        return Option(settings, card, interval, None,
                      "another kind of autoscaler than the recorded one: its manifest is not a patch of it")
    kind = question.base.kind
    unsaid = [str(one) for one in settings if one.path != METRIC and not is_field(kind, one.path)]
    under = [f"Under: {', '.join(unsaid)}; no manifest says this."] if unsaid else []
    remarks = [*_promise(settings, card, interval), *under, *how_to_apply(wishes.patch_name)]
    return Option(settings, card, interval, patch(question.base.manifest, spec, remarks))


def _promise(settings: Settings, card: Scorecard, interval: Interval) -> list[str]:
    """What is predicted, in two comment lines."""
    missed = f"misses {', '.join(card.missed)}" if card.missed else \
        "holds all objectives" if card.objectives else "no objectives"
    seconds = "" if card.miss_seconds is None else f", {card.miss_seconds} objective-miss seconds"
    cost = f"{card.cost:.0f} {'replica' if card.gpu_seconds is None else 'GPU'}-seconds"
    return [f"elastometer what-if, predicted (median of {interval.draws} draws): {missed}{seconds}, {cost}; holds in "
            f"{interval.held} of them.", f"Changed: {', '.join(map(str, settings)) or 'nothing'}"]


def search(question: Question, wishes: Wishes, each: Each) -> Searched:
    """The front of all candidates, each pruned to what matters, and the one to choose."""
    found = free(dimensions(question.base, tolerances=wishes.tolerances, cold_start_scales=wishes.cold_start_scales),
                 wishes.settings)
    tried = [(*wishes.settings, *one) for one in candidates(found, wishes.candidates, wishes.seed)]
    scored = each("candidates", Searcher.score, tried)
    trials = [one for one in scored if one is not None]
    keep = len(wishes.settings)
    pruned = each("pruning", _prune, [(one, keep) for one in pareto_front(trials)])
    found_front = pareto_front(pruned)
    told = each("fresh draws", Searcher.tell, [one.settings for one in found_front])
    order = sorted(range(len(told)), key=lambda place: (told[place].card.cost, told[place].trial.rank))
    front = [told[place] for place in order]
    chosen, why = choose(front, wishes.pick)
    return Searched(
        tried=len(tried), refused=len(tried) - len(trials), seed=wishes.seed,
        fields=tuple((one.name, 1 + len(one.options)) for one in found),
        dots=tuple(_dot(one) for one in trials),
        front=tuple(_option(question, one.trial.settings, one.card, one.interval, wishes) for one in front),
        chosen=chosen, why=why, draws=question.draws, ranked=tuple(_dot(found_front[place]) for place in order),
    )


def _dot(trial: Trial) -> Dot:
    return (*trial.costs, "; ".join(map(str, trial.settings)))


def _prune(searcher: Searcher, given: tuple[Trial, int]) -> Trial:
    trial, keep = given
    return searcher.pruned(trial, keep)


def free(found: Sequence[Dimension], fixed: Settings) -> list[Dimension]:
    """The fields that --set has not fixed."""
    taken = {one.path.removeprefix("spec.") for one in fixed}
    if taken & {METRIC, "target"} or any(path.startswith(("metrics", "triggers")) for path in taken):
        taken.add(METRIC)
    return [one for one in found if not any(_overlap(one.name, path) for path in taken)]


def _overlap(name: str, path: str) -> bool:
    short = path.removeprefix("advanced.horizontalPodAutoscalerConfig.")
    return name == short or short.startswith((f"{name}[", f"{name}.")) or name.startswith(f"{short}.")


def choose(front: Sequence[Told], pick: int | None) -> tuple[int, str]:
    """(index, why): the cheapest that holds all objectives in every draw, or in the most; else the fewest misses. By
    other draws than those by which it was found, and than those that its figures are from."""
    if pick is not None:
        return pick - 1, f"picked by --pick {pick}"
    places, most = range(len(front)), max(one.chosen_by.held for one in front)
    if most == 0:
        return min(places, key=lambda place: front[place].trial.costs), \
            "no candidate holds all objectives: this one has the fewest misses"
    surest = [place for place in places if front[place].chosen_by.held == most]
    every = front[surest[0]].chosen_by.draws
    sure = f"in each of the {every} draws" if most == every else f"in {most} of the {every} draws, the most,"
    return min(surest, key=lambda place: front[place].trial.costs[2]), \
        f"the cheapest that holds all objectives {sure} to choose by (its figures are from others)"


def cliffs(named: Sequence[tuple[str, Settings]], each: Each) -> list[tuple[str, Cliff]]:
    """The cold-start cliff under each of the settings: in the draw that is shown, and where chance alone moves it."""
    numbers = (0, *OTHER_SEEDS)
    found = each("cliffs", _cliff, [(settings, number) for _, settings in named for number in numbers])
    by_name = [found[place:place + len(numbers)] for place in range(0, len(found), len(numbers))]
    return [(name, replace(first, others=tuple(one.holds_until for one in others)))
            for (name, _), (first, *others) in zip(named, by_name, strict=True)]


def _cliff(searcher: Searcher, asked: tuple[Settings, int]) -> Cliff:
    settings, number = asked
    scenario = drawn(vary(searcher.question.base, without_cold_start(settings)).scenario, number)
    last = max((one.at for one in scenario.arrivals), default=0.0)
    longest = max(last, 2 * searcher.question.base.scenario.cold_starts[-1])
    return cliff(lambda seconds: searcher.at_cold_start(scenario, seconds), longest)


def without_cold_start(settings: Settings) -> Settings:
    """The cliff sets the cold start itself."""
    return tuple(one for one in settings if not one.path.startswith("coldStart."))


def least(settings: Settings, each: Each) -> LeastReplicas:
    """The smallest minimum for today's cold start, other settings as they are."""
    return each("least replicas", _least, [settings])[0]


def _least(searcher: Searcher, settings: Settings) -> LeastReplicas:
    base = searcher.question.base
    kind = base.kind
    spec = vary(base, settings).spec or base.manifest["spec"]
    rest = tuple(one for one in settings if one.path.removeprefix("spec.") != MINIMUM[kind])
    lowest, maximum = (int(spec.get(name, missing)) for name, missing in ((MINIMUM[kind], 1), (MAXIMUM[kind], 100)))
    found = least_replicas(lambda minimum: searcher.at_minimum(rest, minimum), min(1, lowest), maximum)
    if found.minimum is None:
        return found
    _, interval = searcher.spread(vary(base, (*rest, Setting(MINIMUM[kind], found.minimum))).scenario)
    return replace(found, held=interval.held, draws=interval.draws)

