"""What the twin says would have happened. Seconds from the load's start."""
from __future__ import annotations

from array import array
from dataclasses import dataclass

from elastometer.hpa.decision import Decision
from elastometer.hpa.sync import Look

Steps = tuple[tuple[float, int], ...]


@dataclass(frozen=True, slots=True)
class Sync:
    """One look of the autoscaler: replicas before and after; where it was an HPA's, what it saw and its decision."""

    at: float
    before: int
    after: int
    decision: Decision | None
    look: Look | None = None


@dataclass(frozen=True, slots=True)
class ReplicaLife:
    """One replica: asked for, serving (None: never), told to go (None: stayed), gone."""

    number: int
    created: float
    ready: float | None
    deleted: float | None
    gone: float | None


@dataclass(frozen=True, slots=True)
class Prediction:
    """One array per quantity, one entry per arrival of the scenario, in its order; NaN where a request was not served
    before the horizon. `first_token` and `ended` are instants; `replica` is the number of the replica that served."""

    first_token: array[float]
    ended: array[float]
    replica: array[int]
    desired: Steps
    ready: Steps
    syncs: tuple[Sync, ...]
    replicas: tuple[ReplicaLife, ...]
    end_seconds: float

    @property
    def replica_seconds(self) -> float:
        """Seconds of all replicas from being asked for to being gone: what is paid for."""
        return sum((one.gone if one.gone is not None else self.end_seconds) - one.created for one in self.replicas)
