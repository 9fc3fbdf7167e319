"""Trends: the slope that half of all pairs of points exceed, which single outliers do not move."""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from math import ceil, sqrt
from statistics import NormalDist, median

from elastometer.model.estimates import Interval, Slope
from elastometer.statistics.distributions import TAIL

# Pairs grow with the square: above this many points, medians of neighbours take their place.
POINTS = 400
# With fewer points than this, the interval would reach beyond the extreme slopes.
NEEDS = 5
_Z = NormalDist().inv_cdf(1 - TAIL)


def theil_sen(times: Sequence[float], values: Sequence[float]) -> Slope | None:
    """The slope of values over times, which must not fall; None if there are not two different times.

    The median of the slopes of all pairs: H. Theil, Proc. K. Ned. Akad. Wet. 53 (1950) 386-392; its interval from
    Kendall's statistic, with ties: P. K. Sen, J. Amer. Statist. Assoc. 63 (1968) 1379-1389. Values that follow each
    other closely depend on each other, and then the true interval is wider.

    More than POINTS points are replaced by the medians of as many runs of neighbours, at their median times.
    """
    count = len(times)
    if count > POINTS:
        times, values = _thinned(times, values)
    points = zip(times, values, strict=True)
    slopes = sorted((y - w) / (x - t) for (t, w), (x, y) in combinations(points, 2) if x > t)
    if not slopes:
        return None
    slope = median(slopes)
    start = median(value - slope * (time - times[0]) for time, value in zip(times, values, strict=True))
    interval = _interval(slopes, times, values)
    return Slope(count, slope, interval, start, None if interval is not None else max(NEEDS, count + 1))


def _interval(slopes: list[float], times: Sequence[float], values: Sequence[float]) -> Interval | None:
    """Between the slopes of rank (N - C)/2 and (N + C)/2 + 1, where C is z times Kendall's standard deviation."""
    half = _Z * sqrt(_kendall_variance(times, values))
    lower, upper = round((len(slopes) - half) / 2), round((len(slopes) + half) / 2) + 1
    if lower < 1 or upper > len(slopes):
        return None
    return Interval(slopes[lower - 1], slopes[upper - 1])


def _kendall_variance(times: Sequence[float], values: Sequence[float]) -> float:
    """Of the number of rising pairs less that of falling ones, without a trend (Sen 1968, eq. 2.6; ties in values as in
    M. G. Kendall, Rank Correlation Methods, 4.9)."""
    def total(sizes: Sequence[int]) -> float:
        return sum(size * (size - 1) * (2 * size + 5) for size in sizes)
    sizes = [len(times)], list(Counter(times).values()), list(Counter(values).values())
    whole, at_once, equal = map(total, sizes)
    return max(0.0, (whole - at_once - equal) / 18)


def _thinned(times: Sequence[float], values: Sequence[float]) -> tuple[list[float], list[float]]:
    width = ceil(len(times) / POINTS)
    edges = range(0, len(times), width)
    return ([median(times[edge:edge + width]) for edge in edges], [median(values[edge:edge + width]) for edge in edges])
