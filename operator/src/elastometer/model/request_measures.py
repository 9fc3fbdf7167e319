"""The durations of requests as expressions on the columns of `request_table`, in nanoseconds; null where there is none.

The same definitions for one record are in elastometer_loadgen.base.measures, which the load generator uses alone; a
test holds the two together on drawn records.
"""
from __future__ import annotations

import polars as pl

from elastometer.model.units import MILLISECOND, to_seconds
from elastometer_loadgen.base.measures import BUFFERED_TOKENS
from elastometer_loadgen.base.record import Outcome

_SUCCEEDED = pl.col("outcome") == Outcome.SUCCESS.value


def time_to_first_token() -> pl.Expr:
    """From the intended time to the first token."""
    return pl.col("first_token") - pl.col("intended")


def latency() -> pl.Expr:
    """From the intended time to the end, of requests that succeeded."""
    return pl.when(_SUCCEEDED).then(pl.col("end") - pl.col("intended"))


def latency_from_send() -> pl.Expr:
    """From the write to the socket to the end, of requests that succeeded."""
    return pl.when(_SUCCEEDED).then(pl.col("end") - pl.col("send"))


def time_per_output_token() -> pl.Expr:
    """(last token - first token) / (tokens - 1), a float; null for one token, without usage, and where too many tokens
    came together."""
    gap, tokens = pl.col("last_token") - pl.col("first_token"), pl.col("completion_tokens")
    return pl.when(_SUCCEEDED & (tokens >= 2) & ~is_in_one_piece()).then(gap / (tokens - 1))


def served() -> pl.Expr:
    """Whether the request succeeded."""
    return _SUCCEEDED


def served_at_once() -> pl.Expr:
    """Whether its first attempt succeeded, which is the only one unless the profile has retries."""
    return pl.coalesce("first_attempt", "outcome") == Outcome.SUCCESS.value


def is_stream() -> pl.Expr:
    """Whether it succeeded with so many tokens that they should not all come at once."""
    tokens = pl.max_horizontal("chunks", pl.col("completion_tokens").fill_null(0))
    return _SUCCEEDED & (tokens >= BUFFERED_TOKENS)


def is_buffered() -> pl.Expr:
    """Whether it is a stream whose pace is not known, since its tokens came together."""
    return is_stream() & is_in_one_piece()


def is_in_one_piece() -> pl.Expr:
    """Whether more than a quarter of the chunks, the first aside, came together with the first one. Records of earlier
    versions did not count those; there only equal instants of the first and the last token tell."""
    chunks, first = pl.col("chunks"), pl.col("first_chunks")
    together = (chunks < 2) | (4 * (first - 1) > chunks - 1)
    at_once = pl.col("first_token") == pl.col("last_token")
    return pl.col("first_token").is_not_null() & (at_once.fill_null(value=False) | (first.is_not_null() & together))


def in_whole_milliseconds(duration: pl.Expr) -> pl.Expr:
    """Nanoseconds rounded as `units.to_seconds` rounds them; a thousandth of it is the very same number."""
    whole, rest = duration // MILLISECOND, duration % MILLISECOND
    # Half a millisecond goes to whichever side its binary fraction lies on.
    half = pl.when(rest == MILLISECOND // 2).then(duration).map_batches(_rounded_halves, return_dtype=pl.Int64)
    return pl.coalesce(half, whole + (rest > MILLISECOND // 2))


def _rounded_halves(durations: pl.Series) -> pl.Series:
    known = durations.drop_nulls().unique()
    rounded = pl.Series([round(1000 * to_seconds(one)) for one in known], dtype=pl.Int64)
    return durations.replace_strict(known, rounded, return_dtype=pl.Int64, default=None)
