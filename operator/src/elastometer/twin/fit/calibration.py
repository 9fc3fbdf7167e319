"""The twin's parameters as a recorded run shows them, each with its source and its error."""
from __future__ import annotations

from dataclasses import dataclass

from elastometer.model.capacity import Fitted
from elastometer.twin.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Calibration:
    """`scenario` is that of the recorded run, with everything random drawn from a seed. `recorded` is the same scenario
    with the run's own random draw: which replica each request went to, when replicas were scraped, how long each cold
    start took. `notes` state what had to be assumed, as sentences."""

    scenario: Scenario
    recorded: Scenario
    fitted: tuple[Fitted, ...]
    notes: tuple[str, ...]
