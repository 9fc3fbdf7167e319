"""Means of repetitions, and differences of them: few values that do not depend on each other, one for each run.

With equal counts, the interval is that of Student's t with one variance for both groups, which finds the most that so
few values can show. Where one group scatters far more than the other, it misses the truth in up to 11 % of cases
instead of 5 % (three values each; 15 % for two): G. E. P. Box, Annals of Mathematical Statistics 25 (1954) 290-302.
With unequal counts it would be far worse, and the interval is Welch's, Biometrika 34 (1947) 28-35, with the degrees of
freedom of F. E. Satterthwaite, Biometrics Bulletin 2 (1946) 110-114. Not a test by ranks or permutations: of three and
three values it can never find anything at 95 %.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, sqrt

from elastometer.model.estimates import Interval
from elastometer.statistics.distributions import student_quantile

# One value says nothing of how much another one would differ.
FEWEST = 2


@dataclass(frozen=True, slots=True)
class Sample:
    """`count` values with their mean and their variance about it; the variance is None for fewer than FEWEST."""

    count: int
    mean: float
    variance: float | None


def sample_of(values: Sequence[float], step: float = 0.0) -> Sample:
    """Of at least one value. `step` is the distance of neighbouring values on the grid on which they are known.

    Values that are all alike do not prove that there is no noise: one that is nearly always on the same point of the
    grid may well have been on the next one. The variance is therefore taken to be at least that of a value which is on
    two neighbouring points equally often, step² / 4; there is no larger one between two points.
    """
    count = len(values)
    # The mean of equal values must be that value, so that equal groups differ by exactly 0.
    mean = values[0] + fsum(value - values[0] for value in values) / count
    if count < FEWEST:
        return Sample(count, mean, None)
    spread = fsum((value - mean) ** 2 for value in values) / (count - 1)
    return Sample(count, mean, max(spread, step * step / 4))


def interval_of_mean(sample: Sample) -> Interval | None:
    """Student's interval; None for fewer than FEWEST values."""
    if sample.variance is None:
        return None
    half = student_quantile(sample.count - 1) * sqrt(sample.variance / sample.count)
    return Interval(sample.mean - half, sample.mean + half)


def interval_of_difference(first: Sample, second: Sample) -> Interval | None:
    """Of the second mean minus the first; None where one of them has fewer than FEWEST values. For groups of equal
    counts the standard error is the same with one variance for both and with two."""
    if first.variance is None or second.variance is None:
        return None
    parts = first.variance / first.count, second.variance / second.count
    whole = fsum(parts)
    value = second.mean - first.mean
    if whole == 0:
        return Interval(value, value)
    half = student_quantile(_freedom(first.count, second.count, parts[0] / whole)) * sqrt(whole)
    return Interval(value - half, value + half)


def _freedom(first: int, second: int, share: float) -> float:
    """`share` is the first group's part of the squared standard error."""
    if first == second:
        return first + second - 2
    return 1 / (share**2 / (first - 1) + (1 - share) ** 2 / (second - 1))
