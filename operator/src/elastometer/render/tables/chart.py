"""A chart of a handful of points with their intervals, which the template draws without a script."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """Where a value is drawn, with the ends of its interval, and what is said of it."""

    x: float
    y: float
    low: float
    high: float
    label: str
    tip: str
    is_bad: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """One quantity over another; `ticks` has (x, words), `line` the points joined in their order."""

    title: str
    points: tuple[ChartPoint, ...]
    ticks: tuple[tuple[float, str], ...]
    line: str
