"""Latency over input length as a line, and which lengths lie above what the shorter ones lead to expect."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import polars as pl

from elastometer.analysis.by_input.parts import Part
from elastometer.model import request_measures
from elastometer.model.by_input import InputLine, InputRow, lengths_of
from elastometer.model.estimates import Interval, Slope
from elastometer.model.units import MILLISECOND
from elastometer.statistics.percentiles import percentile
from elastometer.statistics.slopes import theil_sen

FEWEST_ROWS = 3
# Of the shorter lengths' distances from their line, all but one in twenty are smaller.
USUAL_PERCENT = 95
# Of a longer row, evenly spaced requests: pairs grow with the square, and neighbours in time say much the same.
MOST_OF_A_ROW = 50


@dataclass(frozen=True, slots=True)
class Points:
    """Lengths, rising, and the latencies of the requests that were served, in milliseconds."""

    lengths: list[float]
    latencies: list[float]


def points_of(parts: Sequence[Part]) -> Points:
    """Of rows by length, at most MOST_OF_A_ROW of each; requests of unknown length are left out."""
    known = pl.concat([_points(part) for part in parts]).sort("x", maintain_order=True)
    return Points(known["x"].to_list(), known["y"].to_list())


def _points(part: Part) -> pl.DataFrame:
    known = part.requests.select(pl.col(part.size or "").cast(pl.Float64).alias("x"),
                                 (request_measures.latency() / MILLISECOND).alias("y")).drop_nulls()
    return known.gather_every(max(1, ceil(known.height / MOST_OF_A_ROW)))


def line_of(parts: Sequence[Part], rows: Sequence[InputRow]) -> InputLine | None:
    """Through the requests of at least FEWEST_ROWS lengths of one stage."""
    points = points_of(parts) if len(parts) >= FEWEST_ROWS else Points([], [])
    slope = theil_sen(points.lengths, points.latencies)
    if slope is None:
        return None
    start = points.lengths[0]
    residuals = [abs(row.latency.p50 - (slope.at_start + slope.value * (row.size - start)))
                 for row in rows if row.latency.p50 is not None and row.size is not None]
    first = rows[0]
    return InputLine(
        *lengths_of(first.by, first.stage, first.task), slope.count,
        round(slope.at_start - slope.value * start, 1),
        round(1000 * slope.value, 1),
        None if slope.interval is None else Interval(round(1000 * slope.interval.low, 1),
                                                     round(1000 * slope.interval.high, 1)),
        round(max(residuals, default=0.0), 1), _bends(parts))


def _bends(parts: Sequence[Part]) -> bool | None:
    """Whether the longer half rises faster than the shorter half; the row in the middle belongs to both."""
    middle = len(parts) // 2
    below, above = (points_of(half) for half in (parts[:middle + 1], parts[middle:]))
    shorter, longer = theil_sen(below.lengths, below.latencies), theil_sen(above.lengths, above.latencies)
    if shorter is None or longer is None or shorter.interval is None or longer.interval is None:
        return None
    return longer.interval.low > shorter.interval.high


def expected_at_most(shorter: Points, size: float) -> float | None:
    """What the line through the shorter lengths leads to expect of nearly all requests of this length, at the upper end
    of its slope's interval; None for too few of them, or if they have one length alone."""
    slope = theil_sen(shorter.lengths, shorter.latencies)
    if slope is None or slope.interval is None:
        return None
    start, center = shorter.lengths[0], shorter.lengths[len(shorter.lengths) // 2]
    distances = sorted(y - _at(slope, x - start)
                       for x, y in zip(shorter.lengths, shorter.latencies, strict=True))
    usual = percentile(distances, USUAL_PERCENT)
    beyond = distances[-1] if usual.interval is None else usual.interval.high
    # The line is known best in the middle of its points, about which its slope may turn.
    return _at(slope, center - start) + slope.interval.high * (size - center) + beyond


def _at(slope: Slope, further: float) -> float:
    return slope.at_start + slope.value * further
