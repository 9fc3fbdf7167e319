"""What replicas did while they were full, beside what the fit says of it.

The fit is made of medians, which a few late requests do not move; throughput is made of means. So the fit is compared
with all that was served while requests were waiting. No request has to be matched with the slot that it took: from
outside that is not seen, and a replica that is full for a moment serves those that then take a slot faster than one
that stays full, since fewer prompts begin beside their tokens. Requests that failed are not seen: the time for which
they held a slot counts as that of the others.
"""
from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from elastometer.analysis.capacity.progress import done_between, progress
from elastometer.analysis.capacity.served import by_replica
from elastometer.model.capacity import Capacity
from elastometer.statistics.means import FEWEST_BLOCKS, mean_of_blocks

# With fewer requests that ended on a full replica the fit stays as it is.
LEAST_ENDED = 30
# The stand-in's formula and its fit are up to this far apart where nothing disturbs either (docs/report.md, Demand).
LEAST_PERCENT = 2.0


@dataclass(frozen=True, slots=True)
class Correction:
    """The time in a slot is `factor` times what the fit says, by `count` requests that ended on full replicas, which
    were full for `seconds` in all.

    `error_percent` is how exact that is at 95 %, and how far the fit itself was off; it is at least LEAST_PERCENT.
    """

    factor: float
    error_percent: float
    count: int
    seconds: float


def correction(rows: pl.DataFrame, capacity: Capacity) -> Correction | None:
    """From all requests of some replicas, with the columns of `served_requests`; None if too few ended on a full one.

    While a replica is full, its slots x seconds are the time in a slot of all that it did then.
    """
    count, seconds, done = 0, 0.0, []
    for part in by_replica(rows):
        if part.height > capacity.slots:
            made = progress(part, capacity)
            spans = _full_spans(made, capacity.slots)
            count += _ended(made, spans)
            done += [_within(made, spans, seconds)] if spans.height else []
            seconds += float(spans["seconds"].sum())
    return None if count < LEAST_ENDED else _beside_the_fit(pl.concat(done), capacity, count, seconds)


def _within(made: pl.DataFrame, spans: pl.DataFrame, before: float) -> pl.DataFrame:
    """The progress within the spans of one replica, which are laid end to end after `before` seconds."""
    passed = [_passed(made[name], spans) + before for name in ("began", "first", "last")]
    return made.select(*passed, "before", "after").filter(pl.col("last") > pl.col("began"))


def _beside_the_fit(done: pl.DataFrame, capacity: Capacity, count: int, seconds: float) -> Correction | None:
    """`done` is the progress in the full seconds alone, those of all spans laid end to end; in blocks of equal length.
    None where by the fit nothing was done."""
    mean = mean_of_blocks(_by_block(done, seconds / FEWEST_BLOCKS), [1] * FEWEST_BLOCKS)
    if not mean.value or mean.plus_minus is None:
        return None
    factor = capacity.slots * seconds / FEWEST_BLOCKS / mean.value
    error = 100 * (mean.plus_minus / mean.value + abs(factor - 1))
    return Correction(factor, max(LEAST_PERCENT, error), count, seconds)


def _by_block(done: pl.DataFrame, length: float) -> list[float]:
    """The progress in each block. Most requests lie within one; only those that do not have to be divided."""
    block, last = ((pl.col(name) / length).floor() for name in ("began", "last"))
    before = pl.col("before") * (pl.col("first") - pl.col("began"))
    after = pl.col("after") * (pl.col("last") - pl.col("first"))
    placed = done.with_columns(block=block, apart=block != last)
    whole, divided = placed.filter(~pl.col("apart")).select("block", done=before + after), placed.filter("apart")
    return [float(whole.filter(pl.col("block") == number)["done"].sum())
            + done_between(divided, length * number, length * (number + 1)) for number in range(FEWEST_BLOCKS)]


def _full_spans(rows: pl.DataFrame, slots: int) -> pl.DataFrame:
    """(since, seconds, before) of the spans in which one replica had more requests than slots, for at least as long as
    a request takes on average: then most of those that run beside each other took their slots from a full replica.
    `before` are the seconds of all spans before it."""
    ats = pl.concat([rows["sent"], rows["last"]])
    by = pl.concat([pl.repeat(1, rows.height, eager=True), pl.repeat(-1, rows.height, eager=True)])
    held = pl.DataFrame({"at": ats, "by": by}).sort("at").with_columns(full=pl.col("by").cum_sum() > slots)
    # Of changes at one instant only the last says how many there were from then on.
    turns = held.filter((pl.col("at") != pl.col("at").shift(-1)).fill_null(value=True)).filter(
        (pl.col("full") != pl.col("full").shift(1)).fill_null(pl.col("full")))
    spans = turns.select("full", since="at", seconds=pl.col("at").shift(-1) - pl.col("at")).filter("full")
    return spans.filter(pl.col("seconds") >= rows["in_slot"].mean()).select(
        "since", "seconds", before=pl.col("seconds").cum_sum() - pl.col("seconds"))


def _ended(rows: pl.DataFrame, spans: pl.DataFrame) -> int:
    """How many last tokens came within a span: one that came at its very start belongs to what was before it."""
    lasts = rows["last"].sort()
    until, since = (lasts.search_sorted(at, side="right") for at in (spans["since"] + spans["seconds"], spans["since"]))
    return int(until.sum()) - int(since.sum())


def _passed(instants: pl.Series, spans: pl.DataFrame) -> pl.Series:
    """How many seconds of the spans had passed at each instant."""
    at = (spans["since"].search_sorted(instants, side="right").cast(pl.Int64) - 1).clip(lower_bound=0)
    since, seconds, before = (spans[name].gather(at) for name in ("since", "seconds", "before"))
    return pl.select(before + pl.min_horizontal((instants - since).clip(lower_bound=0.0), seconds)).to_series().alias(
        instants.name)
