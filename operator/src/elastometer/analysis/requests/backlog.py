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
from elastometer.analysis.requests.pinned_levels import PIECE, PinnedTotals, pinned_levels
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
    pinned, totals = pinned_levels(by_pod, slots)
    if not totals.seconds:
        return None
    # Under the same name, so that the columns that are not needed any more are free.
    by_pod = by_pod.select("pod", "move", "value", "here", pinned=pinned)
    return _found(by_pod, totals, slots, names, len(ready))


def _sent(table: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The requests that were sent to a known Pod and ended, with the place of their `pod` in the names."""
    # Lazily, so that no column is copied that is not looked at.
    return table.lazy().filter(pl.col("pod").is_not_null(), pl.col("end") >= pl.col("send")).select(
        pl.col("pod").cast(pl.Enum(names)).to_physical().cast(pl.Int32), "send", "end",
        value=time_to_first_token()).collect()


def _found(by_pod: pl.DataFrame, totals: PinnedTotals, slots: int, names: Sequence[str], pods: int) -> PinnedBacklog:
    worst, most = _worst(by_pod)
    waits = _waits(by_pod.drop("here"), slots)
    return PinnedBacklog(
        slots=slots, seconds=totals.seconds, first=totals.first, last=totals.last,
        requests=int(waits["is_pinned"].sum()), pod=names[worst], pods=pods, most_waiting=most,
        most_free=totals.most_free, first_token_p95=_p95(waits.filter(pl.col("is_pinned"))),
        others_first_token_p95=_p95(waits.filter(~pl.col("is_pinned"))),
        waiting=totals.waiting, beside_free_slots=totals.beside_free_slots, beyond_limit=totals.beyond_limit,
    )


def _by_pod(sent: pl.DataFrame, slots: int, ready: Mapping[int, Sequence[Span]]) -> pl.DataFrame:
    """A row for each send, end and change of readiness, in order of Pod and time, and the state of the Pod from then:
    `here` requests wait and `room` slots are free. Some Pods after the others, since sorting takes several times the
    memory of what is sorted."""
    spans = [(pod, *span) for pod, found in ready.items() for span in found]
    watched = pl.DataFrame(spans, schema=["pod", "send", "end"], orient="row").with_columns(
        pl.col("pod").cast(pl.Int32), value=_NO_VALUE)
    first: Instant = pl.concat(found.select("send", "end") for found in (sent, watched)).select(
        pl.min_horizontal("send", "end").min()).item() or 0
    groups = _groups(pl.concat([sent["pod"], watched["pod"]]), rows_each=2)
    if len(groups) < 2:
        return _states(sent, watched, first, slots)
    return pl.concat(_states(_of_pods(sent, low, high), _of_pods(watched, low, high), first, slots)
                     for low, high in groups)


def _of_pods(rows: pl.DataFrame, low: int, high: int) -> pl.DataFrame:
    return rows.filter(pl.col("pod").is_between(low, high))


def _groups(pods: pl.Series, rows_each: int) -> list[tuple[int, int]]:
    """(first, last) Pod of groups, each of one Pod or of at most PIECE rows, of which each value stands for some."""
    counts = pods.value_counts(name="count").sort("pod")
    found: list[tuple[int, int]] = []
    held = 0
    for pod, count in counts.iter_rows():
        is_new = not found or held + rows_each * count > PIECE
        found = [*found, (pod, pod)] if is_new else [*found[:-1], (found[-1][0], pod)]
        held = rows_each * count if is_new else held + rows_each * count
    return found


def _states(sent: pl.DataFrame, watched: pl.DataFrame, first: Instant, slots: int) -> pl.DataFrame:
    """The rows of `_by_pod` for some Pods."""
    # Lazily, so that what a step needs is free again before the next one.
    moves = pl.concat([
        found.lazy().select("pod", time=instant, move=pl.lit(move, pl.Int8), ready=pl.lit(change, pl.Int8),
                     value=pl.col("value") if instant == "send" else _NO_VALUE)
        for found, instant, move, change in (
            (sent, "send", 1, 0), (sent, "end", -1, 0), (watched, "send", 0, 1), (watched, "end", 0, -1))
    ])
    # One number to sort by is several times faster than three columns. Records have microseconds; an end comes before a
    # send of the same instant, since the slot is free again.
    place = (pl.col("time") - first) // _MICROSECOND * 2 + (pl.col("move") > 0)
    # What begins on a Pod also ends there: sums over rows in order of Pods begin at 0 with each Pod.
    count, is_ready = pl.col("move").cast(pl.Int32).cum_sum(), pl.col("ready").cast(pl.Int32).cum_sum()
    waiting = (count - slots).clip(lower_bound=0)
    # In the order of the records where instants are equal, or two judgements could tell different requests apart.
    return moves.sort(pl.col("pod").cast(pl.Int64) * _POD_UNIT + place, maintain_order=True).select(
        "pod", "time", "move", "value", here=waiting,
        room=(slots - count).clip(lower_bound=0) * is_ready.clip(upper_bound=1)).collect()


def _waits(by_pod: pl.DataFrame, slots: int) -> pl.DataFrame:
    """A row per request: its time to the first token, and whether it waited beside a free slot for LEAST_WAIT.

    First come, first served: a request starts when the one that is `slots` places before it, in order of ends, is over.
    Each Pod has as many ends as sends, so that both have it at the same places.
    """
    pods = by_pod["pod"]
    edges = [(pods.search_sorted(low), pods.search_sorted(high, side="right"))
             for low, high in _groups(pods, rows_each=1)]
    return pl.concat(_waits_of(by_pod.slice(start, end - start), slots) for start, end in edges)


def _waits_of(by_pod: pl.DataFrame, slots: int) -> pl.DataFrame:
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


def _p95(waits: pl.DataFrame) -> float | None:
    values = waits["value"].drop_nulls().sort()
    return float(values[ranks(len(values), 95).value]) if len(values) else None
