"""What was predicted of a variant, beside what its runs measured."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from elastometer.model.comparison import MeasureRow, PredictedRow, RankAgreement
from elastometer.study.compare.terms import VariantTerms


def predicted_rows(variants: Sequence[VariantTerms], rows: Mapping[str, MeasureRow]) -> Iterator[PredictedRow]:
    """Each predicted measure of each variant; the measured one is the median over its runs."""
    for variant in variants:
        for name, one in variant.predicted.items():
            row = rows.get(name)
            figure = None if row is None else row.figure(variant.name)
            measured = None if figure is None else figure.median
            within = None if measured is None else one.low <= measured <= one.high
            yield PredictedRow(variant.name, name, one.median, one.low, one.high, measured, within)


def agreement(rows: Sequence[PredictedRow]) -> Iterator[RankAgreement]:
    """By measure: of all pairs of variants that differ in both, how many are in the same order."""
    for name in dict.fromkeys(row.measure for row in rows):
        known = [(row.predicted, row.measured) for row in rows if row.measure == name
                 and row.predicted is not None and row.measured is not None]
        orders = [(one[0] - other[0]) * (one[1] - other[1]) for one, other in combinations(known, 2)]
        decided = [order for order in orders if order != 0]
        if decided:
            yield RankAgreement(name, sum(order > 0 for order in decided), len(decided))
