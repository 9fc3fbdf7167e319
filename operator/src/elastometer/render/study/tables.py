"""The tables of a comparison as cells of text, for the page and for Markdown."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from elastometer.model.bundle_files import REPORT_HTML
from elastometer.model.comparison import (
    Comparison,
    GateResult,
    GateState,
    Judgement,
    MeasureRow,
    PredictedRow,
    VariantDifference,
    VariantSummary,
    Wins,
)
from elastometer.model.estimates import Interval
from elastometer.model.in_words import plural
from elastometer.model.measure import MeasureGroup
from elastometer.model.measures import BY_NAME, MISS_SECONDS, latency_name
from elastometer.model.run_figures import RunFigures
from elastometer.render.study import words
from elastometer.render.wording import numbers
from elastometer.study.compare.wording import number

# What people ask of a variant first: how well, at what price (see `main_rows`), how fast, what was lost, how it starts.
_AFTER_COST = (latency_name("timeToFirstToken", 95), "successPercent", "coldStartP50Milliseconds")


@dataclass(frozen=True, slots=True)
class Difference:
    """What a variant differs from a baseline by, in words. `note` is the interval, or else why there is no difference,
    unless that is the variant's own missing value, of which its cell says so."""

    kind: Judgement
    change: str
    note: str
    reason: str

    @property
    def word(self) -> str:
        """The judgement as people read it."""
        return words.JUDGEMENTS[self.kind]


@dataclass(frozen=True, slots=True)
class Cell:
    """A measure of a variant: its median, the interval of its mean, what is missing, and the difference to the
    baseline, which the baseline itself has not."""

    value: str
    span: str
    note: str
    difference: Difference | None


def main_rows(comparison: Comparison) -> list[MeasureRow]:
    """The measures of the first table, without those of which nothing is known."""
    names = (MISS_SECONDS, comparison.primary_cost, *_AFTER_COST)
    return [row for name in names if (row := comparison.row(name)) is not None and is_known(row)]


def is_known(row: MeasureRow) -> bool:
    """Whether any variant has a value."""
    return any(one.median is not None for one in row.figures)


def is_zero(row: MeasureRow) -> bool:
    """Whether it is 0 in every run, such as the requests that ended in a way in which none did."""
    return is_known(row) and not any(value for one in row.figures for value in one.values)


def grouped(comparison: Comparison) -> list[tuple[MeasureGroup, list[MeasureRow]]]:
    """The measures of which something is known, by group in the order of a report; of those that are 0 in every run
    only the ones of the first table."""
    main = main_rows(comparison)
    shown = [row for row in comparison.rows if is_known(row) and (row in main or not is_zero(row))]
    found = [(group, [row for row in shown if row.measure.group is group]) for group in MeasureGroup]
    return [(group, rows) for group, rows in found if rows]


def zeros(comparison: Comparison) -> list[str]:
    """The titles of the measures that are 0 in every run."""
    return [row.measure.title for row in comparison.rows if is_zero(row)]


def unknown(comparison: Comparison) -> list[tuple[str, str]]:
    """(title, reason) of each measure that no run has."""
    return [(row.measure.title, next((one.reason for one in row.figures if one.reason), "not measured"))
            for row in comparison.rows if not is_known(row)]


def cells(comparison: Comparison, row: MeasureRow, baseline: str) -> list[Cell]:
    """One for each variant, in their order."""
    return [_cell(row, one.name, baseline) for one in comparison.variants]


def _cell(row: MeasureRow, variant: str, baseline: str) -> Cell:
    found = row.figure(variant)
    if found is None:
        return Cell(numbers.DASH, "", "", None)
    between = row.difference(variant, baseline)
    return Cell(
        words.value(row.measure, found.median), words.span(row.measure, found.interval),
        found.reason or "", None if between is None else difference(row, between))


def difference(row: MeasureRow, one: VariantDifference) -> Difference:
    """In words."""
    own = row.figure(one.variant)
    why = one.reason if own is not None and own.median is not None else ""
    return Difference(one.judgement, words.change(row.measure, one), words.change_span(row.measure, one) or why,
                      one.reason)


def runs_line(one: VariantSummary) -> str:
    """`3 of 3 runs compared, 2 passed`."""
    passed = f", {one.passed} passed" if one.passed or one.failed else ""
    return f"{one.compared} of {plural(one.planned, 'run')} compared{passed}"


