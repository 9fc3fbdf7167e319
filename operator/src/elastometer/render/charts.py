"""What the charts of the HTML report draw: arrays on one axis, seconds from the start of the load. Long curves are
downsampled so that their extremes stay; report.json has every point."""
from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeAlias

from elastometer.model.measurements import Timeline
from elastometer.model.report import Report
from elastometer.render.downsample import downsampled, kept_points
from elastometer.render.wording import knees

Column: TypeAlias = list[float | None]
Curve: TypeAlias = tuple[list[float], list[float | None]]
# How much of the time before the load is shown, as a share of the time after its start.
LEAD_SHARE = 0.2


def chart_data(report: Report) -> dict[str, object]:
    """Everything that the script of the report needs: numbers and names only."""
    line = report.timeline
    return {
        "range": _range(line),
        "stages": [{"name": one.name, "from": one.start_seconds, "to": one.end_seconds} for one in report.stages],
        "gaps": [{"from": one.start_seconds, "to": one.end_seconds} for one in report.quality.gaps],
        "atZero": [{"from": wake.at_zero_seconds, "to": _range(line)[1] if wake.served_seconds is None else
                    wake.served_seconds} for wake in report.wakes],
        "steps": [{"from": one.start_seconds, "to": one.end_seconds, "value": one.value,
                   "failed": one.failed is not None} for knee in report.knees for _, one in knees.rows(knee)],
        "events": [{"at": one.seen.seconds, "step": one.to_replicas - one.from_replicas}
                   for one in report.scale_events],
        "bounds": _bounds(report),
        "load": _load(line), "firstToken": _first_token(line),
        "replicas": _replicas(line), "queue": _queue(line),
    }


def _range(line: Timeline) -> list[float]:
    end = line.end_seconds if line.end_seconds is not None else 0.0
    start = line.start_seconds if line.start_seconds is not None else 0.0
    return [max(start, -LEAD_SHARE * end) if end > 0 else start, end]


def _bounds(report: Report) -> list[dict[str, float]]:
    """Objectives for the time to first token, as lines over the stage that they judge or over the whole load."""
    spans = {one.name: (one.start_seconds, one.end_seconds) for one in report.stages}
    whole = (0.0, max((end for _, end in spans.values()), default=0.0))
    return [
        {"from": span[0], "to": span[1], "milliseconds": one.bound}
        for one in report.objectives
        if one.indicator == "TimeToFirstToken" and one.bound is not None
        for span in (whole if one.stage is None else spans.get(one.stage),) if span is not None
    ]


def _load(line: Timeline) -> list[Column]:
    """x, planned, offered, served, failed: the mean rate of each bin, and of many bins those with the extremes."""
    columns = (line.planned, line.offered, line.served, line.failed)
    kept = kept_points(line.seconds, columns)
    return [[values[index] for index in kept] for values in (line.seconds, *columns)]


def _first_token(line: Timeline) -> list[Column]:
    """x, p50, p95 at the middle of each window."""
    columns = (line.first_token_p50_milliseconds, line.first_token_p95_milliseconds)
    kept = kept_points(line.window_starts, columns)
    middle: Column = [line.window_starts[index] + line.window_seconds / 2 for index in kept]
    return [middle, *([values[index] for index in kept] for values in columns)]


def _replicas(line: Timeline) -> list[Curve]:
    """Desired, spec, created, ready, serving: times and values, each held until it changes."""
    functions = (line.desired, line.spec, line.created, line.ready, line.serving)
    return [downsampled([time for time, _ in steps], [value for _, value in steps]) for steps in functions]


def value_at(steps: Sequence[tuple[float, int | None]], time: float) -> float | None:
    """The value that holds at the time; None before the first step."""
    index = bisect_right(steps, time, key=lambda step: step[0]) - 1
    return None if index < 0 else steps[index][1]


def _queue(line: Timeline) -> list[dict[str, object]]:
    """Requests in flight from the request records; waiting and running from the servers' metrics."""
    ends = [start + line.bin_seconds for start in line.seconds]
    curves: list[tuple[str, list[float], Sequence[float]]] = [("in_flight", ends, line.in_flight)]
    curves += [(one.name, [time for time, _ in one.points], [value for _, value in one.points]) for one in line.curves]
    return [{"name": name, "x": x, "y": y} for name, times, values in curves
            for x, y in (downsampled(times, values),)]
