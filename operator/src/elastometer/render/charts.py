"""What the charts of the HTML report draw: arrays on one axis, seconds from the start of the load."""
from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from math import ceil
from typing import TypeAlias

from elastometer.model.measurements import Timeline
from elastometer.model.report import Report
from elastometer.render.wording import knees

Column: TypeAlias = list[float | None]
# A chart is about 1,200 pixels wide; narrower bins would be noise.
BINS_SHOWN = 150
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
    """x, planned, offered, served, failed: bins are merged until they fit, and each is still a mean rate."""
    merge = max(1, ceil(len(line.seconds) / BINS_SHOWN))
    starts: Column = [line.seconds[index] for index in range(0, len(line.seconds), merge)]
    columns = (line.planned, line.offered, line.served, line.failed)
    return [starts, *(_merged(column, merge) for column in columns)]


def _merged(values: Sequence[float | None], merge: int) -> Column:
    groups = (values[index:index + merge] for index in range(0, len(values), merge))
    known = ([value for value in group if value is not None] for group in groups)
    return [round(sum(group) / len(group), 3) if group else None for group in known]


def _first_token(line: Timeline) -> list[Column]:
    """x, p50, p95 at the middle of each window."""
    middle: Column = [start + line.window_seconds / 2 for start in line.window_starts]
    return [middle, list(line.first_token_p50_milliseconds), list(line.first_token_p95_milliseconds)]


def _replicas(line: Timeline) -> list[Column]:
    """x, desired, spec, created, ready, serving, each held until it changes."""
    functions = (line.desired, line.spec, line.created, line.ready, line.serving)
    times = sorted({time for steps in functions for time, _ in steps} | set(_range(line)))
    columns = [[value_at(steps, time) for time in times] for steps in functions]
    return [[*times], *columns]


def value_at(steps: Sequence[tuple[float, int | None]], time: float) -> float | None:
    """The value that holds at the time; None before the first step."""
    index = bisect_right(steps, time, key=lambda step: step[0]) - 1
    return None if index < 0 else steps[index][1]


def _queue(line: Timeline) -> list[dict[str, object]]:
    """Requests in flight from the request records; waiting and running from the servers' metrics."""
    curves: list[dict[str, object]] = [
        {"name": one.name, "x": [time for time, _ in one.points], "y": [value for _, value in one.points]}
        for one in line.curves
    ]
    ends = [start + line.bin_seconds for start in line.seconds]
    return [{"name": "in_flight", "x": ends, "y": list(line.in_flight)}, *curves]
