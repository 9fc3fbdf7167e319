"""How far requests had come at any instant, as the time in a slot that their tokens stand for.

Counting requests by their end lags behind by an answer: what began to run in a span and ends after it is not counted,
and the other way round. Long answers in short spans need the parts.
"""
from __future__ import annotations

import polars as pl

from elastometer.analysis.capacity.work import first_token_seconds, pace
from elastometer.model.capacity import Capacity


def progress(rows: pl.DataFrame, capacity: Capacity) -> pl.DataFrame:
    """Of requests (`sent`, `first` and `last` token in seconds, `prompt` and `later_tokens`): `in_slot` is the time in
    a slot of a full replica by the fit; of it, `before` seconds per second pass from `began` to `first`, and `after`
    from `first` to `last`. An answer that came at once, without later tokens in time, has all of it before."""
    to_first = first_token_seconds(capacity, 0, capacity.slots) + capacity.prefill_seconds_per_token * pl.col("prompt")
    to_last = pl.col("later_tokens") * pace(capacity, capacity.slots)
    is_timed = pl.col("last") > pl.col("first")
    known = rows.with_columns(
        in_slot=to_first + to_last, to_first=to_first + pl.when(is_timed).then(0.0).otherwise(to_last),
        to_last=pl.when(is_timed).then(to_last).otherwise(0.0),
    ).with_columns(began=pl.max_horizontal("sent", pl.col("first") - pl.col("to_first")))
    return known.with_columns(
        before=_rate("to_first", pl.col("first") - pl.col("began")),
        after=_rate("to_last", pl.col("last") - pl.col("first")))


def _rate(done: str, seconds: pl.Expr) -> pl.Expr:
    return pl.when(seconds > 0).then(pl.col(done) / seconds).otherwise(0.0)


def done_between(found: pl.DataFrame, low: float, high: float) -> float:
    """Seconds in a slot that all requests together came forward between two instants."""
    before = pl.col("before") * _shared("began", "first", low, high)
    after = pl.col("after") * _shared("first", "last", low, high)
    return float(found.select((before + after).sum()).item())


def _shared(since: str, until: str, low: float, high: float) -> pl.Expr:
    """Seconds that lie both between two columns and between two instants."""
    return pl.col(until).clip(low, high) - pl.col(since).clip(low, high)
