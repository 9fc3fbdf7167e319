"""The charts of the levels: rate, latency, errors and memory over the level, as points with their intervals.

They are drawn by the template, without a script: a level is a handful of points.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from elastometer.model.levels import LEVEL_WORDS, LevelRow, ladders
from elastometer.model.verdict import Verdict
from elastometer.render.tables.chart import Chart, ChartPoint
from elastometer.render.wording import numbers, resources
from elastometer.render.wording.levels import level_name

# In units of the drawing, which the page scales.
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 320, 150, 14, 14, 22, 22
# (value, low, high) of one level; None where it was not measured.
Reading: TypeAlias = tuple[float | None, float | None, float | None]


def level_charts(rows: Sequence[LevelRow]) -> tuple[Chart, ...]:
    """Over the levels of the longest ladder; none for fewer than two different levels."""
    found = ladders(rows)
    if not found:
        return ()
    of, drawn = found[0][0].of, found[0]
    charts = (_chart(f"{title}, over {LEVEL_WORDS[of]}", drawn, read, shown) for title, read, shown in _QUANTITIES)
    return tuple(one for one in charts if one is not None)


def _rate(row: LevelRow) -> Reading:
    value, spread = row.requests_per_second, row.requests_per_second_plus_minus or 0.0
    return (None, None, None) if value is None else (value, value - spread, value + spread)


def _p95(row: LevelRow) -> Reading:
    interval = row.latency.intervals.get("p95")
    return row.latency.p95, *((None, None) if interval is None else (interval.low, interval.high))


def _errors(row: LevelRow) -> Reading:
    return (None, None, None) if row.errors is None else (
        row.errors.percent, row.errors.interval.low, row.errors.interval.high)


def _memory(row: LevelRow) -> Reading:
    return row.memory.mean_bytes, None, row.memory.peak_bytes


_QUANTITIES: tuple[tuple[str, Callable[[LevelRow], Reading], Callable[[float], str]], ...] = (
    ("Requests/s", _rate, lambda value: f"{value:,.1f}"), ("P95 of latency", _p95, numbers.duration),
    ("Errors", _errors, lambda value: f"{value:.2g} %"),
    ("Memory", _memory, lambda value: resources.amount(value, "bytes")),
)


def _chart(
    title: str, rows: Sequence[LevelRow], read: Callable[[LevelRow], Reading], shown: Callable[[float], str],
) -> Chart | None:
    """None where fewer than two levels have a value."""
    found = [(row, value, low, high) for row in rows for value, low, high in (read(row),) if value is not None]
    if len(found) < 2:
        return None
    levels = [row.level or 0 for row, *_ in found]
    top = max(one for _, value, _, high in found for one in (value, high or 0.0)) or 1.0
    points = tuple(
        ChartPoint(_x(row.level or 0, levels), _y(value, top), _y(low if low is not None else value, top),
                   _y(high if high is not None else value, top), shown(value),
                   f"{level_name(row)}: {shown(value)}", row.verdict is Verdict.FAIL)
        for row, value, low, high in found)
    ticks = tuple((_x(level, levels), f"{level:,}") for level in dict.fromkeys(levels))
    return Chart(title, points, ticks, " ".join(f"{one.x:g},{one.y:g}" for one in points))


def _x(level: int, levels: Sequence[int]) -> float:
    low, high = min(levels), max(levels)
    share = (level - low) / (high - low) if high > low else 0.5
    return round(LEFT + 16 + share * (WIDTH - LEFT - RIGHT - 32), 1)


def _y(value: float, top: float) -> float:
    return round(HEIGHT - BOTTOM - max(0.0, value) / top * (HEIGHT - TOP - BOTTOM), 1)
