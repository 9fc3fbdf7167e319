"""Work that arrives and work that waits, as whole replicas over time. Pure arithmetic on columns.

The demand at a time is the work that arrives per second: a replica does one replica-second of work in each second. The
backlog's demand adds the work that waits at the start of the window, if it is to be worked off within `drain` seconds.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import ceil

import polars as pl

from elastometer.analysis.capacity.work import Work
from elastometer.analysis.demand.arrivals import Arrivals
from elastometer.analysis.evidence.steps import Steps
from elastometer.model.terms import StageWindow
from elastometer.model.units import SECOND

# A window holds this many requests on average, so that the random number of arrivals in it moves the demand by less
# than a fifth; it is a whole number of seconds between these two.
REQUESTS_PER_WINDOW = 30
SHORTEST_SECONDS, LONGEST_SECONDS = 5, 30
# Of two numbers that differ by less than this, floating point decides which is larger.
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Windows:
    """`edges` rise from the start of the load to its end; `work` is what arrived between two of them per second, and
    `waiting` what waited at the first of the two. Both in replicas: replica-seconds per second, and replica-seconds.
    `shares` is how much of its time a replica can spend on it, 0 to 1."""

    edges: tuple[float, ...]
    work: tuple[float, ...]
    waiting: tuple[float, ...]
    shares: tuple[float, ...]

    def load(self) -> Steps:
        """What arrives in replicas and parts of them, before it is rounded up."""
        return self._over_time([work / share for work, share in zip(self.work, self.shares, strict=True)], 0.0)

    def arrival(self, floor: int, factor: float = 1.0) -> Steps:
        """The fewest replicas for what arrives, at least `floor`; `factor` scales the work of each request."""
        return self._steps([factor * work for work in self.work], floor)

    def backlog(self, floor: int, drain: float) -> Steps:
        """The same, with what waits worked off within `drain` seconds."""
        return self._steps([work + waiting / drain for work, waiting in zip(self.work, self.waiting, strict=True)],
                           floor)

    def _steps(self, levels: Sequence[float], floor: int) -> Steps:
        wanted = [float(max(floor, ceil(level / share - ROUNDING)))
                  for level, share in zip(levels, self.shares, strict=True)]
        return self._over_time(wanted, float(floor))

    def _over_time(self, levels: Sequence[float], after: float) -> Steps:
        """After the load nothing arrives; the last step lets the curve end there."""
        return Steps.of([*zip(self.edges[:-1], levels, strict=True), (self.edges[-1], after)])


def window_seconds(count: int, length: float) -> float:
    """How long a window is for a run of `count` requests over `length` seconds."""
    wanted = ceil(REQUESTS_PER_WINDOW * length / count) if count else LONGEST_SECONDS
    return float(min(LONGEST_SECONDS, max(SHORTEST_SECONDS, wanted)))


def edges_of(stages: Iterable[StageWindow], end: float, width: float) -> tuple[float, ...]:
    """Where windows begin and end: they start again with each stage, so that a step of the load stays a step. A window
    that a stage would cut to less than half belongs to the one before."""
    starts = {stage.start_seconds for stage in stages if stage.start_seconds is not None}
    bounds = sorted({0.0, end, *(start for start in starts if 0 < start < end)})
    edges = [0.0]
    for left, right in pairwise(bounds):
        whole = max(1, round((right - left) / width))
        edges += [left + number * width for number in range(1, whole)]
        edges.append(right)
    return tuple(edges)


def windows(
    arrivals: Arrivals, work: Work, edges: tuple[float, ...], share_at: Callable[[float], float],
) -> Windows:
    """The work of the requests by windows. What came before the first edge, by its clock, counts as having come then,
    and what came after the last one is not part of the load. `share_at` is the share of Windows at a time."""
    tokens = work.per_prompt_token * pl.col("prompt") + work.per_output_token * pl.col("output")
    # In whole nanoseconds: their sum is exact, in whatever order the threads of polars add them up.
    nanoseconds = (SECOND * (work.per_request + tokens)).round().cast(pl.Int64)
    at = pl.col("at").clip(lower_bound=edges[0])
    known = arrivals.rows.lazy().filter(at < edges[-1])
    came = _by_window(known.select(instant=at, work=nanoseconds), edges)
    went = _by_window(known.filter(pl.col("left").is_not_null()).select(
        instant=pl.max_horizontal(pl.col("left"), at), work=nanoseconds), edges)
    # What waits at an edge came in a window before it and left in none.
    waiting = [0, *accumulate(arrived - left for arrived, left in zip(came, went, strict=True))][:-1]
    rates = [amount / SECOND / (right - left) for amount, (left, right) in zip(came, pairwise(edges), strict=True)]
    return Windows(edges, tuple(rates), tuple(amount / SECOND for amount in waiting),
                   tuple(map(share_at, edges[:-1])))


def _by_window(rows: pl.LazyFrame, edges: tuple[float, ...]) -> list[int]:
    """The sum of `work` by the window that its `instant` lies in."""
    found = [0] * (len(edges) - 1)
    place = pl.lit(pl.Series(edges)).search_sorted(pl.col("instant"), side="right").cast(pl.Int64) - 1
    sums = rows.select("work", place=place).group_by("place").agg(pl.col("work").sum()).collect()
    for number, amount in sums.iter_rows():
        if 0 <= number < len(found):
            found[number] = amount
    return found
