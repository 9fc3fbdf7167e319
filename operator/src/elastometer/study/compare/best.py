"""Which variant is best, or why none is.

Only two measures decide: objective-miss seconds, which users feel, and the cost. A variant beats another that it is
better than in one of the two and not worse in the other, beyond the noise. The best one beats every other that is still
in question: where some variants met all objectives in every one of their runs, only those are, and a variant that a
gate found worse is not.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import permutations

from elastometer.model.comparison import Best, Judgement, MeasureRow, VariantDifference, VariantSummary
from elastometer.model.measures import MISS_SECONDS
from elastometer.statistics.repetitions import FEWEST
from elastometer.study.compare.wording import amount_words, number


@dataclass(frozen=True, slots=True)
class Contest:
    """What decides: the rows by measure, the measure of the cost, the baseline, and whom a gate found worse."""

    rows: Mapping[str, MeasureRow]
    cost: str
    baseline: str
    regressed: frozenset[str]

    @property
    def deciding(self) -> tuple[MeasureRow, MeasureRow]:
        """Of the objective-miss seconds, and of the cost."""
        return self.rows[MISS_SECONDS], self.rows[self.cost]


def best_of(contest: Contest, variants: Sequence[VariantSummary]) -> Best:
    """The best variant with its margin, or none with the reason."""
    compared = [one for one in variants if one.compared]
    if len(compared) < 2:
        return Best(None, "None is best: fewer than two variants have a run that could be compared.")
    eligible = [one for one in compared if one.name not in contest.regressed]
    if not eligible:
        return Best(None, "None is best: a gate found every variant but the baseline worse.")
    passing = [one for one in eligible if one.compared >= FEWEST and one.passed == one.compared]
    if len(passing) == 1 and all(one.failed for one in compared if one is not passing[0]):
        return _only_one_passes(contest, passing[0], compared)
    names = [one.name for one in passing or eligible]
    # One that alone is in question has the others to beat all the same.
    rivals = names if len(names) > 1 else [one.name for one in compared]
    winner = next((name for name in names if not _unbeaten(contest, name, rivals)), None)
    sentence = _none(contest, names, rivals) if winner is None else _winner(contest, winner, rivals)
    return Best(winner, " ".join((sentence, *_out_of_question(names, compared, contest.regressed))))


def _out_of_question(names: Sequence[str], compared: Sequence[VariantSummary], regressed: Set[str]) -> Iterator[str]:
    """Why the others are not in question."""
    worse = [one.name for one in compared if one.name in regressed]
    others = [one for one in compared if one.name not in names and one.name not in regressed]
    few = [one.name for one in others if one.compared < FEWEST and one.passed == one.compared]
    missed = [one.name for one in others if one.name not in few]
    if worse:
        yield f"A gate found {', '.join(worse)} worse than the baseline."
    if missed:
        yield f"Not every run of {', '.join(missed)} met all objectives."
    if few:
        yield f"Of {', '.join(few)}, a single run could be compared."


def _unbeaten(contest: Contest, variant: str, rivals: Sequence[str]) -> list[str]:
    return [other for other in rivals if other != variant and not _beats(contest, variant, other)]


def _beats(contest: Contest, variant: str, other: str) -> bool:
    found = [one.judgement for one in _deciding(contest, variant, other)]
    return Judgement.BETTER in found and not {Judgement.WORSE, Judgement.CANNOT_TELL} & {*found}


def _deciding(contest: Contest, variant: str, other: str) -> list[VariantDifference]:
    return [found for row in contest.deciding if (found := row.difference(variant, other)) is not None]


def _winner(contest: Contest, winner: str, names: Sequence[str]) -> str:
    """With its margin over the baseline, or over the next best if it is the baseline itself."""
    other = contest.baseline if contest.baseline in names and contest.baseline != winner else _nearest(
        contest, winner, names)
    margins = []
    for row in contest.deciding:
        found = row.difference(winner, other)
        if found is not None:
            noise = ", within the noise" if found.judgement is Judgement.WITHIN_NOISE else ""
            margins.append(f"{row.measure.title} {amount_words(row.measure, found)}{noise}")
    return f"{winner} is best: compared with {other}, {'; '.join(margins)}."


def _nearest(contest: Contest, winner: str, names: Sequence[str]) -> str:
    misses, cost = contest.deciding
    others = [name for name in names if name != winner]
    return min(others, key=lambda name: (_median(misses, name), _median(cost, name)))


def _only_one_passes(contest: Contest, one: VariantSummary, compared: Sequence[VariantSummary]) -> Best:
    others = ", ".join(f"{other.name} in {other.passed} of {other.compared}" for other in compared if other is not one)
    met = f"{one.name} is best: it alone met all objectives in each of its {one.compared} runs ({others})"
    return Best(one.name, "; ".join(filter(None, (met, _place(contest, one.name)))) + ".")


def _none(contest: Contest, names: Sequence[str], rivals: Sequence[str]) -> str:
    found = [one for variant, other in permutations(rivals, 2) for one in _deciding(contest, variant, other)
             if variant in names]
    unknown = next((one for one in found if one.judgement is Judgement.CANNOT_TELL), None)
    if unknown is not None:
        return f"None is best: {unknown.reason}."
    if all(one.judgement is Judgement.WITHIN_NOISE for one in found):
        decides = " and ".join(_plain_title(row) for row in contest.deciding)
        return f"None is best: {', '.join(rivals)} differ in {decides} by no more than the noise."
    misses, cost = contest.deciding
    places = list(dict.fromkeys((min(rivals, key=lambda name: (_median(misses, name), _median(cost, name))),
                                 min(rivals, key=lambda name: (_median(cost, name), _median(misses, name))))))
    if len(places) > 1:
        return "None is best: " + "; ".join(f"{name} has {_place(contest, name)}" for name in places) + "."
    if places[0] not in names:
        return f"None is best: only {names[0]} is in question, and {places[0]} is no worse in either: " \
               f"{_place(contest, places[0])}."
    unbeaten = ", ".join(_unbeaten(contest, places[0], rivals))
    return (f"None is best: {places[0]} has the lowest medians, {_place(contest, places[0])}, but is not better "
            f"than {unbeaten} beyond the noise.")


def _place(contest: Contest, name: str) -> str:
    """Those of its two deciding medians that are known: 12 objective-miss seconds and 610 GPU-seconds."""
    known = [(row, figure.median) for row in contest.deciding if (figure := row.figure(name)) is not None]
    return " and ".join(_count(row, median) for row, median in known if median is not None)


def _count(row: MeasureRow, value: float) -> str:
    """1 objective-miss second, 610 GPU-seconds."""
    shown, title = number(value), _plain_title(row)
    return f"{shown} {title.removesuffix('s') if shown == '1' else title}"


def _plain_title(row: MeasureRow) -> str:
    title = row.measure.title
    return title if title.startswith("GPU") else f"{title[0].lower()}{title[1:]}"


def _median(row: MeasureRow, name: str) -> float:
    found = row.figure(name)
    return float("inf") if found is None or found.median is None else found.median
