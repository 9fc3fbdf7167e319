"""The figures of a quantity within one part of the run: mean, peak, increase and slope."""
from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from statistics import fmean

import polars as pl

from elastometer.analysis.resources_used.comparison import Line, line_of, rounded
from elastometer.analysis.resources_used.quantities import Defined, Total
from elastometer.analysis.resources_used.samples import Samples
from elastometer.model.estimates import Interval, Slope
from elastometer.model.resources_used import ResourceLevel, ResourceWindow, WindowKind
from elastometer.statistics.slopes import theil_sen

SLOPE_POINTS = 60  # pairs grow with the square, and there is a slope for each row and window
FEWEST_POINTS = 5
# A Pod was there throughout a window if it has nearly all its instants.
WHOLE = 0.9
_SECONDS, _VALUE, _POD, _GROWN = "seconds", "value", "pod", "grown"


def of_all_pods(defined: Defined, samples: Samples) -> pl.DataFrame:
    """One row an instant, sorted: the Pods' values as one, how much their counters grew, and how many `pods`."""
    value = pl.col(_VALUE).sum() if defined.total is Total.SUM else pl.col(_VALUE).mean()
    frame = samples.frame.group_by(_SECONDS).agg(value, pl.col(_GROWN).sum(), pl.len().alias("pods")).sort(_SECONDS)
    if samples.frame[_GROWN].count():
        return frame
    return frame.with_columns(pl.lit(None, pl.Float64).alias(_GROWN))


def within(frame: pl.DataFrame, window: ResourceWindow) -> pl.DataFrame:
    """What lies in the window."""
    return frame.filter((pl.col(_SECONDS) >= window.start_seconds) & (pl.col(_SECONDS) < window.end_seconds))


def parts_of(frame: pl.DataFrame, windows: Sequence[ResourceWindow]) -> list[pl.DataFrame]:
    """What lies within each window, in one pass for those that do not overlap: only steps lie within others."""
    steps = {index for index, window in enumerate(windows) if window.kind is WindowKind.STEP}
    found = {**_parts(frame, windows, [index for index in range(len(windows)) if index not in steps]),
             **_parts(frame, windows, sorted(steps))}
    return [found[index] for index in range(len(windows))]


def _parts(frame: pl.DataFrame, windows: Sequence[ResourceWindow], chosen: Sequence[int]) -> dict[int, pl.DataFrame]:
    if not chosen:
        return {}
    seconds, place = pl.col(_SECONDS), pl.lit(None, pl.Int32)
    for index in chosen:
        inside = (seconds >= windows[index].start_seconds) & (seconds < windows[index].end_seconds)
        place = pl.when(inside).then(index).otherwise(place)
    found = frame.with_columns(place.alias("window")).partition_by(
        "window", as_dict=True, include_key=False, maintain_order=True)
    return {index: found.get((index,), frame.clear()) for index in chosen}


def level_of(part: pl.DataFrame, pod: str | None = None) -> ResourceLevel:
    """The level of one line within a window."""
    known = part.filter(pl.col(_VALUE).is_not_null())
    increase = _figure(part[_GROWN].sum()) if part[_GROWN].count() else None
    if known.is_empty():
        return ResourceLevel(0, increase=increase, pod=pod)
    is_steady = "pods" not in part.columns or part["pods"].n_unique() == 1
    return ResourceLevel(known.height, _figure(known[_VALUE].mean()), _figure(known[_VALUE].max()), increase,
                         _slope(line_of(known)) if is_steady else None, pod)


def highest_level(part: pl.DataFrame) -> ResourceLevel:
    """Of the Pod with the highest mean among those that were there throughout; the peak is that of any Pod."""
    known = part.filter(pl.col(_VALUE).is_not_null())
    instants = part[_SECONDS].n_unique()
    pods = part.group_by(_POD).agg(pl.col(_VALUE).mean(), pl.len().alias("count"), pl.col(_GROWN).sum()).sort(_POD)
    throughout = pods.filter((pl.col("count") >= WHOLE * instants) & pl.col(_VALUE).is_not_null())
    candidates = throughout if throughout.height else pods.filter(pl.col(_VALUE).is_not_null())
    if candidates.is_empty():
        return ResourceLevel(0)
    pod = str(candidates.sort(_VALUE, descending=True, maintain_order=True)[_POD][0])
    level = level_of(part.filter(pl.col(_POD) == pod), pod)
    slope = level.slope if throughout.height else None
    return ResourceLevel(level.samples, level.mean, _figure(known[_VALUE].max()), level.increase, slope, pod)


def _slope(line: Line) -> Slope | None:
    """Per minute. Many points become the means of neighbours, so that a slope costs little."""
    if len(line.times) < FEWEST_POINTS:
        return None
    width = ceil(len(line.times) / SLOPE_POINTS)
    edges = range(0, len(line.times), width)
    minutes = [fmean(line.times[edge:edge + width]) / 60 for edge in edges]
    found = theil_sen(minutes, [fmean(line.values[edge:edge + width]) for edge in edges])
    if found is None:
        return None
    between = found.interval and Interval(rounded(found.interval.low), rounded(found.interval.high))
    return Slope(found.count, rounded(found.value), between, rounded(found.at_start), found.needs)


def _figure(value: object) -> float | None:
    return rounded(float(value)) if isinstance(value, (int, float)) else None
