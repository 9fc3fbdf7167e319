"""How large the values of a column are: their median with its interval, the smallest and the largest."""
from __future__ import annotations

import polars as pl

from elastometer.model.answer_tables import Sizes
from elastometer.statistics.percentiles import percentile


def sizes_of(values: pl.Series) -> Sizes | None:
    """Nulls are left out; None if nothing is left."""
    rising = values.drop_nulls().sort()
    if rising.is_empty():
        return None
    return Sizes(len(rising), percentile(rising, 50), float(rising[0]), float(rising[-1]))
