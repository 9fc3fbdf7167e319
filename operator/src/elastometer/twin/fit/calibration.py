"""What a recorded run says about the twin's parameters, and how well: each with its source."""
from __future__ import annotations

from dataclasses import dataclass

from elastometer.twin.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Fitted:
    """One parameter. `source` says in words where it comes from; `error_percent` is the median deviation of what was
    observed from what the fit says, `count` from how many observations; None where it was stated and not fitted."""

    name: str
    value: float | str
    unit: str
    source: str
    error_percent: float | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """The scenario of the recorded run itself, with chance drawn; `recorded` is the same with what chance made of it in
    the run: which replica each request went to, and how long each cold start was. `notes` are what had to be assumed,
    as sentences."""

    scenario: Scenario
    recorded: Scenario
    fitted: tuple[Fitted, ...]
    notes: tuple[str, ...]
