"""Requests that waited on one replica while another Ready replica had free slots, counted from the client's records.

A replica runs up to `slots` requests at once and queues the rest, so that requests in flight on a Pod beyond its slots
wait there, and slots beyond its requests are free. Both are steps between sends and ends, so that every number here is
an exact area. What would have happened if requests had gone elsewhere is not computed: it is a question for what-if.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from elastometer.analysis.evidence.replicas import Span
from elastometer.model.request_measures import time_to_first_token
from elastometer.model.units import SECOND, Instant
from elastometer.statistics.percentiles import ranks

# Shorter waits are also those of a batch that is about to have room.
LEAST_WAIT = SECOND
# With more served requests of unknown Pod, slots that seem free may be taken.
KNOWN_SHARE = 0.95
_NO_VALUE = pl.lit(None, pl.Int64)
_MICROSECOND = SECOND // 1_000_000
# Twice the microseconds of four years: no run is longer, and 30,000 Pods still fit into 63 bits.
_POD_UNIT = 1 << 48
_IS_PINNED = (pl.col("waiting") > 0) & (pl.col("free") > 0)


@dataclass(frozen=True, slots=True)
class PinnedBacklog:
    """Seconds in which requests waited on a replica while another one had free slots, and what was in them.

    `requests` found their replica full and waited at least a second of that time; `first_token_p95` is theirs, and
    `others_first_token_p95` that of all others, in nanoseconds. `pod` is where most of the waiting was, `most_waiting`
    the most at once there, and `most_free` the most free slots of all others meanwhile.

    The areas are in request-seconds: `waiting` in all, `beside_free_slots` what free slots elsewhere could have taken
    at that instant, `beyond_limit` the same for requests beyond one batch in the queue of their replica.
    """

    slots: int
    seconds: float
    first: Instant
    last: Instant
    requests: int
    pod: str
    pods: int
    most_waiting: int
    most_free: int
    first_token_p95: float | None
    others_first_token_p95: float | None
    waiting: float
    beside_free_slots: float
    beyond_limit: float


@dataclass(frozen=True, slots=True)
class _Totals:
    """The fields of PinnedBacklog that are of all Pods together; nothing where no request waited beside a free slot."""

    seconds: float = 0.0
    first: Instant = 0
    last: Instant = 0
    most_free: int = 0
    waiting: float = 0.0
    beside_free_slots: float = 0.0
    beyond_limit: float = 0.0


def pinned_backlog(table: pl.DataFrame, slots: int, ready: Mapping[str, Sequence[Span]]) -> PinnedBacklog | None:
    """None if no request waited beside a free slot, or if the record does not show on which Pods requests were.

    `ready` has the times in which each Pod was Ready, by its name.
    """
    served = pl.col("first_token").is_not_null()
    count, known = table.select(served.sum().alias("count"), pl.col("pod").filter(served).count().alias("known")).row(0)
    if len(ready) < 2 or not count or known < KNOWN_SHARE * count:
        return None
    names = sorted({*table["pod"].drop_nulls().unique(), *ready})
    by_pod = _by_pod(_sent(table, names), slots, {names.index(pod): spans for pod, spans in ready.items()})
    if not (by_pod["here"] > 0).any():
        return None
    by_pod, totals = _with_pinned(by_pod, slots)
    return _found(by_pod, totals, slots, names, len(ready)) if totals.seconds else None


def _sent(table: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The requests that were sent to a known Pod and ended, with the place of their `pod` in the names."""
    # Lazily, so that no column is copied that is not looked at.
    return table.lazy().filter(pl.col("pod").is_not_null(), pl.col("end") >= pl.col("send")).select(
        pl.col("pod").cast(pl.Enum(names)).to_physical().cast(pl.Int32), "send", "end",
        value=time_to_first_token()).collect()


def _found(by_pod: pl.DataFrame, totals: _Totals, slots: int, names: Sequence[str], pods: int) -> PinnedBacklog:
    waits, (worst, most) = _waits(by_pod, slots), _worst(by_pod)
    return PinnedBacklog(
        slots=slots, seconds=totals.seconds, first=totals.first, last=totals.last,
        requests=int(waits["is_pinned"].sum()), pod=names[worst], pods=pods, most_waiting=most,
        most_free=totals.most_free, first_token_p95=_p95(waits.filter(pl.col("is_pinned"))),
        others_first_token_p95=_p95(waits.filter(~pl.col("is_pinned"))),
        waiting=totals.waiting, beside_free_slots=totals.beside_free_slots, beyond_limit=totals.beyond_limit,
    )


def _with_pinned(by_pod: pl.DataFrame, slots: int) -> tuple[pl.DataFrame, _Totals]:
    """The rows of `_by_pod` with the time `pinned` up to each, and the totals; what lies between takes most memory."""
    levels = _levels(by_pod, slots)
    # Each row back to its place: several times faster than a sort.
    pinned = pl.zeros(levels.height, pl.Int64, eager=True).scatter(levels["event"], levels["pinned"])
    return by_pod.select("pod", "move", "value", "here", pinned=pinned), _totals(levels)


