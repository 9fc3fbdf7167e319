"""The table of a quantity: its levels in each part of the run, what stayed of them, and when they were back."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from statistics import fmean

import polars as pl

from elastometer.analysis.resources_used.quantities import Defined, Total
from elastometer.analysis.resources_used.samples import Samples
from elastometer.model.estimates import Interval, Slope
from elastometer.model.measurements import Duration
from elastometer.model.resources_used import Of, ResourceLevel, ResourceRow, ResourceWindow, WindowKind
from elastometer.statistics.slopes import theil_sen

# A value is back at idle plus this share of how far it rose, or within the quantity's floor if that is more.
BACK_SHARE = 0.15
SLOPE_POINTS = 60  # pairs grow with the square, and there is a slope for each row and window
FEWEST_POINTS = 5
# A Pod was there throughout a window if it has nearly all its instants.
WHOLE = 0.9
# Of the Pods that were there before and after the load, which are the first ones, so many are compared.
COMPARED_PODS = 50
_FIGURES = 9
_SECONDS, _VALUE, _POD, _GROWN = "seconds", "value", "pod", "grown"


@dataclass(frozen=True, slots=True)
class _Line:
    """A value over time, of one Pod or of all together."""

    times: list[float]
    values: list[float]

    def within(self, window: ResourceWindow) -> _Line:
        pairs = [(time, value) for time, value in zip(self.times, self.values, strict=True)
                 if window.start_seconds <= time < window.end_seconds]
        return _Line([time for time, _ in pairs], [value for _, value in pairs])


def rows_of(defined: Defined, samples: Samples, windows: Sequence[ResourceWindow]) -> tuple[ResourceRow, ...]:
    """A row of all Pods, where their values make one, and one of the highest Pod."""
    total = () if defined.total is Total.NONE else (_total_row(defined, samples, windows),)
    return (*total, _highest_row(defined, samples, windows))


def _total_row(defined: Defined, samples: Samples, windows: Sequence[ResourceWindow]) -> ResourceRow:
    value = pl.col(_VALUE).sum() if defined.total is Total.SUM else pl.col(_VALUE).mean()
    frame = samples.frame.group_by(_SECONDS).agg(value, pl.col(_GROWN).sum(), pl.len().alias("pods")).sort(_SECONDS)
    if not samples.frame[_GROWN].count():
        frame = frame.with_columns(pl.lit(None, pl.Float64).alias(_GROWN))
    levels = tuple(_level(part, None) for part in _parts(frame, windows))
    line = _line(frame)
    comparison = _compared(line, windows, defined, samples)
    peak = _peak(frame, windows)
    return _row(Of.ALL_PODS, levels, peak, None, comparison, "no value before and after the load")


def _highest_row(defined: Defined, samples: Samples, windows: Sequence[ResourceWindow]) -> ResourceRow:
    frame = samples.frame
    levels = tuple(map(_highest_level, _parts(frame, windows)))
    peak = _peak(frame, windows)
    found = [(one, pod) for pod, line in _lines_of_both(frame, windows)
             if (one := _compared(line, windows, defined, samples)) is not None]
    most = max(found, key=lambda pair: pair[0].growth, default=None)
    # The Pods are back when the last of them is.
    slowest = max(found, key=lambda pair: _lateness(pair[0].returned), default=None)
    comparison = None if most is None or slowest is None else _Comparison(
        most[0].idle, most[0].after, most[0].growth, slowest[0].back_at, slowest[0].returned)
    return _row(Of.HIGHEST_POD, levels, peak, None if most is None else most[1], comparison,
                "no Pod was there both before and after the load")


def _row(
    of: Of, levels: tuple[ResourceLevel, ...], peak: tuple[float, float, str | None] | None, grown: str | None,
    found: _Comparison | None, reason: str,
) -> ResourceRow:
    value, seconds, pod = (None, None, None) if peak is None else peak
    row = ResourceRow(
        of=of, levels=levels, peak=value, peak_seconds=seconds, peak_pod=pod, idle=None, after=None, growth=None,
        growth_pod=grown, growth_reason=reason, back_at=None, returned=Duration(reason=reason))
    return row if found is None else replace(
        row, idle=found.idle, after=found.after, growth=found.growth, growth_reason=None, back_at=found.back_at,
        returned=found.returned)


def _within(frame: pl.DataFrame, window: ResourceWindow) -> pl.DataFrame:
    return frame.filter((pl.col(_SECONDS) >= window.start_seconds) & (pl.col(_SECONDS) < window.end_seconds))


def _parts(frame: pl.DataFrame, windows: Sequence[ResourceWindow]) -> list[pl.DataFrame]:
    """What lies within each window, in one pass: windows do not overlap."""
    seconds, place = pl.col(_SECONDS), pl.lit(None, pl.Int32)
    for index, window in enumerate(windows):
        inside = (seconds >= window.start_seconds) & (seconds < window.end_seconds)
        place = pl.when(inside).then(index).otherwise(place)
    found = frame.with_columns(place.alias("window")).partition_by(
        "window", as_dict=True, include_key=False, maintain_order=True)
    return [found.get((index,), frame.clear()) for index in range(len(windows))]


def _line(frame: pl.DataFrame) -> _Line:
    known = frame.filter(pl.col(_VALUE).is_not_null())
    return _Line(known[_SECONDS].to_list(), known[_VALUE].to_list())


def _level(part: pl.DataFrame, pod: str | None) -> ResourceLevel:
    """The level of one line within a window."""
    known = part.filter(pl.col(_VALUE).is_not_null())
    increase = _figure(part[_GROWN].sum()) if part[_GROWN].count() else None
    if known.is_empty():
        return ResourceLevel(0, increase=increase, pod=pod)
    is_steady = "pods" not in part.columns or part["pods"].n_unique() == 1
    return ResourceLevel(known.height, _figure(known[_VALUE].mean()), _figure(known[_VALUE].max()), increase,
                         _slope(_line(known)) if is_steady else None, pod)


def _highest_level(part: pl.DataFrame) -> ResourceLevel:
    """Of the Pod with the highest mean among those that were there throughout; the peak is that of any Pod."""
    known = part.filter(pl.col(_VALUE).is_not_null())
    instants = part[_SECONDS].n_unique()
    pods = part.group_by(_POD).agg(pl.col(_VALUE).mean(), pl.len().alias("count"), pl.col(_GROWN).sum()).sort(_POD)
    throughout = pods.filter((pl.col("count") >= WHOLE * instants) & pl.col(_VALUE).is_not_null())
    candidates = throughout if throughout.height else pods.filter(pl.col(_VALUE).is_not_null())
    if candidates.is_empty():
        return ResourceLevel(0)
    pod = str(candidates.sort(_VALUE, descending=True, maintain_order=True)[_POD][0])
    level = _level(part.filter(pl.col(_POD) == pod), pod)
    slope = level.slope if throughout.height else None
    return ResourceLevel(level.samples, level.mean, _figure(known[_VALUE].max()), level.increase, slope, pod)


def _peak(frame: pl.DataFrame, windows: Sequence[ResourceWindow]) -> tuple[float, float, str | None] | None:
    """(value, seconds, Pod) of the highest value within the windows."""
    if not windows:
        return None
    span = frame.filter(pl.col(_SECONDS).is_between(windows[0].start_seconds, windows[-1].end_seconds)
                        & pl.col(_VALUE).is_not_null())
    if span.is_empty():
        return None
    row = span.sort([_VALUE, _SECONDS], descending=[True, False]).row(0, named=True)
    pod = row.get(_POD)
    return _figure(row[_VALUE]) or 0.0, row[_SECONDS], pod if isinstance(pod, str) else None


def _slope(line: _Line) -> Slope | None:
    """Per minute. Many points become the means of neighbours, so that a slope costs little."""
    if len(line.times) < FEWEST_POINTS:
        return None
    width = ceil(len(line.times) / SLOPE_POINTS)
    edges = range(0, len(line.times), width)
    minutes = [fmean(line.times[edge:edge + width]) / 60 for edge in edges]
    found = theil_sen(minutes, [fmean(line.values[edge:edge + width]) for edge in edges])
    if found is None:
        return None
    between = found.interval and Interval(_rounded(found.interval.low), _rounded(found.interval.high))
    return Slope(found.count, _rounded(found.value), between, _rounded(found.at_start), found.needs)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Before and after the load, of one line."""

    idle: float
    after: float
    growth: float
    back_at: float
    returned: Duration


