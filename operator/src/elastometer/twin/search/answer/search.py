"""From a calibrated run and the user's options to the answer: vary, search, prune, choose, find the cliff.

Everything that is done many times goes through `each`, so that the caller decides on how many cores it runs.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from elastometer.twin.search.answer.answer import Dot, Option, Searched
from elastometer.twin.search.answer.patch import balancing_remark, how_to_apply, patch
from elastometer.twin.search.score.cliff import Cliff, LeastReplicas, cliff, least_replicas
from elastometer.twin.search.score.held_out import Interval, interval_of, median_card
from elastometer.twin.search.score.scorecard import Scorecard
from elastometer.twin.search.score.searcher import (
    OTHER_DRAWS,
    Evaluated,
    Searcher,
    SearchProblem,
    Settings,
    Trial,
    other_draw,
    pareto_front,
)
from elastometer.twin.search.vary.candidates import METRIC, vary
from elastometer.twin.search.vary.fields import MAXIMUM, MINIMUM, Setting, is_field
from elastometer.twin.search.vary.grid import Dimension, candidates, dimensions
from elastometer.twin.search.vary.knobs import BALANCING

T = TypeVar("T")


class Each(Protocol):
    """Calls function(searcher, argument) for every argument and returns the results in the same order."""

    def __call__(self, label: str, function: Callable[[Searcher, Any], T], arguments: Sequence[Any]) -> list[T]:
        """On one core or on many; `label` names the step for a progress display."""
        ...


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """The user's options: settings that apply to every candidate, and how to search. `balancing`: also try each way of
    balancing, which is no setting of the autoscaler. `pick` counts the front from 1."""

    settings: Settings = ()
    search: bool = False
    candidates: int = 1000
    seed: int = 0
    cold_start_scales: tuple[float, ...] = ()
    tolerances: bool = True
    balancing: bool = False
    pick: int | None = None
    patch_name: str = "patch.yaml"


def option(problem: SearchProblem, searcher: Searcher, settings: Settings, options: SearchOptions) -> Option:
    """One set of settings with its scorecard, its interval and its manifest."""
    return _option(problem, settings, searcher.reported(vary(problem.base, settings).scenario), options)


def _option(
    problem: SearchProblem, settings: Settings, cards: tuple[Scorecard, ...], options: SearchOptions,
) -> Option:
    spec, card, interval = vary(problem.base, settings).spec, median_card(cards), interval_of(cards)
    if spec is None:
        return Option(settings, card, interval, cards, None,
                      "the settings need another kind of autoscaler than the recorded one, so its manifest cannot hold "
                      "them")
    kind = problem.base.kind
    outside = [str(setting) for setting in settings if setting.path != METRIC and not is_field(kind, setting.path)]
    under = [f"Assumed: {', '.join(outside)}; no manifest of the autoscaler can set this."] if outside else []
    under += [balancing_remark(setting) for setting in settings if setting.path == BALANCING]
    remarks = [*_promise(settings, card, interval), *under, *how_to_apply(options.patch_name)]
    return Option(settings, card, interval, cards, patch(problem.base.manifest, spec, remarks))


def _promise(settings: Settings, card: Scorecard, interval: Interval) -> list[str]:
    """What is predicted, as two comment lines."""
    missed = f"misses {', '.join(card.missed)}" if card.missed else \
        "holds all objectives" if card.objectives else "no objectives"
    low, high = interval.miss_seconds or (0, 0)
    seconds = "" if card.miss_seconds is None else f", {card.miss_seconds} ({low} to {high}) objective-miss seconds"
    least, most = interval.cost
    cost = f"{card.cost:.0f} ({least:.0f} to {most:.0f}) {'replica' if card.gpu_seconds is None else 'GPU'}-seconds"
    return [f"elastometer what-if, predicted (median, lowest to highest of {interval.draws} draws): "
            f"{missed}{seconds}, {cost}; holds in {interval.held} of them.",
            f"Changed: {', '.join(map(str, settings)) or 'nothing'}"]


def search(problem: SearchProblem, options: SearchOptions, each: Each) -> Searched:
    """The front of all candidates, each pruned to the settings that matter, and the chosen one."""
    found = free(dimensions(problem.base, tolerances=options.tolerances, cold_start_scales=options.cold_start_scales,
                            balancing=options.balancing),
                 options.settings)
    tried = [(*options.settings, *candidate) for candidate in candidates(found, options.candidates, options.seed)]
    scored = each("candidates", Searcher.score, tried)
    trials = [trial for trial in scored if trial is not None]
    keep = len(options.settings)
    pruned = each("pruning", _prune, [(trial, keep) for trial in pareto_front(trials)])
    found_front = pareto_front(pruned)
    evaluated = each("held-out draws", Searcher.evaluate, [trial.settings for trial in found_front])
    order = sorted(range(len(evaluated)), key=lambda place: (
        median_card(evaluated[place].cards).cost, evaluated[place].trial.rank))
    front = [evaluated[place] for place in order]
    chosen, why = choose(front, options.pick)
    return Searched(
        tried=len(tried), refused=len(tried) - len(trials), seed=options.seed,
        fields=tuple((dimension.name, 1 + len(dimension.options)) for dimension in found),
        dots=tuple(_dot(trial) for trial in trials),
        front=tuple(_option(problem, member.trial.settings, member.cards, options) for member in front),
        chosen=chosen, why=why, draws=problem.draws, ranked=tuple(_dot(found_front[place]) for place in order),
    )


def _dot(trial: Trial) -> Dot:
    return (*trial.costs, "; ".join(map(str, trial.settings)), *trial.spans)


def _prune(searcher: Searcher, given: tuple[Trial, int]) -> Trial:
    trial, keep = given
    return searcher.pruned(trial, keep)


def free(found: Sequence[Dimension], fixed: Settings) -> list[Dimension]:
    """The dimensions that --set has not fixed."""
    taken = {setting.path.removeprefix("spec.") for setting in fixed}
    if taken & {METRIC, "target"} or any(path.startswith(("metrics", "triggers")) for path in taken):
        taken.add(METRIC)
    return [dimension for dimension in found if not any(_overlap(dimension.name, path) for path in taken)]


def _overlap(name: str, path: str) -> bool:
    short = path.removeprefix("advanced.horizontalPodAutoscalerConfig.")
    return name == short or short.startswith((f"{name}[", f"{name}.")) or name.startswith(f"{short}.")


def choose(front: Sequence[Evaluated], pick: int | None) -> tuple[int, str]:
    """(index, why): the cheapest candidate that holds all objectives in every draw, or in the most draws; if none
    holds, the one with the fewest misses. The draws for choosing differ from those of search and figures."""
    if pick is not None:
        return pick - 1, f"picked by --pick {pick}"
    places, most = range(len(front)), max(evaluated.chosen_by.held for evaluated in front)
    if most == 0:
        return min(places, key=lambda place: front[place].trial.costs), \
            "no candidate holds all objectives, and this one has the fewest misses"
    surest = [place for place in places if front[place].chosen_by.held == most]
    every = front[surest[0]].chosen_by.draws
    sure = f"in each of the {every} selection draws" if most == every else \
        f"in the most selection draws ({most} of {every})"
    return min(surest, key=lambda place: front[place].trial.costs[2]), \
        f"the cheapest that holds all objectives {sure}; its figures come from the held-out draws"


def cliffs(named: Sequence[tuple[str, Settings]], each: Each) -> list[tuple[str, Cliff]]:
    """The cold-start cliff under each of the settings, in the draw shown and in others, which show how far randomness
    alone moves it."""
    numbers = (0, *OTHER_DRAWS)
    found = each("cliffs", _cliff, [(settings, number) for _, settings in named for number in numbers])
    by_name = [found[place:place + len(numbers)] for place in range(0, len(found), len(numbers))]
    return [(name, replace(first, others=tuple(other.holds_until for other in others)))
            for (name, _), (first, *others) in zip(named, by_name, strict=True)]


def _cliff(searcher: Searcher, asked: tuple[Settings, int]) -> Cliff:
    settings, number = asked
    scenario = other_draw(vary(searcher.problem.base, without_cold_start(settings)).scenario, number)
    # A cold start longer than the load changes nothing any more, but the measured ones must be well inside the chart.
    longest = max(scenario.load_end, 2 * searcher.problem.base.scenario.cold_starts[-1])
    return cliff(lambda seconds: searcher.at_cold_start(scenario, seconds), longest)


def without_cold_start(settings: Settings) -> Settings:
    """The settings without those of the cold start, which the cliff itself varies."""
    return tuple(setting for setting in settings if not setting.path.startswith("coldStart."))


def least(settings: Settings, each: Each) -> LeastReplicas:
    """The smallest sufficient minimum for the measured cold start, with the other settings as they are."""
    return each("least replicas", _least, [settings])[0]


def _least(searcher: Searcher, settings: Settings) -> LeastReplicas:
    base = searcher.problem.base
    kind = base.kind
    spec = vary(base, settings).spec or base.manifest["spec"]
    rest = tuple(setting for setting in settings if setting.path.removeprefix("spec.") != MINIMUM[kind])
    lowest, maximum = (int(spec.get(name, missing)) for name, missing in ((MINIMUM[kind], 1), (MAXIMUM[kind], 100)))
    found = least_replicas(lambda minimum: searcher.at_minimum(rest, minimum), min(1, lowest), maximum)
    if found.minimum is None:
        return found
    _, interval = searcher.spread(vary(base, (*rest, Setting(MINIMUM[kind], found.minimum))).scenario)
    return replace(found, held=interval.held, draws=interval.draws, cost=interval.cost)

