"""Warm spares as a study measured them, as cells of text for the page and for Markdown."""
from __future__ import annotations

from elastometer.model.comparison import Comparison
from elastometer.model.measures import BY_NAME, MISS_SECONDS, MONEY
from elastometer.render.study import words
from elastometer.render.wording import numbers


def head(comparison: Comparison) -> tuple[str, ...]:
    """One column for each measure, besides the variant and its minimum."""
    titles = (BY_NAME[name].title for name in (MISS_SECONDS, comparison.primary_cost, MONEY))
    return ("Variant", "Minimum of replicas", *titles, "Runs")


def rows(comparison: Comparison) -> list[list[str]]:
    """One for each variant, by its minimum."""
    names = (MISS_SECONDS, comparison.primary_cost, MONEY)
    return [[one.variant, str(one.minimum), *(_cell(comparison, name, one.variant) for name in names),
             _runs(comparison, one.variant)] for one in comparison.measured_spares]


def _cell(comparison: Comparison, name: str, variant: str) -> str:
    row = comparison.row(name)
    figure = None if row is None else row.figure(variant)
    if figure is None or figure.median is None or row is None:
        return numbers.DASH if figure is None or not figure.reason else f"{numbers.DASH} ({figure.reason})"
    around = words.span(row.measure, figure.interval)
    return words.value(row.measure, figure.median) + (f" ({around})" if around else "")


def _runs(comparison: Comparison, variant: str) -> str:
    one = comparison.variant(variant)
    return numbers.DASH if one is None else f"{one.compared} of {one.planned}"
