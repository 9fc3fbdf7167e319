"""The requests that each replica served, with what it had to do beside each of them, from columns.

Counts of neighbours need every request of a replica, so they are made on columns. What is fitted needs medians only: of
many requests a sample is taken, evenly spaced in time.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from elastometer.analysis.run import DerivedRun
from elastometer.model import request_measures
from elastometer.model.units import SECOND

# A median of so many observations is off by less than 1 % of their spread.
MOST_REQUESTS = 20_000
# Replicas are alike; of more than this, those that served first are looked at.
MOST_REPLICAS = 50
ALONE = "the only one"
COLUMNS = ("sent", "first", "last", "prompt", "later_tokens")


@dataclass(frozen=True, slots=True)
class ServedRequest:
    """One request on one replica; seconds. `later_tokens` are its output tokens after the first.

    `neighbours` is how many others were running when its first token came, `others_met` how many requests of any kind
    the replica had when it was sent. `slot_freed` is the end of the last request that ended before its first token.
    """

    sent: float
    first: float
    last: float
    prompt: int
    later_tokens: int
    neighbours: int
    others_met: int
    slot_freed: float

    @property
    def to_first(self) -> float:
        """Seconds from sending to the first token."""
        return self.first - self.sent

    @property
    def pace(self) -> float:
        """Seconds per output token after the first."""
        return (self.last - self.first) / self.later_tokens


def served_requests(run: DerivedRun) -> tuple[pl.DataFrame, int]:
    """The served requests of the replicas that served first, with a `pod` that may stand for the only one there was;
    and how many requests were served by a replica that is known."""
    evidence = run.evidence
    first, last, sent = ((pl.col(name) - evidence.origin) / SECOND for name in ("first_token", "last_token", "send"))
    paced = request_measures.time_per_output_token().is_not_null()
    counted = evidence.table.lazy().filter(
        request_measures.served() & pl.all_horizontal(pl.col("send", "first_token", "last_token").is_not_null()),
    )
    known = counted.select(
        "pod", at=(pl.col("intended") - evidence.origin) / SECOND, sent=sent, first=first, last=last,
        # Half as wide as they were recorded: no request has two thousand million tokens.
        prompt=pl.col("prompt_tokens").fill_null(0).cast(pl.Int32),
        later_tokens=pl.when(paced).then(pl.col("completion_tokens") - 1).otherwise(0).cast(pl.Int32))
    are_named = counted.select(pl.col("pod").null_count()).collect().item() == 0
    rows = (known if are_named else _named(known, run)).select("pod", *COLUMNS).collect()
    pods = rows.group_by("pod", maintain_order=True).agg(pl.len())["pod"].head(MOST_REPLICAS)
    kept = rows if len(pods) == rows["pod"].n_unique() else rows.filter(pl.col("pod").is_in(pods.implode()))
    return kept, rows.height


def _named(known: pl.LazyFrame, run: DerivedRun) -> pl.LazyFrame:
    """The requests whose replica is known: by its name, or because it was the only one that was Ready."""
    ready = pl.LazyFrame(run.replicas.ready.points, schema={"since": pl.Float64, "ready": pl.Float64}, orient="row")
    alone = pl.when(pl.col("ready") == 1.0).then(pl.lit(ALONE))
    return known.sort("at", maintain_order=True).join_asof(ready, left_on="at", right_on="since").with_columns(
        pod=pl.coalesce(pl.col("pod").cast(pl.String), alone)).filter(pl.col("pod").is_not_null())


def served_requests_of(rows: pl.DataFrame) -> list[ServedRequest]:
    """A sample of the requests of several replicas, from the columns `pod` and COLUMNS."""
    if rows.is_empty():
        return []
    every = -(-rows.height // MOST_REQUESTS)
    beside = pl.concat(_beside(part, every) for part in by_replica(rows))
    return [ServedRequest(*row) for row in beside.iter_rows()]


def by_replica(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The requests of one replica after the other: those of all at once would take as much memory as the rows."""
    pods = rows["pod"].unique(maintain_order=True)
    return (rows.filter(rows["pod"] == pod) for pod in pods) if len(pods) > 1 else iter([rows])


def of_one_replica(rows: Sequence[tuple[float, float, float, int, int]]) -> pl.DataFrame:
    """The columns of one replica, from (sent, first token, last token, prompt tokens, later tokens) of each request."""
    kinds = (pl.Float64, pl.Float64, pl.Float64, pl.Int64, pl.Int64)
    found = pl.DataFrame(rows, schema=dict(zip(COLUMNS, kinds, strict=True)), orient="row")
    return found.select(pl.lit(ALONE).alias("pod"), *COLUMNS)


def _beside(rows: pl.DataFrame, every: int) -> pl.DataFrame:
    """The fields of ServedRequest, of a sample of the requests of one replica, one in `every`."""
    sents, firsts, lasts = (rows[name].sort() for name in ("sent", "first", "last"))
    # A slot must have been free for at least as long as the fastest prefill takes. Without this margin, a request that
    # ended between a start and its first token would count as the one that freed the slot.
    fastest = (rows["first"] - rows["sent"]).min()
    rows = rows.gather_every(every)
    neighbours = _until(firsts, rows["first"]) - _until(lasts, rows["first"]) - 1
    others_met = _until(sents, rows["sent"]) - _until(lasts, rows["sent"]) - 1
    done = _until(lasts, rows["first"] - fastest)
    freed = lasts.gather((done - 1).clip(lower_bound=0))
    return rows.select(
        *COLUMNS, neighbours=neighbours.clip(lower_bound=0), others_met=others_met.clip(lower_bound=0),
    ).with_columns(slot_freed=pl.when(pl.lit(done) > 0).then(pl.lit(freed)).otherwise(pl.col("sent")))


def _until(ordered: pl.Series, instants: pl.Series) -> pl.Series:
    """How many of the ordered instants had passed at each of the others, itself included."""
    return ordered.search_sorted(instants, side="right").cast(pl.Int64)
