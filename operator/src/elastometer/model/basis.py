"""What a predicted report rests on. A report that has a basis was computed from a model: nothing in it was measured."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Interval:
    """One number of the report over all draws: the smallest, the median, the largest; None where no draw has it."""

    name: str
    unit: str
    low: float | None
    median: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class PredictionBasis:
    """Where each input is from, in words with its numbers. `seed` is of the draw that is shown: the one whose TTFT p95
    is the median of all `draws`; `verdicts` counts how the draws ended. `assumptions` are what the model takes for
    granted and a run would not."""

    tool: str
    capacity: str
    cold_starts: str
    autoscaler: str
    seed: int
    draws: int = 1
    verdicts: Mapping[str, int] = field(default_factory=dict)
    intervals: tuple[Interval, ...] = ()
    assumptions: tuple[str, ...] = ()