def _totals(levels: pl.DataFrame) -> _Totals:
    pinned = levels.filter(_IS_PINNED)
    if not pinned["span"].sum():
        return _Totals()
    return _Totals(
        float(pinned["span"].sum()) / SECOND, int(pinned["time"][0]), int(pinned["time"][-1]) + int(pinned["span"][-1]),
        int(pinned.select(pl.col("free").max()).item()), _area(levels, pl.col("waiting")),
        _area(pinned, pl.min_horizontal("waiting", "free")), _area(pinned, pl.min_horizontal("beyond", "free")))


def _by_pod(sent: pl.DataFrame, slots: int, ready: Mapping[int, Sequence[Span]]) -> pl.DataFrame:
    """A row for each send, end and change of readiness, in order of Pod and time, and the state of the Pod from then:
    `here` requests wait and `room` slots are free."""
    spans = [(pod, *span) for pod, found in ready.items() for span in found]
    watched = pl.DataFrame(spans, schema=["pod", "send", "end"], orient="row").with_columns(
        pl.col("pod").cast(pl.Int32), value=_NO_VALUE)
    # Lazily, so that what a step needs is free again before the next one.
    moves = pl.concat([
        found.lazy().select("pod", time=instant, move=pl.lit(move, pl.Int8), ready=pl.lit(change, pl.Int8),
                     value=pl.col("value") if instant == "send" else _NO_VALUE)
        for found, instant, move, change in (
            (sent, "send", 1, 0), (sent, "end", -1, 0), (watched, "send", 0, 1), (watched, "end", 0, -1))
    ])
    # One number to sort by is several times faster than three columns. Records have microseconds; an end comes before a
    # send of the same instant, since the slot is free again.
    place = (pl.col("time") - pl.col("time").min()) // _MICROSECOND * 2 + (pl.col("move") > 0)
    # What begins on a Pod also ends there: sums over rows in order of Pods begin at 0 with each Pod.
    count, is_ready = pl.col("move").cast(pl.Int32).cum_sum(), pl.col("ready").cast(pl.Int32).cum_sum()
    waiting = (count - slots).clip(lower_bound=0)
    # In the order of the records where instants are equal, or two judgements could tell different requests apart.
    return moves.sort(pl.col("pod").cast(pl.Int64) * _POD_UNIT + place, maintain_order=True).select(
        "pod", "time", "move", "value", here=waiting,
        room=(slots - count).clip(lower_bound=0) * is_ready.clip(upper_bound=1)).collect()


def _levels(by_pod: pl.DataFrame, slots: int) -> pl.DataFrame:
    """The same rows in order of time, with the sums `waiting`, `beyond` and `free` over all Pods, which hold for `span`
    nanoseconds. `pinned` is the time up to the row in which requests waited beside a free slot, and `event` the row's
    place in the order of Pods."""
    changes = by_pod.lazy().with_row_index("event").select("event", "time", *(
        state.diff().fill_null(state).alias(total) for total, state in (
            ("waiting", pl.col("here")), ("beyond", (pl.col("here") - slots).clip(lower_bound=0)),
            ("free", pl.col("room")))))
    sums = changes.sort("time", maintain_order=True).with_columns(
        pl.col("waiting", "beyond", "free").cum_sum(), span=-pl.col("time").diff(-1).fill_null(0))
    pinned = pl.when(_IS_PINNED).then("span").otherwise(0).cum_sum().shift(1, fill_value=0)
    return sums.with_columns(pinned=pinned).collect()


def _waits(by_pod: pl.DataFrame, slots: int) -> pl.DataFrame:
    """A row per request: its time to the first token, and whether it waited beside a free slot for LEAST_WAIT.

    First come, first served: a request starts when the one that is `slots` places before it, in order of ends, is over.
    Each Pod has as many ends as sends, so that both have it at the same places.
    """
    sends = by_pod.select("pod", "value", "pinned").filter(by_pod["move"] > 0)
    freed = by_pod.select(of="pod", at="pinned").filter(by_pod["move"] < 0).shift(slots)
    waited = (freed["of"] == sends["pod"]) & (freed["at"] - sends["pinned"] >= LEAST_WAIT)
    return sends.select("value", is_pinned=waited.fill_null(value=False))


def _worst(by_pod: pl.DataFrame) -> tuple[int, int]:
    """(the Pod where most waiting was beside free slots, the most that waited there at once meanwhile)."""
    held = by_pod.select("pod", "here", held=pl.col("pinned").shift(-1) - pl.col("pinned"))
    found = held.filter(pl.col("here") > 0, pl.col("held") > 0).group_by("pod").agg(
        (pl.col("here") * pl.col("held")).sum().alias("area"), pl.col("here").max(),
    ).sort("area", "pod", descending=[True, False])
    return int(found["pod"][0]), int(found["here"][0])


def _area(levels: pl.DataFrame, height: pl.Expr) -> float:
    """In request-seconds."""
    return float(levels.select((height * pl.col("span")).sum()).item()) / SECOND


def _p95(waits: pl.DataFrame) -> float | None:
    values = waits["value"].drop_nulls().sort()
    return float(values[ranks(len(values), 95).value]) if len(values) else None
