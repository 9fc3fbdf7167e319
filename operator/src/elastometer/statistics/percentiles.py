"""Percentiles by nearest rank, with the interval that two other order statistics give, whatever the distribution."""
from __future__ import annotations

from functools import lru_cache
from math import ceil, comb, exp, floor, lgamma, log, log1p, sqrt
from statistics import NormalDist
from typing import NamedTuple, Protocol

from elastometer.model.estimates import Interval, Percentile
from elastometer.statistics.distributions import TAIL, binomial_at_most
from elastometer_loadgen.base.measures import nearest_rank

_Z = NormalDist().inv_cdf(1 - TAIL)


class Rising(Protocol):
    """Numbers in rising order: a list, or a column."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> float: ...


class Ranks(NamedTuple):
    """Indices into values in rising order: of the percentile, and of the ends of its interval, or None for both."""

    value: int
    low: int | None
    high: int | None


def percentile(ordered: Rising, percent: int) -> Percentile:
    """Of values in rising order. `percent` is from 1 to 100; the maximum (100) has no interval at any count."""
    count = len(ordered)
    if not count:
        return Percentile(percent, 0, None, None, least_count(percent))
    at = ranks(count, percent)
    if at.low is None or at.high is None:
        return Percentile(percent, count, ordered[at.value], None, least_count(percent))
    return Percentile(percent, count, ordered[at.value], Interval(ordered[at.low], ordered[at.high]), None)


@lru_cache(maxsize=4096)
def ranks(count: int, percent: int) -> Ranks:
    """Of `count` values, at least 1. Ranks l and u with P(l <= X < u) >= 95 % for X ~ Bin(count, percent / 100), and at
    most 2.5 % in each tail: H. A. David and H. N. Nagaraja, Order Statistics, 3rd edition (2003), section 7.1.

    Exact for independent values, and therefore somewhat wider than 95 % where the counts are small. Latencies of
    neighbouring requests depend on each other; their true interval is wider.
    """
    index = nearest_rank(range(count), percent) or 0
    below = _most_within_tail(count, percent / 100)
    above = _most_within_tail(count, 1 - percent / 100)
    if below < 0 or above < 0:
        return Ranks(index, None, None)
    return Ranks(index, below, count - above - 1)


def least_count(percent: int) -> int | None:
    """The fewest values that give the percentile an interval: p50 6, p90 36, p95 72, p99 368; None for p100.

    The extreme values must lie beyond the percentile with 97.5 % each: max(p, 1-p)^n <= 0.025 (as `ranks`).
    """
    share = max(percent, 100 - percent) / 100
    return None if share == 1 else ceil(log(TAIL) / log(share))


def _most_within_tail(count: int, share: float) -> int:
    """The largest k with P(X <= k) <= 2.5 % for X ~ Bin(count, share); -1 if there is none.

    Begins at the normal approximation and goes on with the ratio of neighbouring probabilities, so that a million
    values cost one evaluation of the distribution.
    """
    if share <= 0 or share >= 1:
        return -1
    spread = sqrt(count * share * (1 - share))
    k = max(0, min(count, floor(count * share - _Z * spread)))
    total, here = binomial_at_most(k, count, share), _probability(k, count, share)
    while total > TAIL:
        total -= here
        here *= k / (count - k + 1) * (1 - share) / share
        k -= 1
        if k < 0:
            return -1
    while (following := total + here * (count - k) / (k + 1) * share / (1 - share)) <= TAIL:
        here, total, k = following - total, following, k + 1
    return k


def _probability(k: int, count: int, share: float) -> float:
    if count < 1000:
        return comb(count, k) * share**k * (1 - share)**(count - k)
    ways = lgamma(count + 1) - lgamma(k + 1) - lgamma(count - k + 1)
    return exp(ways + k * log(share) + (count - k) * log1p(-share))
