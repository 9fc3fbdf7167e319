"""Curves with no more points than a chart can show, in which every peak and every dip of the whole curve is kept.

The method is M4 (Jugel, Jerzak, Hackenbroich, Markl: "M4: A Visualization-Oriented Time Series Data Aggregation", PVLDB
7(10), 2014): of each column of equal width, the first, the last, the lowest and the highest point. What is drawn from
them has the extremes of the whole curve at their own times, for lines and for steps: a step that is left out lies
between two others of its column, and the value that holds at the end of a column is its last one.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from math import isfinite

# Charts are some 1,200 pixels wide; four points for each four of them.
COLUMNS = 300


def downsampled(
    times: Sequence[float], values: Sequence[float | None], columns: int = COLUMNS,
) -> tuple[list[float], list[float | None]]:
    """The curve by M4, at most five points a column: the first gap of a column is kept too, so that the line still
    breaks there. `times` must rise; a value of None is a gap. A curve of at most four points a column stays as it is.
    """
    kept = kept_points(times, [values], columns)
    return [times[index] for index in kept], [values[index] for index in kept]


def kept_points(
    times: Sequence[float], curves: Iterable[Sequence[float | None]], columns: int = COLUMNS,
) -> list[int]:
    """The indices that M4 keeps of curves which share their times: those that any of them needs, in rising order."""
    if len(times) <= 4 * columns:
        return list(range(len(times)))
    slots = list(_slots(times, columns))
    return sorted({index for values in curves for slot in slots for index in _m4(slot, values)})


def _slots(times: Sequence[float], columns: int) -> Iterator[list[int]]:
    """The indices of each column that has points; columns are of equal width in time."""
    first, width = times[0], (times[-1] - times[0]) / columns
    if not (isfinite(width) and width > 0):
        yield list(range(len(times)))
        return
    for _, group in groupby(range(len(times)), key=lambda index: min(columns - 1, int((times[index] - first) / width))):
        yield list(group)


def _m4(slot: Sequence[int], values: Sequence[float | None]) -> set[int]:
    known = [(value, index) for index in slot if (value := values[index]) is not None]
    gap = next((index for index in slot if values[index] is None), None)
    kept = set() if gap is None else {gap}
    if known:
        # Of several points with one value the first: the others would be drawn over it.
        lowest, highest = min(known), max(known, key=lambda pair: (pair[0], -pair[1]))
        kept |= {known[0][1], known[-1][1], lowest[1], highest[1]}
    return kept
