"""Requests that took far longer than others at the same time, under a load that did not change.

A window of a steady part is compared with itself, task by task: what a request took beyond its own number of output
tokens, less the median of that. A rising queue moves the median with it, and a longer answer explains itself.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.requests.latency import of_stage
from elastometer.model import request_measures
from elastometer.model.units import MILLISECOND, SECOND, Instant

WINDOW = 30 * SECOND
# An outlier takes longer than its window's median by both.
LEAST_EXCESS = 300 * MILLISECOND
EXCESS_SHARE = 0.5
# Fewer requests of a task in a window have no median to speak of; fewer outliers are single requests.
FEWEST_REQUESTS, FEWEST_OUTLIERS = 20, 3
LEAST_SHARE = 0.05
# With so many more in flight than at the window's median, the load explains the time.
MORE_IN_FLIGHT = 1.25
# As it is sent a request is in flight, and as it ends it still is.
_SIDES: tuple[tuple[str, Literal["left", "right"]], ...] = (("send", "right"), ("end", "left"))
_USED = ("send", "end", "intended", "task", "pod", "prompt_tokens", "completion_tokens")


@dataclass(frozen=True, slots=True)
class SteadyPart:
    """A part of a stage in which the load does not change, in seconds from the start of the load."""

    stage: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class JitteryWindow:
    """`requests` are those of the window, `outliers` those among them that took far longer; `median` is in
    nanoseconds."""

    stage: str
    start: Instant
    end: Instant
    requests: pl.DataFrame
    outliers: pl.DataFrame
    median: float


def jittery_windows(evidence: Evidence, parts: Sequence[SteadyPart]) -> Iterator[JitteryWindow]:
    """The windows of the parts in which at least LEAST_SHARE of the requests are outliers."""
    for part in parts:
        start, end = (evidence.origin + round(at * SECOND) for at in (part.start_seconds, part.end_seconds))
        served = of_stage(evidence.table, part.stage).filter(
            request_measures.served(), pl.col("intended").is_between(start, end, closed="left")).select(_USED)
        if served.height < FEWEST_REQUESTS:
            continue
        # Those with which a closed loop begins are all sent at once.
        settled = start + 2 * int(served.select((pl.col("end") - pl.col("send")).median()).item())
        steady = _with_flying(served).filter(pl.col("intended") >= settled).with_columns(
            ((pl.col("intended") - settled) // WINDOW).alias("window"), took=pl.col("end") - pl.col("send"))
        yield from _windows(part.stage, steady, settled)


def _with_flying(served: pl.DataFrame) -> pl.DataFrame:
    """With how many requests were in flight on the same Pod as each was sent or as it ended, whichever is more, itself
    included: a balancer that gives one Pod more than another explains longer times."""
    parts = []
    for found in served.partition_by("pod"):
        sends, ends = found["send"].sort(), found["end"].sort()
        at = [(sends.search_sorted(found[name], side).cast(pl.Int64)
               - ends.search_sorted(found[name], side).cast(pl.Int64)).alias(name) for name, side in _SIDES]
        parts.append(found.with_columns(flying=pl.DataFrame(at).max_horizontal()))
    return pl.concat(parts).sort("intended", maintain_order=True)


def _windows(stage: str, steady: pl.DataFrame, settled: Instant) -> Iterator[JitteryWindow]:
    for key, found in steady.partition_by("window", as_dict=True).items():
        marked = _marked(found)
        outliers = marked.filter("is_outlier")
        if outliers.height >= FEWEST_OUTLIERS and outliers.height >= LEAST_SHARE * marked.height:
            start = settled + int(str(key[0])) * WINDOW
            median = found["took"].median()
            yield JitteryWindow(stage, start, start + WINDOW, found, outliers,
                                float(median) if isinstance(median, int | float) else 0.0)


def _marked(window: pl.DataFrame) -> pl.DataFrame:
    """With `is_outlier`. The pace is that of the window's median request; without counts of tokens it is 0."""
    tokens = pl.col("completion_tokens").fill_null(0)
    pace = pl.col("took").median() / tokens.median()
    own = pl.col("took") - pl.when(tokens.median() > 0).then(pace * (tokens - tokens.median())).otherwise(0.0)
    excess = (own - own.median()).over("task")
    usual = pl.col("took").median().over("task")
    return window.with_columns(
        is_outlier=(pl.len().over("task") >= FEWEST_REQUESTS) & (excess >= LEAST_EXCESS)
        & (excess >= EXCESS_SHARE * usual) & (pl.col("flying") <= MORE_IN_FLIGHT * pl.col("flying").median()))


def standstill_share(window: JitteryWindow) -> float:
    """Of the requests in flight at the instant at which most outliers were, the share that are outliers; each episode
    of outliers that overlap each other is looked at, and the median of them taken."""
    shares = sorted(_share_at(at, window) for at in _busiest(window.outliers))
    return shares[len(shares) // 2]


def _busiest(outliers: pl.DataFrame) -> Iterator[Instant]:
    """For each episode, the middle of the time in which most of its outliers were in flight together."""
    edges = sorted([(send, 1) for send in outliers["send"]] + [(end, -1) for end in outliers["end"]])
    count, most, since, middle = 0, 0, 0, 0
    for at, step in edges:
        if step < 0 and count == most:
            middle = (since + at) // 2
        count += step
        if step > 0 and count > most:
            most, since = count, at
        if count == 0:
            yield middle
            most = 0


def _share_at(at: Instant, window: JitteryWindow) -> float:
    flying = pl.col("send").le(at) & pl.col("end").gt(at)
    every = window.requests.filter(flying).height
    return window.outliers.filter(flying).height / every if every else 0.0
