"""A prediction together with its test: the input of a predicted report."""
from __future__ import annotations

from dataclasses import dataclass

from elastometer.model.document import Document
from elastometer.model.names import Names
from elastometer.model.prediction_basis import PredictionBasis
from elastometer.model.units import SECOND, Instant, parse_instant
from elastometer.plan import TestPlan
from elastometer.twin.prediction import Prediction
from elastometer.twin.scenario import Scenario

# The load's start in virtual time: a round date in the past, so that nobody takes it for the time of a real run.
ORIGIN: Instant = parse_instant("2000-01-01T00:00:00Z")


@dataclass(frozen=True, slots=True)
class PredictedRun:
    """`autoscaler` is the spec of the HorizontalPodAutoscaler that decides, as the API would serve it; None without
    one."""

    plan: TestPlan
    scenario: Scenario
    prediction: Prediction
    basis: PredictionBasis
    autoscaler: Document | None


def instant(seconds: float) -> Instant:
    """The instant in virtual time, from seconds since the load's start."""
    return ORIGIN + round(seconds * SECOND)


def pod_name(names: Names, replica: int) -> str:
    """The Pod that stands for a replica. No ReplicaSet creates such a name, so it cannot be taken for a real Pod."""
    return f"{names.server}-predicted-{replica}"
