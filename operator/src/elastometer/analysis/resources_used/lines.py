"""Lines for the charts, few enough for a page: a Pod each, or the lowest, median and highest where there are many."""
from __future__ import annotations

from collections.abc import Sequence
from math import ceil, inf

import polars as pl

from elastometer.analysis.resources_used.samples import Samples
from elastometer.model.resources_used import ResourceLine, ResourceWindow

MAX_LINES = 8
MAX_POINTS = 150
BANDS = ("lowest", "median", "highest")
_FIGURES = 4
_ROUNDING = 0.001


def lines_of(samples: Samples, windows: Sequence[ResourceWindow]) -> tuple[tuple[float, ...], tuple[ResourceLine, ...]]:
    """(seconds, lines). Each point is the highest value of its interval; a run of at most MAX_POINTS instants is drawn
    as it was sampled. Pods are in the order in which they came."""
    frame = _shown(samples.frame.filter(pl.col("value").is_not_null()), windows)
    if frame.is_empty():
        return (), ()
    grid = binned(frame, *interval(frame, samples.step_seconds, MAX_POINTS))
    seconds = grid["bin"].unique().sort()
    if grid["pod"].n_unique() > MAX_LINES:
        value = pl.col("value")
        bands = grid.group_by("bin").agg(value.min().alias(BANDS[0]), value.median().alias(BANDS[1]),
                                         value.max().alias(BANDS[2])).sort("bin")
        return tuple(seconds), tuple(ResourceLine(name, column(bands[name], _FIGURES)) for name in BANDS)
    wide = grid.pivot(on="pod", index="bin", values="value").sort("bin")
    order = frame.group_by("pod").agg(pl.col("seconds").min()).sort("seconds", "pod")["pod"]
    return tuple(seconds), tuple(ResourceLine(str(pod), column(wide[pod], _FIGURES)) for pod in order)


def binned(frame: pl.DataFrame, first: float, width: float) -> pl.DataFrame:
    """`pod`, `bin` (where its interval begins) and the highest `value` in it."""
    # Seconds are rounded to the millisecond, so that an instant of the grid may lie just before its interval.
    place = ((pl.col("seconds") - first) / width + _ROUNDING).floor() * width + first
    return frame.group_by("pod", place.round(3).alias("bin")).agg(pl.col("value").max())


def interval(frame: pl.DataFrame, step: float, most: int) -> tuple[float, float]:
    """(where the first interval begins, their width, a whole number of the query's steps), for at most `most`."""
    first, last = extent(frame)
    return first, step * max(1, ceil((last - first + step) / (step * most)))


def extent(frame: pl.DataFrame) -> tuple[float, float]:
    """(first, last) of the frame's `seconds`; it must not be empty."""
    first, last = frame.select(pl.col("seconds").min().alias("first"), pl.col("seconds").max().alias("last")).row(0)
    return float(first), float(last)


def column(values: pl.Series, figures: int) -> tuple[float | None, ...]:
    """Rounded to significant figures."""
    return tuple(None if value is None else float(f"{value:.{figures}g}") for value in values)


def _shown(frame: pl.DataFrame, windows: Sequence[ResourceWindow]) -> pl.DataFrame:
    """What lies before the first window is of no part of the run."""
    start = windows[0].start_seconds if windows else -inf
    return frame.filter(pl.col("seconds") >= start)
