"""The run on one clock: offered and served load, first-token times, replicas."""
from __future__ import annotations

from collections import defaultdict
from itertools import accumulate
from math import ceil

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence, last_end
from elastometer.analysis.evidence.replicas import ReplicaCurves
from elastometer.analysis.evidence.steps import Steps
from elastometer.model import request_measures
from elastometer.model.bundle import SeriesName
from elastometer.model.measurements import ScrapedCurve, Timeline
from elastometer.model.measurements import Steps as Points
from elastometer.model.report import StageBand
from elastometer.model.terms import StageWindow
from elastometer.model.units import SECOND, Instant, to_milliseconds, to_seconds

# A report stays small enough for a ConfigMap however long the run is.
MAX_BINS = 1200
# Percentiles of shorter windows would be those of a handful of requests.
WINDOW_SECONDS = 5


def timeline(evidence: Evidence, curves: ReplicaCurves) -> Timeline:
    """Bins from the start of the load to the end of the last request; replicas over everything that was watched."""
    last = last_end(evidence.table)
    length = ((evidence.load_end if last is None else last) - evidence.origin) / SECOND
    width = max(1, ceil(length / MAX_BINS))
    bins = max(0, ceil(length / width)) if evidence.requests else 0
    starts = tuple(float(index * width) for index in range(bins))
    rates = _rates(evidence, bins, width)
    windows = _windows(evidence, max(WINDOW_SECONDS, 5 * width))
    end = max((one for one in (evidence.last_seen, last) if one is not None), default=None)
    return Timeline(
        bin_seconds=float(width), seconds=starts,
        planned=tuple(_planned(evidence.stages, start + width / 2) for start in starts),
        offered=rates["offered"], sent=rates["sent"], served=rates["served"], failed=rates["failed"],
        in_flight=_in_flight(evidence, bins, width),
        window_seconds=float(max(WINDOW_SECONDS, 5 * width)), window_starts=tuple(row[0] for row in windows),
        first_token_p50_milliseconds=tuple(row[1] for row in windows),
        first_token_p95_milliseconds=tuple(row[2] for row in windows),
        desired=as_points(curves.desired), spec=as_points(curves.ordered), created=as_points(curves.created),
        ready=as_points(curves.ready), serving=as_points(curves.serving), curves=_curves(evidence),
        start_seconds=_first(evidence), end_seconds=None if end is None else evidence.seconds(end),
    )


def bands(evidence: Evidence) -> tuple[StageBand, ...]:
    """The stages on the time axis; a stage that left no trace is not drawn."""
    return tuple(StageBand(stage.name, stage.start_seconds, stage.end_seconds) for stage in evidence.stages
                 if stage.start_seconds is not None and stage.end_seconds is not None)


def as_points(steps: Steps) -> Points:
    """(seconds, whole replicas), as the report holds a curve."""
    return tuple((time, int(value)) for time, value in steps.points)


def _first(evidence: Evidence) -> float | None:
    times = [seen.received for pod in evidence.pods for seen in pod.sightings[:1]]
    times += [seen.received for seen in evidence.deployments[:1]]
    times += [evidence.origin] if evidence.requests else []
    return evidence.seconds(min(times)) if times else None


def _planned(stages: tuple[StageWindow, ...], time: float) -> float | None:
    """The schedule's rate, which moves in a straight line within a stage; None where a stage plans none, and where it
    is not known which stage it was."""
    for stage in stages:
        start, end = stage.start_seconds, stage.end_seconds
        if start is not None and end is not None and start <= time < end:
            if stage.start_rate is None or stage.end_rate is None:
                return None
            share = (time - start) / (end - start)
            return round(stage.start_rate + share * (stage.end_rate - stage.start_rate), 3)
    return None if any(stage.end_seconds is None for stage in stages) else 0.0


def _rates(evidence: Evidence, bins: int, width: int) -> dict[str, tuple[float, ...]]:
    is_served, ended = request_measures.served(), pl.col("end")
    instants = {
        "offered": pl.col("intended"), "sent": pl.col("send"),
        "served": pl.when(is_served).then(ended), "failed": pl.when(~is_served).then(ended),
    }
    return {name: tuple(round(count / width, 3) for count in _counts(evidence, instant, bins, width))
            for name, instant in instants.items()}


def _counts(evidence: Evidence, instant: pl.Expr, bins: int, width: int) -> list[int]:
    """How many of the instants fall into each bin; those outside of all bins are not counted."""
    place = ((instant - evidence.origin) // (width * SECOND)).alias("place")
    found = evidence.table.lazy().select(place).filter(pl.col("place").is_between(0, bins - 1)).group_by("place").len()
    counts = dict(found.collect().iter_rows())
    return [counts.get(place, 0) for place in range(bins)]


def _in_flight(evidence: Evidence, bins: int, width: int) -> tuple[int, ...]:
    """Requests that were sent and had not ended, at the end of each bin."""
    outer, was_sent = (evidence.origin, evidence.origin + bins * width * SECOND), pl.col("send").is_not_null()
    sent = _counts(evidence, pl.col("send").clip(*outer), bins, width)
    ended = _counts(evidence, pl.when(was_sent).then(pl.col("end")).clip(*outer), bins, width)
    return tuple(accumulate(one - other for one, other in zip(sent, ended, strict=True)))


def _windows(evidence: Evidence, width: int) -> list[tuple[float, float | None, float | None]]:
    """(start, p50, p95) of the times to first token, by intended time; None for a window without any."""
    place = ((pl.col("intended") - evidence.origin) // (width * SECOND)).alias("place")
    wait = pl.col("wait").sort()
    found = evidence.table.lazy().select(place, request_measures.time_to_first_token().alias("wait")) \
        .drop_nulls("wait").group_by("place").agg(wait.get(_rank(50)).alias("p50"), wait.get(_rank(95)).alias("p95"))
    known = {place: (to_milliseconds(p50), to_milliseconds(p95)) for place, p50, p95 in found.collect().iter_rows()}
    if not known:
        return []
    return [(float(index * width), *known.get(index, (None, None))) for index in range(min(known), max(known) + 1)]


def _rank(percentile: int) -> pl.Expr:
    """The place of a percentile by nearest rank, in whole numbers."""
    return (percentile * pl.len() + 99) // 100 - 1


def _curves(evidence: Evidence) -> tuple[ScrapedCurve, ...]:
    """Scraped queue and batch, summed over the replicas at each instant of the query's grid."""
    curves = []
    for name in (SeriesName.WAITING, SeriesName.RUNNING):
        result = evidence.samples(name)
        totals: dict[Instant, float] = defaultdict(float)
        for one in result.series if result else ():
            for time, value in one.samples:
                totals[time] += value
        if totals:
            points = ((to_seconds(time - evidence.origin), round(totals[time], 3)) for time in sorted(totals))
            curves.append(ScrapedCurve(name.value, tuple(points)))
    return tuple(curves)
