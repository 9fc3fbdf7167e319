"""The starts of a run by what they had to fetch: image, weights, compiled graphs."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import median

from elastometer.model.first_starts import LIKE_MILLISECONDS, Fetched, PhaseDifference, StartKind
from elastometer.model.measurements import PHASE_LABELS, ColdStart
from elastometer.model.milestones import PHASE_ENDED_BY, Milestone
from elastometer.model.start_class import Ingredient, Presence

# It comes when the load sends a request, and is no part of the start.
NEVER_READY = "none of these Pods was seen to become Ready"
_AFTER = PHASE_ENDED_BY[Milestone.FIRST_SERVED]


def first_starts(starts: Sequence[ColdStart]) -> tuple[StartKind, ...]:
    """A row for each kind of start, in the order in which the run had them. `starts` are in order of creation."""
    groups: dict[Fetched, list[ColdStart]] = defaultdict(list)
    for one in starts:
        groups[fetched_of(one)].append(one)
    rows = [_row(kind, mine, has_first=mine[0] is starts[0]) for kind, mine in groups.items()]
    known = [row for row in rows if row.median_milliseconds is not None]
    fastest = min(known, key=lambda row: row.median_milliseconds or 0.0, default=None)
    if fastest is None:
        return tuple(rows)
    base = _phases(groups[fastest.fetched])
    slower = (fastest.median_milliseconds or 0.0) + LIKE_MILLISECONDS
    return tuple(row if row.median_milliseconds is None or row.median_milliseconds < slower
                 else replace(row, difference=_difference(_phases(groups[row.fetched]), base)) for row in rows)


def fetched_of(start: ColdStart) -> Fetched:
    """What its facts say; of a woken or restored start, and without evidence, nothing is known."""
    of = {fact.ingredient: fact.presence for fact in start.start_class.facts}
    return Fetched(*(of.get(ingredient, Presence.UNKNOWN) for ingredient in (
        Ingredient.IMAGE, Ingredient.WEIGHTS, Ingredient.COMPILATION)))


def _row(kind: Fetched, starts: Sequence[ColdStart], *, has_first: bool) -> StartKind:
    took = list(_took(starts))
    found = StartKind(kind, len(took), len(starts) - len(took), has_first)
    return replace(found, reason=NEVER_READY) if not took else replace(
        found, median_milliseconds=round(median(took), 1), least_milliseconds=min(took), most_milliseconds=max(took))


def _took(starts: Sequence[ColdStart]) -> Iterator[float]:
    for one in starts:
        if one.cold_start.milliseconds is not None and one.cold_start.reason is None:
            yield one.cold_start.milliseconds


def _phases(starts: Sequence[ColdStart]) -> dict[str, float]:
    """The median of each phase over the starts that became Ready; a start without a phase spent no time in it."""
    sums = [_sums(one) for one in starts if one.cold_start.milliseconds is not None and one.cold_start.reason is None]
    names = {name for one in sums for name in one}
    return {name: median(one.get(name, 0.0) for one in sums) for name in names}


def _sums(start: ColdStart) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for phase in start.phases:
        if phase.name != _AFTER:
            found[phase.name] += phase.milliseconds
    return found


def _difference(mine: dict[str, float], base: dict[str, float]) -> PhaseDifference | None:
    longer = {name: mine.get(name, 0.0) - base.get(name, 0.0) for name in {*mine, *base}}
    order = list(PHASE_LABELS)
    name = max(longer, key=lambda one: (longer[one], -order.index(one)), default=None)
    if name is None or longer[name] <= 0:
        return None
    return PhaseDifference(name, PHASE_LABELS[name], round(mine.get(name, 0.0), 1), round(base.get(name, 0.0), 1))
