"""When an added replica served as fast as it does later: its output tokens per second reach 95 % of its steady rate.

A request's tokens are spread evenly between its first and its last. The steady rate is the median of the seconds from
20 to 60 after the first token, so that a burst does not decide it. Where the load moves, the replica's share moves with
it: the number then says when the load reached the replica, not how long it warmed up.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import polars as pl

from elastometer.model.units import SECOND, Instant

SHARE = 0.95
LATER_FROM, LATER_TO = 20, 60
# Fewer requests in the later seconds make no rate: their number is chance.
LEAST_REQUESTS = 20
# Means over so many seconds are compared: within one second, few requests begin or end.
SMOOTHED = 3


@dataclass(frozen=True, slots=True)
class SteadyState:
    """The second from which on the rate was reached, or why that is not known."""

    instant: Instant | None
    rate: float | None = None
    reason: str | None = None


def steady_state(served: pl.DataFrame, first: Instant) -> SteadyState:
    """`served` are the requests of one Pod, `first` is its first token."""
    known = served.filter(
        pl.col("first_token").is_not_null() & (pl.col("last_token") > pl.col("first_token"))
        & pl.col("completion_tokens").is_not_null())
    later = known.filter(
        (pl.col("last_token") > first + LATER_FROM * SECOND) & (pl.col("first_token") < first + LATER_TO * SECOND))
    if later.height < LEAST_REQUESTS:
        return SteadyState(None, reason=(
            f"too little traffic: {later.height} requests in the seconds {LATER_FROM} to {LATER_TO} after its first "
            f"token, of {LEAST_REQUESTS} that a rate needs"))
    rates = _rates(known, first)
    steady = median(rates[LATER_FROM:])
    if steady <= 0:
        return SteadyState(None, reason="it served in fewer than half of the seconds in which its rate is measured")
    second = next((index for index in range(len(rates) - SMOOTHED + 1)
                   if sum(rates[index:index + SMOOTHED]) / SMOOTHED >= SHARE * steady), None)
    if second is None:
        return SteadyState(None, steady, f"it never reached {100 * SHARE:.0f} % of {steady:.1f} tokens/s for "
                                         f"{SMOOTHED} s")
    return SteadyState(first + second * SECOND, steady)


def _rates(known: pl.DataFrame, first: Instant) -> Sequence[float]:
    """Output tokens in each second after the first token."""
    per_nanosecond = pl.col("completion_tokens") / (pl.col("last_token") - pl.col("first_token"))

    def within(second: int) -> pl.Expr:
        start, end = first + second * SECOND, first + (second + 1) * SECOND
        overlap = pl.min_horizontal(pl.col("last_token"), pl.lit(end)) - \
            pl.max_horizontal(pl.col("first_token"), pl.lit(start))
        return (overlap.clip(lower_bound=0) * per_nanosecond).sum().alias(str(second))
    return known.select(within(second) for second in range(LATER_TO)).row(0)
