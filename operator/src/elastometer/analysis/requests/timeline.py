"""The run on one clock: offered and served load, first-token times, replicas."""
from __future__ import annotations

from collections import defaultdict
from math import ceil, floor

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.replicas import ReplicaCurves
from elastometer.analysis.evidence.steps import Steps
from elastometer.model.bundle import SeriesName
from elastometer.model.measurements import ScrapedCurve, Timeline
from elastometer.model.measurements import Steps as Points
from elastometer.model.report import StageBand
from elastometer.model.terms import StageWindow
from elastometer.model.units import SECOND, Instant, to_milliseconds, to_seconds
from elastometer_loadgen.base.measures import nearest_rank, time_to_first_token
from elastometer_loadgen.base.record import Outcome

# A report stays small enough for a ConfigMap however long the run is.
MAX_BINS = 1200
# Percentiles of shorter windows would be those of a handful of requests.
WINDOW_SECONDS = 5


def timeline(evidence: Evidence, curves: ReplicaCurves) -> Timeline:
    """Bins from the start of the load to the end of the last request; replicas over everything that was watched."""
    last = max((record.end or record.intended for record in evidence.requests), default=None)
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
    counts = {name: [0] * bins for name in ("offered", "sent", "served", "failed")}

    def count(name: str, instant: Instant | None) -> None:
        index = -1 if instant is None else (instant - evidence.origin) // (width * SECOND)
        if 0 <= index < bins:
            counts[name][index] += 1

    for record in evidence.requests:
        count("offered", record.intended)
        count("sent", record.send)
        count("served" if record.outcome is Outcome.SUCCESS else "failed", record.end)
    return {name: tuple(round(value / width, 3) for value in values) for name, values in counts.items()}


def _in_flight(evidence: Evidence, bins: int, width: int) -> tuple[int, ...]:
    """Requests that were sent and had not ended, at the end of each bin."""
    moves = [0] * (bins + 1)
    for record in evidence.requests:
        for instant, move in ((record.send, 1), (record.end if record.send is not None else None, -1)):
            if instant is not None:
                moves[min(bins, max(0, (instant - evidence.origin) // (width * SECOND)))] += move
    total = 0
    levels: list[int] = []
    for move in moves[:bins]:
        total += move
        levels.append(total)
    return tuple(levels)


def _windows(evidence: Evidence, width: int) -> list[tuple[float, float | None, float | None]]:
    """(start, p50, p95) of the times to first token, by intended time; None for a window without any."""
    groups: dict[int, list[int]] = defaultdict(list)
    for record in evidence.requests:
        if (value := time_to_first_token(record)) is not None:
            groups[floor((record.intended - evidence.origin) / (width * SECOND))].append(value)
    if not groups:
        return []
    rows: list[tuple[float, float | None, float | None]] = []
    for index in range(min(groups), max(groups) + 1):
        values = sorted(groups.get(index, []))
        p50, p95 = nearest_rank(values, 50), nearest_rank(values, 95)
        rows.append((float(index * width), None if p50 is None else to_milliseconds(p50),
                     None if p95 is None else to_milliseconds(p95)))
    return rows


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
