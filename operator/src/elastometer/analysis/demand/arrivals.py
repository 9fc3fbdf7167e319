"""The requests of a run as columns of work: when each came, when it stopped waiting, and its tokens.

Tokens that a request does not state, because it failed or its answer had no usage, count with the median of its stage.
"""
from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model.units import SECOND
from elastometer_loadgen.base.record import Outcome


@dataclass(frozen=True, slots=True)
class Arrivals:
    """`rows` has one row a request, in order of `at`: `at` and `left` in seconds from the start of the load, `prompt`
    and `output` in tokens. `left` is when it no longer waited: at its first token, or when it ended without one; null
    if it never did. Tokens are null where nothing states any. `substituted` counts the requests with a median."""

    rows: pl.DataFrame
    substituted: int

    @property
    def count(self) -> int:
        """How many requests came."""
        return self.rows.height

    @property
    def has_tokens(self) -> bool:
        """Whether each request has tokens, its own or a median."""
        return self.count > 0 and self.rows["output"].null_count() == 0 and self.rows["prompt"].null_count() == 0

    def mean(self, column: str) -> float | None:
        """The mean over all requests; None where it is not known."""
        found = self.rows[column].mean() if self.has_tokens else None
        return float(found) if isinstance(found, (int, float)) else None


def arrivals(evidence: Evidence) -> Arrivals:
    """All requests of the run."""
    good = pl.col("outcome") == Outcome.SUCCESS.value
    # The answer of a request that was cut off is shorter than the one that was asked for.
    known = evidence.table.lazy().select(
        pl.col("stage"), _seconds("intended", evidence.origin).alias("at"),
        pl.coalesce(_seconds("first_token", evidence.origin), _seconds("end", evidence.origin)).alias("left"),
        pl.col("prompt_tokens").alias("prompt"), pl.when(good).then(pl.col("completion_tokens")).alias("output"),
    )
    # An answer has at least one token, whatever the server counted.
    filled = known.with_columns(*(
        pl.coalesce(pl.col(name), pl.col(name).median().over("stage"), pl.col(name).median()).cast(pl.Float64)
        .clip(lower_bound=least) for name, least in (("prompt", 0), ("output", 1))
    ))
    missing = known.select((pl.col("prompt").is_null() | pl.col("output").is_null()).sum()).collect().item()
    # The table is in this order.
    return Arrivals(filled.drop("stage").collect(), int(missing))


def _seconds(column: str, origin: int) -> pl.Expr:
    return (pl.col(column) - origin) / SECOND
