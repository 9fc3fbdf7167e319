"""What the twin predicts for a scenario. All times are seconds from the start of the load."""
from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from elastometer.hpa.decision import Decision
from elastometer.hpa.sync import SyncInput
from elastometer.twin.ladder import Climb
from elastometer.twin.scenario import Arrival

Steps = tuple[tuple[float, int], ...]


@dataclass(frozen=True, slots=True)
class Sync:
    """One pass of the autoscaler: the replicas before and after it. For an HPA also what it saw, and its decision."""

    at: float
    before: int
    after: int
    decision: Decision | None
    input: SyncInput | None = None


@dataclass(frozen=True, slots=True)
class PredictedReplica:
    """When one replica was created, became Ready (None: never), was deleted (None: it stayed) and was gone."""

    number: int
    created: float
    ready: float | None
    deleted: float | None
    gone: float | None


@dataclass(frozen=True, slots=True)
class Prediction:
    """One array per quantity with one entry per request, in the order of `arrivals`; NaN if a request was not served
    before the horizon. `first_token` and `ended` are instants, `replica` is the number of the replica that served. The
    arrivals are those of the scenario, or what its users sent; `ids` are their ids in the load, and
    `climbs` what its Knees found."""

    arrivals: tuple[Arrival, ...]
    ids: Sequence[int]
    first_token: array[float]
    ended: array[float]
    replica: array[int]
    desired: Steps
    ready: Steps
    syncs: tuple[Sync, ...]
    replicas: tuple[PredictedReplica, ...]
    end_seconds: float
    climbs: tuple[Climb, ...] = ()

    @property
    def replica_seconds(self) -> float:
        """Seconds of all replicas from their creation until they are gone: what is paid for."""
        return sum((self.end_seconds if replica.gone is None else replica.gone) - replica.created
                   for replica in self.replicas)
