"""How often a difference between two groups of runs should be found, computed with scipy and not by drawing.

Nothing of the product is used, so that it can be held against it.
"""
from __future__ import annotations

from math import sqrt

import numpy as np
from scipy import stats

# Quantiles of each group's variance, at the middles of as many slices of equal probability.
SLICES = 400


def power(deviations: float, count: int) -> float:
    """The probability that the interval at 95 % excludes 0 for two groups of `count` normal values each, whose means
    are `deviations` standard deviations apart: by the noncentral t distribution."""
    freedom, shift = 2 * count - 2, deviations * sqrt(count / 2)
    bound = stats.t.ppf(0.975, freedom)
    return float(stats.nct.sf(bound, freedom, shift) + stats.nct.cdf(-bound, freedom, shift))


def share_within(spread: float, count: int) -> float:
    """The probability that it includes 0 although both means are equal, where the second group scatters `spread` times
    as much as the first.

    Given both variances, the difference of the means is normal; over them, which are independent multiples of
    chi-squared, the probabilities are averaged.
    """
    slices = (np.arange(SLICES) + 0.5) / SLICES
    variances = stats.chi2.ppf(slices, count - 1) / (count - 1)
    first, second = np.meshgrid(variances, spread**2 * variances)
    bound = stats.t.ppf(0.975, 2 * count - 2) * np.sqrt((first + second) / (1 + spread**2))
    return float(np.mean(1 - 2 * stats.norm.sf(bound)))
