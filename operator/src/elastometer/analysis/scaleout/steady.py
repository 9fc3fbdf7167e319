"""When an added replica served as fast as it does later: its output tokens per second reach 95 % of its steady rate.

A request's tokens are spread evenly between its first and its last. The steady rate is the median of the seconds from
20 to 60 after the first token, so that a burst does not decide it. A rate that was lower only because the load was
lower is no lack of speed: where other replicas served, 95 % of the later share of all tokens counts as well.
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


def steady_state(served: pl.DataFrame, others: pl.DataFrame, first: Instant) -> SteadyState:
    """`served` are the requests of one Pod, `others` those of all others, `first` is the Pod's first token."""
    known = looked_at(served, first)
    later = looked_at(served, first, LATER_FROM)
    if later.height < LEAST_REQUESTS:
        return SteadyState(None, reason=(
            f"too little traffic: {later.height} requests in the seconds {LATER_FROM} to {LATER_TO} after its first "
            f"token, of {LEAST_REQUESTS} that a rate needs"))
    mine, all_others = _rates(known, first), _rates(looked_at(others, first), first)
    steady = median(mine[LATER_FROM:])
    if steady <= 0:
        return SteadyState(None, reason="it served in fewer than half of the seconds in which its rate is measured")
    reached = (_reached(mine), _reached(_shares(mine, all_others)))
    second = min((one for one in reached if one is not None), default=None)
    if second is None:
        return SteadyState(None, steady, f"it never reached {100 * SHARE:.0f} % of {steady:.1f} tokens/s for "
                                         f"{SMOOTHED} s")
    return SteadyState(first + second * SECOND, steady)


def looked_at(served: pl.DataFrame, first: Instant, since: int = 0) -> pl.DataFrame:
    """Streams that lie, in part, between that second after the first token and the last one that is looked at."""
    return served.filter(
        (pl.col("last_token") > pl.col("first_token")) & pl.col("completion_tokens").is_not_null()
        & (pl.col("last_token") > first + since * SECOND) & (pl.col("first_token") < first + LATER_TO * SECOND))


def _shares(mine: Sequence[float], others: Sequence[float]) -> Sequence[float]:
    """The share of all tokens in each second, over as many seconds as are compared; 0 where no other replica served, so
    that a lone replica is not taken for a steady one."""
    return [sum(mine[at:at + SMOOTHED]) / (sum(mine[at:at + SMOOTHED]) + rest) if rest > 0 else 0.0
            for at in range(len(mine)) for rest in (sum(others[at:at + SMOOTHED]),)]


def _reached(values: Sequence[float]) -> int | None:
    """The first second from which on the mean is SHARE of what it is later."""
    steady = median(values[LATER_FROM:])
    found = (at for at in range(len(values) - SMOOTHED + 1)
             if steady > 0 and sum(values[at:at + SMOOTHED]) / SMOOTHED >= SHARE * steady)
    return next(found, None)


def _rates(known: pl.DataFrame, first: Instant) -> Sequence[float]:
    """Output tokens in each second after the first token, each stream's spread evenly over the time that it took."""
    begin, end, second = pl.col("first_token") - first, pl.col("last_token") - first, pl.col("second")
    touched = pl.int_ranges((begin // SECOND).clip(0, LATER_TO), ((end - 1) // SECOND + 1).clip(0, LATER_TO))
    overlap = pl.min_horizontal("end", (second + 1) * SECOND) - pl.max_horizontal("begin", second * SECOND)
    found = known.lazy().select(
        begin=begin, end=end, rate=pl.col("completion_tokens") / (end - begin), second=touched,
    ).explode("second").drop_nulls("second").group_by("second").agg((overlap * pl.col("rate")).sum()).collect()
    rates = dict(found.iter_rows())
    return [rates.get(at, 0.0) for at in range(LATER_TO)]
