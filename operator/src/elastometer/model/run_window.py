"""The time in which a run can have left records: a stamp outside of it is the mistake of a clock or a file.

Timelines run from the first record to the last, so that a single stamp from another century would make the analysis
endless.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median_low

import polars as pl

from elastometer.model.bundle import Bundle, SeriesResult
from elastometer.model.document import number_at
from elastometer.model.request_table import RequestRows, table_of
from elastometer.model.units import SECOND, Instant
from elastometer_loadgen.base.record import INSTANTS

HOUR = 3600 * SECOND
# By the limits of the CRD, a test waits at most three hours for the first replica and its metric; after the load it
# waits up to one hour for the last answer and settles for two.
MARGIN = 4 * HOUR
# How long the load may have lasted if neither the spec nor the plan is in the bundle.
UNKNOWN_LENGTH = 24 * HOUR


@dataclass(frozen=True, slots=True)
class RunWindow:
    """From `first` to `last`, both included."""

    first: Instant
    last: Instant

    def contains(self, *instants: Instant | None) -> bool:
        """Whether all of them lie within; an instant that was not observed counts as within."""
        return all(instant is None or self.first <= instant <= self.last for instant in instants)


def drop_outside_window(bundle: Bundle) -> Bundle:
    """The bundle without what is dated outside of its run; `outside_window` counts what was dropped."""
    window = window_of(bundle)
    if window is None:
        return bundle
    first, last = window.first, window.last
    observations = tuple(line for line in bundle.observations if first <= line.received <= last)
    requests = RequestRows(_requests_within(table_of(bundle.requests), window))
    series = tuple(_series_within(result, window) for result in bundle.series)
    outside = (len(bundle.observations) - len(observations) + len(bundle.requests) - len(requests)
               + _sample_count(bundle.series) - _sample_count(series))
    return replace(bundle, observations=observations, requests=requests, series=series,
                   outside_window=bundle.outside_window + outside)


def window_of(bundle: Bundle) -> RunWindow | None:
    """The window around the load, whose length is the spec's or the longest that the plan allowed. If its start is not
    known, around the median record, which a stray record cannot move far; None for a bundle without records."""
    seconds = bundle.terms.load_seconds
    length = round((number_at(bundle.plan, "loadSeconds") or 0.0 if seconds is None else seconds) * SECOND)
    length = length or UNKNOWN_LENGTH
    if bundle.start is not None:
        return RunWindow(bundle.start - MARGIN, bundle.start + length + MARGIN)
    middle = _middle(bundle)
    if middle is None:
        return None
    return RunWindow(middle - length - MARGIN, middle + length + MARGIN)


def _middle(bundle: Bundle) -> Instant | None:
    intended = table_of(bundle.requests)["intended"]
    if not intended.is_empty():
        return int(intended.sort()[(len(intended) - 1) // 2])
    return median_low([line.received for line in bundle.observations]) if bundle.observations else None


def _requests_within(table: pl.DataFrame, window: RunWindow) -> pl.DataFrame:
    within = pl.all_horizontal(
        pl.col(name).is_between(window.first, window.last).fill_null(value=True) for name in INSTANTS)
    return table if table.select(within.all()).item() else table.filter(within)


def _series_within(result: SeriesResult, window: RunWindow) -> SeriesResult:
    return replace(result, series=tuple(
        replace(series, samples=tuple(pair for pair in series.samples if window.contains(pair[0])))
        for series in result.series
    ))


def _sample_count(results: tuple[SeriesResult, ...]) -> int:
    return sum(len(series.samples) for result in results for series in result.series)
