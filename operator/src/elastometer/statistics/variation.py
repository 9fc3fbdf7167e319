"""How much counts per bin vary beyond what chance alone would make of a steady rate."""
from __future__ import annotations

from collections.abc import Sequence
from math import inf, sqrt
from statistics import NormalDist, fmean, variance

from elastometer.model.estimates import Interval
from elastometer.statistics.distributions import TAIL

_Z = NormalDist().inv_cdf(1 - TAIL)
# With fewer, the interval would reach from nothing to several times the value.
FEWEST_BINS = 6


def variation_beyond_chance(counts: Sequence[int]) -> float:
    """√(max(0, variance / mean² − 1 / mean)) in percent of the mean, for at least two counts that are not all 0.

    Independent events of a steady rate have counts whose variance equals their mean, so that the second term is what
    chance contributes; what is left is the variation of the rate itself (the index of dispersion of D. R. Cox and
    P. A. W. Lewis, The Statistical Analysis of Series of Events, 1966). Requests of users who wait for their answers
    vary less than independent ones, and their value is 0.
    """
    return _beyond(variance(counts), fmean(counts))


def variation_interval(counts: Sequence[int]) -> Interval | None:
    """Its 95 % interval, from that of a variance of nearly normal counts: (n − 1) s² / χ²; None for too few bins."""
    if len(counts) < FEWEST_BINS:
        return None
    spread, mean, freedom = variance(counts), fmean(counts), len(counts) - 1
    low, high = (freedom * spread / chi_square_quantile(freedom, z) for z in (_Z, -_Z))
    return Interval(_beyond(low, mean), _beyond(high, mean))


def chi_square_quantile(freedom: int, normal_quantile: float) -> float:
    """E. B. Wilson and M. M. Hilferty, Proc. National Academy of Sciences 17 (1931) 684-688: the cube root of χ²/n is
    nearly normal. From 5 degrees of freedom on it is within 5 % of the exact value at both ends of a 95 % interval."""
    spread = 2 / (9 * freedom)
    return freedom * float((1 - spread + normal_quantile * sqrt(spread)) ** 3)


def _beyond(spread: float, mean: float) -> float:
    return 100 * sqrt(max(0.0, spread / mean ** 2 - 1 / mean)) if mean > 0 else inf
