"""Differences between variants, each pair in both directions, so that any of them can be the baseline.

Better and Worse need a whole interval on one side of 0. Of equal variants 5 % are then found to differ, by the
definition of an interval at 95 %; how often a difference is found is in docs/studies.md.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import expm1
from statistics import fmean

from elastometer.model.comparison import Figure, Judgement, MeasureRow, VariantDifference
from elastometer.model.estimates import Interval
from elastometer.model.measure import Better, Measure
from elastometer.model.measures import LATENCIES, PERCENTS, latency_name
from elastometer.model.run_figures import RunFigures
from elastometer.statistics.differences import difference_of_percentiles
from elastometer.statistics.repetitions import FEWEST
from elastometer.study.compare.noise import Gap, figure_of, gap

# (a variant, another, a measure) -> what their runs were asked differently.
Asked = Callable[[str, str, str], Sequence[str]]
Runs = Mapping[str, Sequence[RunFigures]]
_PERCENT_OF = {latency_name(key, percent): percent for key in LATENCIES for percent in PERCENTS}


def measure_row(measure: Measure, runs: Runs, asked: Asked) -> MeasureRow:
    """One measure of all variants, whose compared runs are given by their names."""
    figures = {variant: figure_of(measure, variant, mine) for variant, mine in runs.items()}
    found: dict[tuple[str, str], VariantDifference] = {}
    for first, second in combinations(figures, 2):
        one, other = figures[first], figures[second]
        apart = gap(measure, one.values, other.values) if one.values and other.values else None
        within = _within_runs(measure, one, other, runs)
        differing = asked(first, second, measure.name)
        found[second, first] = _difference(measure, other, one, _Seen(apart, within, differing))
        found[first, second] = _difference(measure, one, other, _Seen(apart, within, differing).flipped)
    return MeasureRow(measure, tuple(figures.values()),
                      tuple(found[one, other] for one in figures for other in figures if one != other))


@dataclass(frozen=True, slots=True)
class _Seen:
    """What lies between two figures: over runs, within two single runs, and what was asked differently."""

    apart: Gap | None
    within: Interval | None
    differing: Sequence[str]

    @property
    def flipped(self) -> _Seen:
        within = self.within
        return _Seen(None if self.apart is None else self.apart.flipped,
                     None if within is None else Interval(-within.high, -within.low), self.differing)


def _difference(measure: Measure, variant: Figure, baseline: Figure, seen: _Seen) -> VariantDifference:
    judgement, reason = _judged(measure, variant, baseline, seen)
    apart = seen.apart
    if apart is None:
        return VariantDifference(variant.variant, baseline.variant, None, None, None, None, judgement, reason)
    if apart.is_factor:
        base = baseline.mean or 0.0
        shares = None if apart.interval is None else Interval(expm1(apart.interval.low), expm1(apart.interval.high))
        return VariantDifference(
            variant.variant, baseline.variant, (variant.mean or 0.0) - base, 100 * expm1(apart.value),
            None if shares is None else Interval(base * shares.low, base * shares.high),
            None if shares is None else Interval(100 * shares.low, 100 * shares.high), judgement, reason, seen.within)
    base = fmean(baseline.values)
    percent = 100 * apart.value / base if base >= measure.resolution else None
    return VariantDifference(variant.variant, baseline.variant, apart.value, percent, apart.interval, None, judgement,
                             reason, seen.within)


def _judged(measure: Measure, variant: Figure, baseline: Figure, seen: _Seen) -> tuple[Judgement, str]:
    for one in (baseline, variant):
        if not one.values:
            return Judgement.CANNOT_TELL, f"{one.variant}: {one.reason}"
    if seen.differing:
        return Judgement.CANNOT_TELL, f"the runs were asked differently: {'; '.join(seen.differing)}"
    apart = None if seen.apart is None else seen.apart.interval
    if apart is None:
        return Judgement.CANNOT_TELL, _unknown_noise(variant, baseline, seen)
    if apart.low <= 0 <= apart.high:
        return Judgement.WITHIN_NOISE, "the interval includes 0"
    is_better = (apart.high < 0) is (measure.better is Better.LOWER)
    side, wanted = "below" if apart.high < 0 else "above", "less" if measure.better is Better.LOWER else "more"
    return (Judgement.BETTER if is_better else Judgement.WORSE), f"the interval lies {side} 0, and {wanted} is better"


def _unknown_noise(variant: Figure, baseline: Figure, seen: _Seen) -> str:
    few = [one for one in (baseline, variant) if len(one.values) < FEWEST]
    who = "one run of each" if len(few) == 2 else f"one run of {few[0].variant}"
    unknown = f"{who}: the noise between runs is not known"
    if seen.within is None:
        return unknown
    apart = "includes 0" if seen.within.low <= 0 <= seen.within.high else "does not include 0"
    return f"{unknown}; the interval of the noise within the two runs {apart}"


def _within_runs(measure: Measure, first: Figure, second: Figure, runs: Runs) -> Interval | None:
    """By the block bootstrap of the two runs' own latencies, where each variant has one run and they were read."""
    percent = _PERCENT_OF.get(measure.name)
    if percent is None or len(first.values) != 1 or len(second.values) != 1:
        return None
    before, after = (_samples(measure, runs[one.variant]) for one in (first, second))
    return difference_of_percentiles(before, after, percent).interval if before and after else None


def _samples(measure: Measure, runs: Sequence[RunFigures]) -> Sequence[float]:
    """Of the one run that has a value."""
    return next((run.samples.get(measure.name, ()) for run in runs if run.figure(measure.name) is not None), ())
