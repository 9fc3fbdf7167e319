"""How a measure scatters over the runs of a variant, and what lies between two variants.

Measures that are always above 0 are compared by a factor: latencies and GPU-seconds scatter in proportion to their
size, and their logarithms are closer to normal than they are. What may be 0, and shares, are compared by an amount.
Where a value of a measure of the first kind is 0 all the same, those two variants are compared by an amount as well.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import median

from elastometer.model.comparison import Figure
from elastometer.model.estimates import Interval
from elastometer.model.measure import Measure, Scale
from elastometer.model.run_figures import RunFigures
from elastometer.statistics.repetitions import Sample, interval_of_difference, interval_of_mean, sample_of


@dataclass(frozen=True, slots=True)
class Gap:
    """What lies between two groups of values, on their scale: the second mean minus the first."""

    is_factor: bool
    value: float
    interval: Interval | None

    @property
    def flipped(self) -> Gap:
        """The first minus the second."""
        found = self.interval
        return Gap(self.is_factor, -self.value, None if found is None else Interval(-found.high, -found.low))


def figure_of(measure: Measure, variant: str, runs: Sequence[RunFigures]) -> Figure:
    """One measure over the compared runs of a variant."""
    known = [(run.label.repetition, value) for run in runs if (value := run.figure(measure.name)) is not None]
    reason = _lacking(measure, runs, len(known))
    if not known:
        return Figure(variant, None, None, None, (), (), reason)
    repetitions, values = zip(*known, strict=True)
    by_factor = is_by_factor(measure, values)
    sample = sample_on_scale(measure, values, by_factor=by_factor)
    found = interval_of_mean(sample)
    if by_factor:
        mean: float = exp(sample.mean)
        found = None if found is None else Interval(exp(found.low), exp(found.high))
    else:
        mean, found = sample.mean, _possible(measure, values, found)
    return Figure(variant, float(median(values)), mean, found, repetitions, values, reason)


def _possible(measure: Measure, values: Sequence[float], found: Interval | None) -> Interval | None:
    """The interval without what no run can have: Student's may reach below 0 requests, or beyond 100 % of them."""
    if found is None:
        return None
    return Interval(max(found.low, min(0.0, *values)), min(found.high, max(measure.highest, *values)))


def gap(measure: Measure, first: Sequence[float], second: Sequence[float]) -> Gap:
    """Between two groups of at least one value each."""
    by_factor = is_by_factor(measure, [*first, *second])
    before, after = (sample_on_scale(measure, values, by_factor=by_factor) for values in (first, second))
    return Gap(by_factor, after.mean - before.mean, interval_of_difference(before, after))


def is_by_factor(measure: Measure, values: Sequence[float]) -> bool:
    """Whether these values are compared by a factor. One that is no larger than a step of its grid may well be 0."""
    return measure.scale is Scale.LOGARITHMIC and min(values) > measure.resolution


def sample_on_scale(measure: Measure, values: Sequence[float], *, by_factor: bool) -> Sample:
    """Of at least one value. The step of the measure's grid is a share of the smallest value where factors count."""
    if not by_factor:
        return sample_of(values, measure.resolution)
    return sample_of([log(value) for value in values], measure.resolution / min(values))


def _lacking(measure: Measure, runs: Sequence[RunFigures], known: int) -> str | None:
    if not runs:
        return "no run was compared"
    without = [run for run in runs if run.figure(measure.name) is None]
    if not without:
        return None
    why = sorted({run.missing.get(measure.name) or "not in the report" for run in without})
    count = f"{len(without)} of {len(runs)} runs: " if known else ""
    return count + "; ".join(why)
