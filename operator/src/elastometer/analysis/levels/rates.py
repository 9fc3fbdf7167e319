"""What was served while a level lasted, per second.

A closed loop has as many requests in flight at the end of a level as at its begin. To count a request where it began
would count those of the end too much, to count it where it ended too little; with long answers, either is off by
several percent. Each request therefore counts by the share of its time, from send to end, that lies within.
"""
from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from elastometer.analysis.requests.littles_law import Window
from elastometer.model import request_measures
from elastometer.model.units import SECOND
from elastometer.statistics.means import NEEDS, block_edges, mean_of_blocks


@dataclass(frozen=True, slots=True)
class LevelRates:
    """Requests and tokens per second; `every` counts those that were not served too. Tokens are None where the server
    did not count them. The ± of the requests is None for fewer than 20 s."""

    served: float
    served_plus_minus: float | None
    every: float
    input_tokens: float | None
    output_tokens: float | None


def level_rates(requests: pl.DataFrame, window: Window) -> LevelRates | None:
    """`requests` are those of the level's stage, whenever they were sent; None for a window without a length."""
    length = (window[1] - window[0]) / SECOND
    if length <= 0:
        return None
    shared = requests.filter(pl.col("end").is_not_null(), pl.col("end") >= window[0], pl.col("send") < window[1]) \
        .with_columns(share_within(window).alias("share"), request_measures.served().alias("served"))
    served = shared.filter("served")
    return LevelRates(
        round(_sum(served) / length, 3), _plus_minus(served, window, length), round(_sum(shared) / length, 3),
        _tokens(served, "prompt_tokens", length), _tokens(served, "completion_tokens", length))


def share_within(window: Window) -> pl.Expr:
    """The share of a request's time that lies within the window; all or nothing for one that took no time."""
    start, end = (pl.col(name).clip(*window) for name in ("send", "end"))
    whole = pl.col("end") - pl.col("send")
    at_once = pl.col("end").is_between(*window, closed="left").cast(pl.Float64)
    return pl.when(whole > 0).then((end - start) / whole).otherwise(at_once)


def _sum(shared: pl.DataFrame) -> float:
    return float(shared["share"].sum())


def _tokens(served: pl.DataFrame, column: str, length: float) -> float | None:
    if served[column].null_count() == served.height:
        return None
    return round(float(served.select((pl.col(column) * pl.col("share")).sum()).item()) / length, 1)


def _plus_minus(served: pl.DataFrame, window: Window, length: float) -> float | None:
    """From blocks of whole seconds, 10 to 20 of them."""
    seconds = int(length)
    if seconds < NEEDS:
        return None
    edges = block_edges(seconds)
    parts = [(window[0] + left * SECOND, window[0] + right * SECOND) for left, right in edges]
    sums = served.select(share_within(part).sum().alias(str(number)) for number, part in enumerate(parts)).row(0)
    found = mean_of_blocks([float(one) for one in sums], [right - left for left, right in edges])
    return None if found.plus_minus is None else round(found.plus_minus, 3)
