"""The table of a quantity: its levels in each part of the run, what stayed of them, and when they were back."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from elastometer.analysis.resources_used.comparison import (
    Comparison,
    Line,
    bound_of,
    compared,
    hardly_rose,
    idle_of,
    lateness,
    line_of,
    returned,
    rounded,
)
from elastometer.analysis.resources_used.figures import highest_level, level_of, of_all_pods, parts_of, within
from elastometer.analysis.resources_used.quantities import Defined, Total
from elastometer.analysis.resources_used.samples import Samples
from elastometer.analysis.resources_used.windows import edges_of, rest_after
from elastometer.model.measurements import Duration
from elastometer.model.resources_used import Of, ResourceLevel, ResourceRow, ResourceWindow

# Of the Pods that were there before and after the load, which are the first ones, so many are compared.
COMPARED_PODS = 50
_SECONDS, _VALUE, _POD = "seconds", "value", "pod"


@dataclass(frozen=True, slots=True)
class _Table:
    """What is asked of one quantity."""

    defined: Defined
    samples: Samples
    windows: Sequence[ResourceWindow]


def rows_of(defined: Defined, samples: Samples, windows: Sequence[ResourceWindow]) -> tuple[ResourceRow, ...]:
    """A row of all Pods, where their values make one, and one of the highest Pod."""
    table = _Table(defined, samples, windows)
    return (*(() if defined.total is Total.NONE else (_total_row(table),)), _highest_row(table))


def _total_row(table: _Table) -> ResourceRow:
    frame = of_all_pods(table.defined, table.samples)
    line = line_of(frame)
    levels = [level_of(part) for part in parts_of(frame, table.windows)]
    levels = [_risen(level, number, line, table) if _has_the_pods_of_before(frame, number, table.windows) else level
              for number, level in enumerate(levels)]
    comparison = compared(line, table.windows, table.defined, table.samples)
    peak = _peak(frame, table.windows)
    return _row(Of.ALL_PODS, tuple(levels), peak, None, comparison, "no value before and after the load")


def _highest_row(table: _Table) -> ResourceRow:
    frame, windows = table.samples.frame, table.windows
    lines = dict(_lines_of_both(frame, windows))
    levels = [_of_its_pod(level, number, lines, table)
              for number, level in enumerate(map(highest_level, parts_of(frame, windows)))]
    found = [(one, pod) for pod, line in lines.items()
             if (one := compared(line, windows, table.defined, table.samples)) is not None]
    most = max(found, key=lambda pair: pair[0].growth, default=None)
    # The Pods are back when the last of them is.
    slowest = max(found, key=lambda pair: lateness(pair[0].returned), default=None)
    comparison = None if most is None or slowest is None else Comparison(
        most[0].idle, most[0].after, most[0].growth, slowest[0].back_at, slowest[0].returned)
    return _row(Of.HIGHEST_POD, tuple(levels), _peak(frame, windows), None if most is None else most[1], comparison,
                "no Pod was there both before and after the load")


def _row(
    of: Of, levels: tuple[ResourceLevel, ...], peak: tuple[float, float, str | None] | None, grown: str | None,
    found: Comparison | None, reason: str,
) -> ResourceRow:
    value, seconds, pod = (None, None, None) if peak is None else peak
    row = ResourceRow(
        of=of, levels=levels, peak=value, peak_seconds=seconds, peak_pod=pod, idle=None, after=None, growth=None,
        growth_pod=grown, growth_reason=reason, back_at=None, returned=Duration(reason=reason))
    return row if found is None else replace(
        row, idle=found.idle, after=found.after, growth=found.growth, growth_reason=None, back_at=found.back_at,
        returned=found.returned)


def _of_its_pod(
    level: ResourceLevel, number: int, lines: Mapping[str, Line], table: _Table,
) -> ResourceLevel:
    """With the growth of the Pod that the level is of, if that Pod was there before and after the load."""
    line = lines.get(level.pod or "")
    return level if line is None else _risen(level, number, line, table)


def _has_the_pods_of_before(frame: pl.DataFrame, number: int, windows: Sequence[ResourceWindow]) -> bool:
    """Whether as many Pods as before the load were there until the end of a window: a Pod more is no growth."""
    edges = edges_of(windows)
    if edges is None:
        return False
    whole = replace(edges[0], end_seconds=windows[number].end_seconds)
    return bool(within(frame, whole)["pods"].n_unique() == 1)


def _risen(level: ResourceLevel, number: int, line: Line, table: _Table) -> ResourceLevel:
    """With how much higher the level is than before the load, and when it was back, where no load follows."""
    edges, window = edges_of(table.windows), table.windows[number]
    if level.mean is None or edges is None or window.end_seconds <= edges[0].end_seconds:
        return level
    before = line.within(edges[0])
    if not before.values:
        return level
    idle, rest = idle_of(before, edges[0], table.samples), rest_after(table.windows, number)
    back = None
    if rest is not None:
        rise = max(line.within(window).values, default=idle) - idle
        back = returned(line.within(rest), bound_of(idle, rise, table.defined), rest, table.samples) \
            if rise > table.defined.floor else hardly_rose()
    return replace(level, growth=rounded(level.mean - idle), returned=back)


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
    return rounded(row[_VALUE]), row[_SECONDS], pod if isinstance(pod, str) else None


def _lines_of_both(frame: pl.DataFrame, windows: Sequence[ResourceWindow]) -> Iterator[tuple[str, Line]]:
    """(Pod, its line) of the Pods that have values before and after the load."""
    edges = edges_of(windows)
    if edges is None:
        return
    known = frame.filter(pl.col(_VALUE).is_not_null())
    both = set(within(known, edges[0])[_POD]) & set(within(known, edges[1])[_POD])
    first = known.filter(pl.col(_POD).cast(pl.String).is_in(sorted(both)[:COMPARED_PODS]))
    for (pod,), line in first.partition_by(_POD, as_dict=True, maintain_order=True).items():
        yield str(pod), line_of(line)
