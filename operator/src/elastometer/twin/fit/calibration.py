"""The twin's parameters as a recorded run shows them, each with its source and its error."""
from __future__ import annotations

from dataclasses import dataclass

from elastometer.twin.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Fitted:
    """One parameter. `source` says in words where it comes from. `error_percent` is the median deviation of the
    observations from the fit and `count` their number; None for a parameter that was stated and not fitted."""

    name: str
    value: float | str
    unit: str
    source: str
    error_percent: float | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """`scenario` is that of the recorded run, with everything random drawn from a seed. `recorded` is the same scenario
    with the run's own random draw: which replica each request went to, when replicas were scraped, how long each cold
    start took. `notes` state what had to be assumed, as sentences."""

    scenario: Scenario
    recorded: Scenario
    fitted: tuple[Fitted, ...]
    notes: tuple[str, ...]
