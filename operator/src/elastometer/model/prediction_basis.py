"""What a predicted report is based on. A report with a basis was computed by the simulator; nothing was measured."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class DrawnFigure(StrEnum):
    """The figures whose range over the draws is stated, by the names that they have in a report."""

    FIRST_TOKEN = "TTFT p95"
    SCALE_OUT_LAG = "Scale-out lag"
    COLD_START = "Cold start"
    FIRST_SCALE_OUT = "First scale-out"
    SCALE_OUTS = "Scale-outs"
    SCALE_INS = "Scale-ins"
    PEAK_READY = "Peak Ready replicas"
    REQUESTS = "Requests"
    NOT_SERVED = "Requests not served"
    REPLICA_SECONDS = "Replica-seconds"
    GPU_SECONDS = "GPU-seconds"


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

    def range_of(self, figure: DrawnFigure) -> DrawRange | None:
        """The range of one figure; None if there is only one draw, or none of them has it."""
        found = next((one for one in self.intervals if one.name == figure), None)
        return None if self.draws < 2 or found is None or found.low is None else found
