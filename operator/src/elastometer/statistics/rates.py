"""Shares of counted things, such as requests that were served or answers that failed."""
from __future__ import annotations

from elastometer.model.estimates import Interval, Rate
from elastometer_loadgen.checks.rate import wilson_interval

_DECIMALS = 4


def rate(hits: int, count: int) -> Rate:
    """In percent with Wilson's score interval, for `count` of at least 1; `wilson_interval` has the formula and its
    source. It belongs to the load generator, which works alone and prints the same rates of the same answers.

    At 0 of n the interval is the bound z²/(n + z²), nearly 3.8/n. The bound 3/n, which gives all of the 5 % to one
    side, is too narrow for rates near it: of drawn samples at 3.3 % and n=100 it holds the rate in 92 %.
    """
    low, high = wilson_interval(hits, count)
    return Rate(hits, count, round(100 * hits / count, _DECIMALS),
                Interval(round(100 * low, _DECIMALS), round(100 * high, _DECIMALS)))


def truncated_percent(hits: int, count: int) -> float:
    """To 0.01 %, never rounded up, so that a share just below its bound does not read as if it met it; `count` is at
    least 1."""
    return 10_000 * hits // count / 100
