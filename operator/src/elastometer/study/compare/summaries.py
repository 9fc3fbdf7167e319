"""Each variant with its runs and its place, and what a reader must know of the comparison as a whole."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from elastometer.model.comparison import Judgement, MeasureRow, VariantDifference, VariantSummary, Wins
from elastometer.model.in_words import plural
from elastometer.model.report import Verdict
from elastometer.model.run_figures import RunFigures
from elastometer.statistics.repetitions import FEWEST
from elastometer.study.compare.terms import CompareTerms, VariantTerms
from elastometer.study.compare.wording import number

# The share of intervals at 95 % that do not hold the true difference.
OUTSIDE = 0.05
# The type of an autoscaler that leaves the number of replicas alone.
STATIC = "None"
Places = Mapping[str, tuple[bool | None, str | None]]


def summaries(
    terms: CompareTerms, runs: Sequence[RunFigures], places: Places, competed: Sequence[Wins],
) -> Iterator[VariantSummary]:
    """In the order of the terms. `places` is whether each is on the Pareto front, or why that is not known."""
    for one in terms.variants:
        mine = [run for run in runs if run.label.variant == one.name and not run.label.is_warmup]
        points = [win.points for win in competed if win.variant == one.name]
        yield _summary(one, mine, places[one.name], sum(points) if points else None)


def _summary(
    terms: VariantTerms, runs: Sequence[RunFigures], place: tuple[bool | None, str | None], points: float | None,
) -> VariantSummary:
    compared = [run for run in runs if run.is_compared]
    return VariantSummary(
        name=terms.name, planned=max(terms.planned, len(runs)), compared=len(compared),
        passed=sum(run.verdict is Verdict.PASS for run in compared),
        failed=sum(run.verdict is Verdict.FAIL for run in compared), is_static=is_static(compared),
        is_tuned=terms.is_tuned, on_front=place[0], front_reason=place[1], points=points, patch=terms.patch)


def is_static(runs: Sequence[RunFigures]) -> bool:
    """Whether the replicas were fixed in every run, of which there is at least one."""
    return bool(runs) and all(run.scaler == STATIC for run in runs)


def run_sentences(terms: CompareTerms, variants: Sequence[VariantSummary], runs: Sequence[RunFigures]) -> Iterator[str]:
    """How many runs were compared, and why each of the others was not."""
    compared, planned = sum(one.compared for one in variants), sum(one.planned for one in variants)
    yield f"{compared} of {plural(planned, 'run')} were compared, in {plural(len(variants), 'variant')}."
    for one in terms.variants:
        if one.not_compared is not None:
            yield f"{one.name} is not compared: {one.not_compared}."
    for run in runs:
        if run.excluded is not None and not run.label.is_warmup:
            yield f"{run.label.run} is not compared: {run.excluded}."
    for summary in variants:
        missing = summary.planned - sum(run.label.variant == summary.name and not run.label.is_warmup for run in runs)
        if missing > 0:
            yield f"{plural(missing, 'run')} of {summary.name} {'was' if missing == 1 else 'were'} not made."


def judged_differences(rows: Sequence[MeasureRow], baseline: str) -> tuple[int, int]:
    """(how many differences from the baseline were judged, how many of them are beyond the noise). Those of a measure
    that every run of both variants has at one and the same value, such as no lost request, could not have differed."""
    judged = [one.judgement for row in rows for one in row.differences
              if one.baseline == baseline and one.judgement is not Judgement.CANNOT_TELL and not _is_constant(row, one)]
    return len(judged), len(judged) - judged.count(Judgement.WITHIN_NOISE)


def _is_constant(row: MeasureRow, difference: VariantDifference) -> bool:
    return len({value for one in row.figures if one.variant in (difference.variant, difference.baseline)
                for value in one.values}) == 1


def notes(variants: Sequence[VariantSummary], judged: int, beyond: int, cost: str) -> Iterator[str]:
    """What limits the comparison."""
    if judged:
        yield (f"{plural(judged, 'difference')} from the baseline {'was' if judged == 1 else 'were'} judged, each at "
               f"95 %: if no variant differed at all, about {number(OUTSIDE * judged)} would still be called Better or "
               f"Worse by chance; {beyond} {'is' if beyond == 1 else 'are'}. What decides are the gates, the "
               f"objective-miss seconds and {cost}.")
    few = [one.name for one in variants if 0 < one.compared < FEWEST]
    if few:
        yield (f"{', '.join(few)}: one run each. How much another run would differ is not known, so that nothing is "
               "called Better or Worse; repeat them.")
    pairs = [one.name for one in variants if one.compared == FEWEST]
    if pairs:
        yield (f"{', '.join(pairs)}: two runs each find only very large differences; with three or more, the intervals "
               "are much narrower.")
