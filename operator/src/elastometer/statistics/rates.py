"""Shares of counted things, such as requests that were served or answers that failed."""
from __future__ import annotations

from decimal import Decimal
from math import ceil, sqrt

from elastometer.model.estimates import Difference, Interval, Rate
from elastometer_loadgen.checks.rate import Z_95, wilson_interval

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


# A share is shown to 0.01 %.
SHARE_DECIMALS = 2


def truncated_percent(hits: int, count: int, decimals: int = SHARE_DECIMALS) -> float:
    """To so many decimals, never rounded up, so that a share just below its bound does not read as if it met it;
    `count` is at least 1."""
    scale: int = 10**decimals
    return 100 * scale * hits // count / scale


def meets(hits: int, count: int, percent: float) -> bool:
    """Whether a share is at least so many percent, exactly: 998 of 1,000 are 99.8 %, although no float is."""
    return 100 * hits >= Decimal(str(percent)) * count


def decimals_of(percent: float) -> int:
    """The decimals that a share needs beside this bound, so that the two can be compared by eye."""
    exponent = Decimal(str(percent)).as_tuple().exponent
    return max(SHARE_DECIMALS, -exponent) if isinstance(exponent, int) else SHARE_DECIMALS


def answers_needed(percent: float, bound_percent: float) -> int | None:
    """How many counted things it takes until Wilson's interval of this share lies at or above a bound below 100 %; None
    where the share is no higher than the bound. Its lower end is the bound where (p - b)² = z² b (1 - b) / n."""
    share, bound = percent / 100, bound_percent / 100
    if share <= bound:
        return None
    return max(1, ceil(Z_95**2 * bound * (1 - bound) / (share - bound) ** 2))


def difference_of_rates(first: Rate, second: Rate) -> Difference:
    """The second share minus the first, in percentage points, of groups that do not depend on each other.

    Newcombe's hybrid score interval, which squares and adds how far each share is from the end of its own interval that
    matters: R. G. Newcombe, Statistics in Medicine 17 (1998) 873-890, method 10. Unlike a bootstrap it does not claim
    certainty where both groups have no hit.
    """
    value = second.percent - first.percent
    low = sqrt((second.percent - second.interval.low) ** 2 + (first.interval.high - first.percent) ** 2)
    high = sqrt((second.interval.high - second.percent) ** 2 + (first.percent - first.interval.low) ** 2)
    return Difference(round(value, _DECIMALS), Interval(round(value - low, _DECIMALS), round(value + high, _DECIMALS)))
