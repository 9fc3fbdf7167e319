"""What each scale-out brought: rate, latency, CPU and errors in the windows before and after it, with intervals."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import ceil, floor
from typing import TypeAlias

import polars as pl

from elastometer.analysis.evidence.scaling import Change
from elastometer.analysis.requests.misses import measured_missed
from elastometer.analysis.resources_used.levels import level_resources
from elastometer.analysis.resources_used.measurements import Measurements
from elastometer.analysis.run import DerivedRun
from elastometer.analysis.scaling.ended import EndedRequests, ended_requests
from elastometer.analysis.scaling.gain_windows import Windows, windows_of
from elastometer.analysis.scaling.gained import Need, gain_of, held_again, lowest_mean
from elastometer.model.estimates import Difference, Interval
from elastometer.model.resources_used import LevelResources, ResourceWindow, WindowKind
from elastometer.model.scaleout_gains import BeforeAfter, Errors, Gain, GainWindow, ScaleOutGain
from elastometer.statistics.differences import difference_of_means, difference_of_percentiles
from elastometer.statistics.percentiles import percentile
from elastometer.statistics.rates import difference_of_rates, rate

# An event costs some 50 ms with these; more of either would make the intervals hardly narrower.
RESAMPLES, MOST_VALUES = 400, 1000
P95 = 95
# A run that scales out more often flaps, and a judgement stays bounded in time.
MOST_COMPARED = 40
TOO_MANY = f"only the first {MOST_COMPARED} scale-outs of a run are compared"
NONE_SERVED, NONE_ENDED = (f"no request {what} in one of the windows" for what in ("was served", "ended"))
NO_READY = "no replica was Ready in one of the windows"
Used: TypeAlias = tuple[LevelResources, LevelResources]


def scale_out_gains(run: DerivedRun, measured: Measurements) -> tuple[ScaleOutGain, ...]:
    """One for each scale-out, in order; behind several that follow each other, one for them together."""
    groups = [group for climb in climbs(run.changes)
              for group in (*([change] for change in climb), *([climb] if len(climb) > 1 else []))]
    if not groups:
        return ()
    ended = ended_requests(run.evidence)
    whole = _Whole(run, ended, measured_missed(run.evidence), lowest_mean(ended))
    windows = [windows_of(group, run) if number < MOST_COMPARED else TOO_MANY for number, group in enumerate(groups)]
    used = iter(_used(measured, windows))
    rows: list[ScaleOutGain] = []
    for group, found in zip(groups, windows, strict=True):
        row = whole.gain(group, found, (next(used), next(used)) if isinstance(found, Windows) else None)
        if len(group) > 1 and isinstance(found, Windows):
            row = _together(row, found, rows[-len(group):])
        rows.append(row)
    return tuple(rows)


def _together(row: ScaleOutGain, windows: Windows, each: Sequence[ScaleOutGain]) -> ScaleOutGain:
    """Replicas were missing on the way up if they were before any of the scale-outs."""
    row = replace(row, was_needed=next((one.was_needed for one in each if one.was_needed), None))
    return replace(row, gain=gain_of(row, windows))


def _used(measured: Measurements, windows: Sequence[Windows | str]) -> Sequence[LevelResources]:
    """Two for each event that has windows, all at once: the samples of all Pods are added up but one time."""
    spans = [ResourceWindow("", WindowKind.STAGE, *window) for one in windows if isinstance(one, Windows)
             for window in (one.before, one.after)]
    return level_resources(measured, spans) if spans else ()


def climbs(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """The scale-outs without a scale-in in between."""
    for is_out, found in groupby(changes, key=lambda change: change.is_out):
        if is_out:
            yield list(found)


@dataclass(frozen=True, slots=True)
class _Whole:
    """What all events of a run share. `missed` are objective-miss seconds, `lowest` the lowest mean latency."""

    run: DerivedRun
    ended: EndedRequests
    missed: set[int] | None
    lowest: float | None

    def gain(self, climb: Sequence[Change], windows: Windows | str, used: Used | None) -> ScaleOutGain:
        """The row of one event, or of several together."""
        evidence, first, last = self.run.evidence, climb[0], climb[-1]
        decided = evidence.seconds(first.decided.instant)
        again, reason = held_again(self.missed, decided, evidence.seconds(evidence.load_end))
        found = ScaleOutGain(first.number, first.before, last.after, round(decided, 3), Gain.CANNOT_TELL,
                             events=len(climb), held_again_seconds=again, held_reason=reason)
        if isinstance(windows, str) or used is None:
            return replace(found, reason=str(windows))
        return self._compared(found, windows, used)

    def _compared(self, found: ScaleOutGain, windows: Windows, used: Used) -> ScaleOutGain:
        before, after = (self.ended.within(*window) for window in (windows.before, windows.after))
        found = replace(
            found, notes=windows.notes, before=_window(windows.before, before), after=_window(windows.after, after),
            rate=_rate(windows, before, after), mean_milliseconds=_mean(before, after),
            p95_milliseconds=_p95(before, after), cpu_per_replica=self._cpu(windows, used),
            errors=_errors(before, after))
        need = Need(windows.before, self.missed, used[0].waiting, self.lowest, found.mean_milliseconds.before)
        found = replace(found, was_needed=need.in_words())
        return replace(found, gain=gain_of(found, windows))

    def _cpu(self, windows: Windows, used: Used) -> BeforeAfter:
        """Cores of one Ready replica: what all Pods used together, over the mean number of Ready ones."""
        found = []
        for (start, end), one in zip((windows.before, windows.after), used, strict=True):
            ready = self.run.replicas.ready.integral(start, end) / (end - start)
            found.append(None if one.cpu_cores is None or ready <= 0 else one.cpu_cores / ready)
        before, after = found
        difference = None if before is None or after is None else Difference(after - before, None)
        reason = None if difference is not None else next(
            (dict(one.missing).get("cpu_cores") for one in used if one.cpu_cores is None), NO_READY)
        return replace(_rounded(BeforeAfter(before, after, difference), 4), reason=reason)


def _window(window: tuple[float, float], requests: pl.DataFrame) -> GainWindow:
    return GainWindow(round(window[0], 3), round(window[1], 3), requests.height)


def _rate(windows: Windows, before: pl.DataFrame, after: pl.DataFrame) -> BeforeAfter:
    """Served requests per second, by the second in which they ended."""
    counts = [_per_second(requests, *window)
              for window, requests in ((windows.before, before), (windows.after, after))]
    first, second = (sum(found) / len(found) for found in counts)
    return _rounded(BeforeAfter(first, second, difference_of_means(*counts, resamples=RESAMPLES)), 3)


def _per_second(requests: pl.DataFrame, start: float, end: float) -> list[float]:
    """Of the whole seconds of the window, which end where it ends."""
    count = floor(end - start)
    at = requests.filter("served").select((end - pl.col("seconds")).floor().cast(pl.Int64).alias("at"))["at"]
    found = dict(at.value_counts().iter_rows())
    return [float(found.get(second, 0)) for second in reversed(range(count))]


def _rounded(one: BeforeAfter, digits: int) -> BeforeAfter:
    """To as many digits as its intervals are worth."""
    found = one.difference
    if found is not None:
        of = found.interval
        found = Difference(round(found.value, digits), None if of is None else Interval(
            round(of.low, digits), round(of.high, digits)), found.needs)
    before, after = (None if value is None else round(value, digits) for value in (one.before, one.after))
    return BeforeAfter(before, after, found)


def _latencies(requests: pl.DataFrame) -> list[float]:
    """In order of their end. Every k-th of many has the same distribution, and an interval that is not narrower."""
    values: list[float] = requests["milliseconds"].drop_nulls().to_list()
    return values[::max(1, ceil(len(values) / MOST_VALUES))]


def _mean(before: pl.DataFrame, after: pl.DataFrame) -> BeforeAfter:
    values = [_latencies(one) for one in (before, after)]
    means = [_number(one["milliseconds"].mean()) for one in (before, after)]
    difference = difference_of_means(*values, resamples=RESAMPLES) if all(values) else None
    return _with_reason(_rounded(BeforeAfter(means[0], means[1], difference), 1))


def _p95(before: pl.DataFrame, after: pl.DataFrame) -> BeforeAfter:
    values = [_latencies(one) for one in (before, after)]
    found = [percentile(one["milliseconds"].drop_nulls().sort(), P95).value for one in (before, after)]
    difference = difference_of_percentiles(values[0], values[1], P95, resamples=RESAMPLES) if all(values) else None
    return _with_reason(_rounded(BeforeAfter(found[0], found[1], difference), 1))


def _with_reason(one: BeforeAfter) -> BeforeAfter:
    return one if one.difference is not None else replace(one, reason=NONE_SERVED)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _errors(before: pl.DataFrame, after: pl.DataFrame) -> Errors:
    rates = [rate(one.height - int(one["served"].sum()), one.height) if one.height else None
             for one in (before, after)]
    first, second = rates
    if first is None or second is None:
        return Errors(first, second, reason=NONE_ENDED)
    return Errors(first, second, difference_of_rates(first, second))
