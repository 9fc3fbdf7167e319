"""Little's law as a check on a row of the load: requests per second times mean time is the mean number in flight.

J. D. C. Little, "A Proof for the Queuing Formula: L = λW", Operations Research 9 (1961) 383-387. The law holds for any
system whose beginning and end do not matter. Where a row breaks it, they do: the times of its requests are partly those
of another stage. The servers' own counts are a second witness, which knows nothing of the client's records.
"""
from __future__ import annotations

from collections import defaultdict

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model.bundle import SeriesName
from elastometer.model.load_rows import LittlesLaw
from elastometer.model.units import Instant, Nanoseconds

# Fewer scrapes are a look at a few instants and not a mean over the stage.
FEWEST_SAMPLES = 5
# Of a fraction of a request in flight, a percentage says nothing.
LEAST_IN_FLIGHT = 0.5
Window = tuple[Instant, Instant]


def littles_law(
    mine: pl.DataFrame, every: pl.DataFrame, window: Window, scraped: tuple[float, int] | None,
) -> LittlesLaw:
    """`mine` are the requests of the row, `every` all those that may have been in flight with them, `scraped` the mean
    by the servers' metrics with the number of instants that it is of."""
    length = window[1] - window[0]
    expected = _per(mine.select((pl.col("end") - pl.col("send")).sum()).item(), length) if mine.height else None
    return compared(expected, every, window, scraped)


def compared(
    expected: float | None, every: pl.DataFrame, window: Window, scraped: tuple[float, int] | None,
) -> LittlesLaw:
    """The same for a number in flight that is expected for another reason."""
    length = window[1] - window[0]
    start, end = (pl.col(name).clip(*window) for name in ("send", "end"))
    recorded = _per(every.select((end - start).sum()).item(), length) if every.height else None
    mean, samples = scraped if scraped is not None else (None, 0)
    return LittlesLaw(expected, recorded, mean, samples, _percent(expected, recorded), _percent(mean, recorded))


def scraped_in_flight(evidence: Evidence, window: Window) -> tuple[float, int] | None:
    """(mean of waiting and running over all replicas, instants that it is of); None for too few of them."""
    totals: dict[Instant, float] = defaultdict(float)
    names = [name for name in (SeriesName.WAITING, SeriesName.RUNNING) if evidence.samples(name) is not None]
    for name in names:
        result = evidence.samples(name)
        for one in result.series if result is not None else ():
            for time, value in one.samples:
                if window[0] <= time < window[1]:
                    totals[time] += value
    if len(names) < 2 or len(totals) < FEWEST_SAMPLES:
        return None
    return round(sum(totals.values()) / len(totals), 3), len(totals)


def _per(total: Nanoseconds | None, length: Nanoseconds) -> float | None:
    return round((total or 0) / length, 3) if length > 0 else None


def _percent(value: float | None, of: float | None) -> float | None:
    if value is None or of is None or max(value, of) < LEAST_IN_FLIGHT or of <= 0:
        return None
    return round(100 * (value / of - 1), 1)