def _lines_of_both(frame: pl.DataFrame, windows: Sequence[ResourceWindow]) -> Iterator[tuple[str, _Line]]:
    """(Pod, its line) of the Pods that have values before and after the load."""
    edges = _edges(windows)
    if edges is None:
        return
    known = frame.filter(pl.col(_VALUE).is_not_null())
    both = set(_within(known, edges[0])[_POD]) & set(_within(known, edges[1])[_POD])
    compared = known.filter(pl.col(_POD).cast(pl.String).is_in(sorted(both)[:COMPARED_PODS]))
    for (pod,), line in compared.partition_by(_POD, as_dict=True, maintain_order=True).items():
        yield str(pod), _line(line)


def _edges(windows: Sequence[ResourceWindow]) -> tuple[ResourceWindow, ResourceWindow] | None:
    idle = next((one for one in windows if one.kind is WindowKind.IDLE), None)
    after = next((one for one in windows if one.kind is WindowKind.AFTER), None)
    return None if idle is None or after is None else (idle, after)


def _compared(
    line: _Line, windows: Sequence[ResourceWindow], defined: Defined, samples: Samples,
) -> _Comparison | None:
    edges = _edges(windows)
    if edges is None:
        return None
    before, behind = line.within(edges[0]), line.within(edges[1])
    if not before.values or not behind.values:
        return None
    idle, rest = fmean(before.values), behind.values[-max(1, len(behind.values) // 3):]
    after = fmean(rest)
    spans = ResourceWindow("", WindowKind.STAGE, edges[0].start_seconds, edges[1].end_seconds)
    rise = max(line.within(spans).values) - idle
    back_at = idle + max(BACK_SHARE * rise, defined.floor)
    returned = _returned(behind, back_at, rise > defined.floor, edges[1], samples)
    return _Comparison(_rounded(idle), _rounded(after), _rounded(after - idle), _rounded(back_at), returned)


def _returned(
    behind: _Line, back_at: float, rose: bool, after: ResourceWindow, samples: Samples,
) -> Duration:
    """From the end of the load to the first value at or below the bound after the last one above it."""
    resolution = 1000 * samples.resolution_seconds
    if not rose:
        return Duration(reason="it hardly rose above idle")
    above = [index for index, value in enumerate(behind.values) if value > back_at]
    if not above:
        return Duration(0.0, resolution)
    if above[-1] == len(behind.values) - 1:
        watched = 1000 * (behind.times[-1] - after.start_seconds)
        return Duration(at_least_milliseconds=round(watched, 1), reason="it was not back when the record ended")
    return Duration(round(1000 * (behind.times[above[-1] + 1] - after.start_seconds), 1), resolution)


def _lateness(one: Duration) -> float:
    if one.at_least_milliseconds is not None:
        return float("inf")
    return -1.0 if one.milliseconds is None else one.milliseconds


def _figure(value: object) -> float | None:
    return _rounded(float(value)) if isinstance(value, (int, float)) else None


def _rounded(value: float) -> float:
    """Without the noise of floating point; a byte of a gibibyte is kept."""
    return float(f"{value:.{_FIGURES}g}")
