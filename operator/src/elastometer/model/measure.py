"""What a measure of a run is that can be compared with another run's; `measures` has the registry of them."""
from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import inf


class Better(StrEnum):
    """Which way a measure is better."""

    LOWER = "LowerIsBetter"
    HIGHER = "HigherIsBetter"


class Scale(StrEnum):
    """On which scale runs of one variant scatter, and therefore on which they are compared."""

    LINEAR = "Linear"  # by an amount: what may be 0, and shares
    LOGARITHMIC = "Logarithmic"  # by a factor: what is always above 0, such as latencies and GPU-seconds


class MeasureGroup(StrEnum):
    """Where a measure belongs, in the order of a report."""

    OBJECTIVES = "Objectives"
    PRICE = "Price"
    LATENCY = "Latency"
    REQUESTS = "Requests"
    ELASTICITY = "Elasticity"
    SCALING = "Scaling"
    RESOURCES = "Resources"


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a run. `source` is its place in report.json.

    `resolution` is the step of the grid on which a run's value is known (1 for counts): a difference between two runs
    that is no larger is a draw, and no noise is taken to be smaller. `is_primary` marks the two that decide which
    variant is best. The `unit` of money is that of spec.price, and empty here.
    """

    name: str
    title: str
    unit: str
    better: Better
    group: MeasureGroup
    source: str
    description: str
    scale: Scale = Scale.LINEAR
    resolution: float = 1.0
    is_primary: bool = False

    @property
    def highest(self) -> float:
        """More than this no run can have; less than 0 none can have of any measure."""
        return {"%": 100.0, "share": 1.0}.get(self.unit, inf)
