"""A prediction together with the test that it is about: what a predicted report is made of."""
from __future__ import annotations

from dataclasses import dataclass

from elastometer.model.basis import PredictionBasis
from elastometer.model.document import Document
from elastometer.model.names import Names
from elastometer.model.units import SECOND, Instant, parse_instant
from elastometer.plan import TestPlan
from elastometer.twin.prediction import Prediction
from elastometer.twin.scenario import Scenario

# The load's start in virtual time. A round date of the past: nobody takes it for the time of a run.
ORIGIN: Instant = parse_instant("2000-01-01T00:00:00Z")


@dataclass(frozen=True, slots=True)
class Foretold:
    """`autoscaler` is the spec of the HorizontalPodAutoscaler that decides, as the API would serve it; None where none
    does."""

    plan: TestPlan
    scenario: Scenario
    prediction: Prediction
    basis: PredictionBasis
    autoscaler: Document | None


def instant(seconds: float) -> Instant:
    """Virtual time, from seconds since the load's start."""
    return ORIGIN + round(seconds * SECOND)


def pod_name(names: Names, replica: int) -> str:
    """The Pod that stands for a replica; no ReplicaSet makes such a name."""
    return f"{names.server}-predicted-{replica}"
