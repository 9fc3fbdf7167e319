"""For how long requests waited beside free slots, summed over all Pods: what holds between two changes of any Pod.

The rows of a long run are looked at piece by piece in order of time, since sorting all of them at once would take more
memory than the rest of a judgement. All sums are of whole numbers, so that the pieces add up exactly.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from elastometer.model.units import SECOND, Instant, Nanoseconds

# So many rows at once: fewer take longer, more take memory.
PIECE = 1_000_000
# So many instants, evenly spaced among the rows, say where pieces begin.
_SAMPLE = 100_000
_STATES = ("waiting", "beyond", "free")
_IS_PINNED = (pl.col("waiting") > 0) & (pl.col("free") > 0)


@dataclass(frozen=True, slots=True)
class PinnedTotals:
    """The fields of PinnedBacklog that are of all Pods together; nothing where no request waited beside a free slot."""

    seconds: float = 0.0
    first: Instant = 0
    last: Instant = 0
    most_free: int = 0
    waiting: float = 0.0
    beside_free_slots: float = 0.0
    beyond_limit: float = 0.0


@dataclass(frozen=True, slots=True)
class _Sums:
    """What the pieces up to one add up to. `row` is the state that the next one begins with: an instant, the levels
    from then on, and the time up to then in which requests waited beside free slots. Areas are in nanoseconds."""

    row: tuple[Instant, int, int, int, Nanoseconds] | None = None
    first: Instant | None = None
    last: Instant = 0
    most_free: int = 0
    waiting: int = 0
    beside_free_slots: int = 0
    beyond_limit: int = 0


def pinned_levels(by_pod: pl.DataFrame, slots: int) -> tuple[pl.Series, PinnedTotals]:
    """For each row (`time`, and from then on `here` requests waiting and `room` slots free on its Pod, in order of Pods
    and time) the nanoseconds up to it in which requests waited beside a free slot of any Pod; and the totals."""
    changes = by_pod.select("time", *(
        state.diff().fill_null(state).alias(total) for total, state in zip(_STATES, (
            pl.col("here"), (pl.col("here") - slots).clip(lower_bound=0), pl.col("room")), strict=True)))
    # Of each row its place: putting results back there is several times faster than a sort.
    changes = changes.with_row_index("event")
    pinned, sums = pl.zeros(by_pod.height, pl.Int64, eager=True), _Sums()
    for piece in _pieces(changes):
        levels = _levels(piece, sums)
        known = levels.slice(0 if sums.row is None else 1)
        pinned = pinned.scatter(known["event"], known["pinned"])
        sums = _added(sums, levels)
    return pinned, _totals(sums)


def _pieces(changes: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """In order of time; what is of one instant is in one piece."""
    count = -(-changes.height // PIECE)
    if count < 2:
        yield changes
        return
    sample = changes["time"].gather_every(max(1, changes.height // _SAMPLE)).sort()
    edges = sorted({int(sample[number * len(sample) // count]) for number in range(1, count)})
    time = pl.col("time")
    for low, high in zip((None, *edges), (*edges, None), strict=True):
        at_least, below = True if low is None else time >= low, True if high is None else time < high
        piece = changes.filter(at_least, below)
        if piece.height:
            yield piece


def _levels(piece: pl.DataFrame, before: _Sums) -> pl.DataFrame:
    """The rows of a piece in order of time, after the one that it begins with, with the sums `waiting`, `beyond` and
    `free` over all Pods, which hold for `span` nanoseconds. `pinned` is the time up to the row in which requests waited
    beside a free slot."""
    rows = piece.sort("time", maintain_order=True)
    pinned = 0
    if before.row is not None:
        *values, pinned = before.row
        rows = pl.concat([pl.DataFrame([[None, *values]], schema=rows.schema, orient="row"), rows])
    sums = rows.with_columns(pl.col(*_STATES).cum_sum(), span=-pl.col("time").diff(-1).fill_null(0))
    return sums.with_columns(
        pinned=pl.when(_IS_PINNED).then("span").otherwise(0).cum_sum().shift(1, fill_value=0) + pinned)


def _added(before: _Sums, levels: pl.DataFrame) -> _Sums:
    """With a piece: its last row holds until the next one begins."""
    pinned = levels.filter(_IS_PINNED)
    *row, up_to = levels.select("time", *_STATES, "pinned").row(-1)
    after = replace(before, row=(*row, up_to), waiting=before.waiting + _area(levels, pl.col("waiting")))
    if pinned.is_empty():
        return after
    return replace(
        after, first=int(pinned["time"][0]) if before.first is None else before.first,
        last=int(pinned["time"][-1]) + int(pinned["span"][-1]),
        most_free=max(before.most_free, int(pinned.select(pl.col("free").max()).item())),
        beside_free_slots=before.beside_free_slots + _area(pinned, pl.min_horizontal("waiting", "free")),
        beyond_limit=before.beyond_limit + _area(pinned, pl.min_horizontal("beyond", "free")))


def _area(levels: pl.DataFrame, height: pl.Expr) -> int:
    return int(levels.select((height * pl.col("span")).sum()).item())


def _totals(sums: _Sums) -> PinnedTotals:
    """In seconds and request-seconds. Of no length, requests did not wait beside a free slot."""
    seconds = 0 if sums.row is None else sums.row[-1]
    if not seconds or sums.first is None:
        return PinnedTotals()
    return PinnedTotals(seconds / SECOND, sums.first, sums.last, sums.most_free, sums.waiting / SECOND,
                        sums.beside_free_slots / SECOND, sums.beyond_limit / SECOND)
