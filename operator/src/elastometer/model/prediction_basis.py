"""What a predicted report is based on. A report with a basis was computed by the simulator; nothing was measured."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DrawRange:
    """One figure of the report over all draws: smallest, median and largest value; None where no draw has it."""

    name: str
    unit: str
    low: float | None
    median: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class PredictionBasis:
    """Where each input comes from, in words and numbers. `seed` belongs to the draw that is shown, whose TTFT p95 is
    the median of all `draws`. `verdicts` counts the verdicts of the draws. `assumptions` are what the simulator takes
    for granted and a real run does not."""

    tool: str
    capacity: str
    cold_starts: str
    autoscaler: str
    seed: int
    draws: int = 1
    verdicts: Mapping[str, int] = field(default_factory=dict)
    intervals: tuple[DrawRange, ...] = ()
    assumptions: tuple[str, ...] = ()