def tags(comparison: Comparison, one: VariantSummary) -> list[str]:
    """What is special about a variant, apart from being the baseline, which a reader may change."""
    there = ((one.name == comparison.best.variant, "best"), (one.is_static, "fixed replicas"), (one.is_tuned, "tuned"),
             (one.on_front is True, "non-dominated"))
    return [word for holds, word in there if holds]


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run; `page` is the address of its own report, empty for a run without one."""

    run: RunFigures
    page: str
    verdict: str
    figures: tuple[str, ...]


def run_lines(comparison: Comparison, has_pages: bool) -> list[RunLine]:
    """Every run with the figures of the first table; `has_pages` says that their reports lie beside this one."""
    rows = main_rows(comparison)
    return [RunLine(
        one, f"runs/{quote(one.label.run, safe='')}/{REPORT_HTML}" if has_pages and one.verdict is not None else "",
        numbers.DASH if one.verdict is None else one.verdict.value,
        tuple(words.value(row.measure, one.figure(row.measure.name)) for row in rows),
    ) for one in comparison.runs]


def wins_of(comparison: Comparison, measure: str) -> Mapping[tuple[str, str], Wins]:
    """By (variant, against)."""
    return {(one.variant, one.against): one for one in comparison.wins if one.measure == measure}


def wins_measures(comparison: Comparison) -> list[str]:
    """The measures for which wins were counted, the objective-miss seconds first."""
    found = list(dict.fromkeys(one.measure for one in comparison.wins))
    return sorted(found, key=lambda name: name != MISS_SECONDS)


def wins_rows(comparison: Comparison, measure: str) -> list[list[str]]:
    """A row for each variant: its name, wins-draws-losses against each other one, and its points."""
    found, names = wins_of(comparison, measure), [one.name for one in comparison.variants]
    return [[name, *(_score(found.get((name, other))) for other in names),
             number(sum(one.points for one in found.values() if one.variant == name))] for name in names]


def _score(one: Wins | None) -> str:
    return numbers.DASH if one is None else f"{one.wins}–{one.draws}–{one.losses}"


PREDICTED_HEAD = ("Variant", "Measure", "Predicted", "Range", "Measured", "Within the range")


def predicted_rows(comparison: Comparison) -> list[list[str]]:
    """Predicted beside measured."""
    return [_predicted(comparison, one) for one in comparison.predicted]


def _predicted(comparison: Comparison, one: PredictedRow) -> list[str]:
    row = comparison.row(one.measure)
    measure = BY_NAME.get(one.measure) if row is None else row.measure
    if measure is None:
        return [one.variant, one.measure, *[numbers.DASH] * 4]
    predicted, measured = (words.value(measure, value) for value in (one.predicted, one.measured))
    reach = None if one.low is None or one.high is None else Interval(one.low, one.high)
    within = {True: "yes", False: "no", None: numbers.DASH}[one.is_within]
    return [one.variant, measure.title, predicted, words.span(measure, reach) or numbers.DASH, measured,
            within]


def agreement_lines(comparison: Comparison) -> list[str]:
    """How far prediction and measurement order the variants alike."""
    return [f"{title(comparison, one.measure)}: {one.agreeing} of {plural(one.pairs, 'pair')} of variants "
            "in the same order predicted as measured" for one in comparison.agreement]


def title(comparison: Comparison, measure: str) -> str:
    """Of a measure; its name where it is not in the comparison."""
    row = comparison.row(measure)
    return measure if row is None else row.measure.title


def gates(comparison: Comparison) -> list[GateResult]:
    """Regressions first, then what is not known."""
    order = (GateState.REGRESSED, GateState.CANNOT_TELL, GateState.HELD)
    return sorted(comparison.gates, key=lambda one: order.index(one.state))


GATES_HEAD = ("Result", "Gate", "Variant", "Allowed", "Numbers")


def sentences(comparison: Comparison) -> list[str]:
    """What the study found, without the sentence about the best variant, which stands above them."""
    return [comparison.verdict_message, *(one for one in comparison.sentences if one != comparison.best.sentence)]


def name(comparison: Comparison) -> str:
    """`team-a/autoscalers`; without a namespace, of runs that were compared from their bundles, the name alone."""
    return "/".join(filter(None, (comparison.namespace, comparison.study)))


def headline(comparison: Comparison) -> str:
    """The verdict and the best variant."""
    return f"{comparison.verdict.value}; {best_words(comparison)}"


def best_words(comparison: Comparison) -> str:
    """The best variant, or that there is none."""
    best = comparison.best.variant
    return "no variant is best" if best is None else f"best: {best}"


def totals(comparison: Comparison) -> Sequence[str]:
    """How much was run and compared."""
    compared = sum(one.is_compared for one in comparison.runs)
    return (plural(len(comparison.variants), "variant"),
            f"{compared} of {plural(len(comparison.runs), 'run')} compared")
