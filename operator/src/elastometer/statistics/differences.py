"""Differences between two runs, stages or arms whose values follow each other in time."""
from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from math import ceil, fsum, sqrt
from statistics import NormalDist, fmean

from elastometer.model.estimates import Difference, Interval
from elastometer.statistics.distributions import student_quantile
from elastometer.statistics.means import NEEDS, block_count
from elastometer_loadgen.base.measures import nearest_rank

RESAMPLES = 1000
# Resampling more would take seconds; every k-th value of a longer group has the same distribution, and the interval
# becomes wider, never too narrow.
MOST = 5000


def difference_of_means(
    first: Sequence[float], second: Sequence[float], *, seed: int = 0, resamples: int = RESAMPLES,
) -> Difference:
    """The second mean minus the first. The cost of a resample does not depend on the number of values."""
    value = fmean(second) - fmean(first)
    if (flaw := _too_few(value, first, second)) is not None:
        return flaw
    before, after = (_means(group, _stream(seed, number), resamples) for number, group in enumerate((first, second)))
    return Difference(value, _interval(before, after, block_count(min(len(first), len(second)))))


def difference_of_percentiles(
    first: Sequence[float], second: Sequence[float], percent: int, *, seed: int = 0, resamples: int = RESAMPLES,
) -> Difference:
    """The second percentile minus the first, each by nearest rank. Values must be in order of time, not of size."""
    return difference(first, second, partial(_percentile, percent=percent), seed=seed, resamples=resamples)


def difference(
    first: Sequence[float], second: Sequence[float], statistic: Callable[[Sequence[float]], float], *, seed: int = 0,
    resamples: int = RESAMPLES,
) -> Difference:
    """The second group's statistic minus the first one's; both groups hold at least one value, in order of time.

    Circular block bootstrap: blocks of neighbours are drawn with replacement, from any place of the group, whose end is
    joined to its beginning: D. N. Politis and J. P. Romano, in Exploring the Limits of Bootstrap (1992) 263-270. The
    interval is the expanded percentile interval, which corrects for few blocks: T. C. Hesterberg, The American
    Statistician 69 (2015) 371-386, section 4.2. The same seed gives the same interval on every machine.
    """
    value = statistic(second) - statistic(first)
    if (flaw := _too_few(value, first, second)) is not None:
        return flaw
    before, after = (_statistics(_thinned(group), statistic, _stream(seed, number), resamples)
                     for number, group in enumerate((first, second)))
    return Difference(value, _interval(before, after, block_count(min(len(first), len(second)))))


def _too_few(value: float, first: Sequence[float], second: Sequence[float]) -> Difference | None:
    return Difference(value, None, NEEDS) if min(len(first), len(second)) < NEEDS else None


def _interval(before: Sequence[float], after: Sequence[float], blocks: int) -> Interval:
    """Each tail is that of Student's t for the number of blocks, and of a variance that so few underestimate."""
    found = sorted(high - low for low, high in zip(before, after, strict=True))
    tail = NormalDist().cdf(-sqrt(blocks / (blocks - 1)) * student_quantile(blocks - 1))
    index = ceil(tail * len(found)) - 1
    return Interval(found[index], found[len(found) - 1 - index])


def _means(values: Sequence[float], draws: random.Random, resamples: int) -> list[float]:
    """Resampled means, from sums over every circular block."""
    count, blocks = len(values), block_count(len(values))
    length = ceil(count / blocks)
    running = [0.0, *accumulate([*values, *values[:length]])]
    sums = [running[start + length] - running[start] for start in range(count)]
    return [fsum(draws.choices(sums, k=blocks)) / (blocks * length) for _ in range(resamples)]


def _statistics(
    values: Sequence[float], statistic: Callable[[Sequence[float]], float], draws: random.Random, resamples: int,
) -> list[float]:
    count, blocks = len(values), block_count(len(values))
    length = ceil(count / blocks)
    joined, starts = [*values, *values[:length]], range(count)
    found = []
    for _ in range(resamples):
        sample: list[float] = []
        for start in draws.choices(starts, k=blocks):
            sample += joined[start:start + length]
        found.append(statistic(sample))
    return found


def _percentile(values: Sequence[float], percent: int) -> float:
    found = nearest_rank(sorted(values), percent)
    if found is None:
        raise ValueError("a percentile needs at least one value, got none")
    return found


def _thinned(values: Sequence[float]) -> Sequence[float]:
    return values[::ceil(len(values) / MOST)]


def _stream(seed: int, group: int) -> random.Random:
    # Seeding with a text uses SHA-512 and does not depend on PYTHONHASHSEED.
    return random.Random(f"{seed}/{group}")
