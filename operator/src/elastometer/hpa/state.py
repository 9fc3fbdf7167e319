"""What the controller remembers between two syncs. The real one keeps it in memory and loses it when it restarts."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from elastometer.hpa.decision import Condition


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What the metrics proposed at one sync, before stabilization."""

    at: float
    replicas: int


@dataclass(frozen=True, slots=True)
class ScaleRecord:
    """One rescale: by how many replicas (always positive). `outdated`: it was older than every policy's period when a
    later one was recorded, so its place may be reused."""

    at: float
    change: int
    outdated: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """The memory of one HPA; empty if it was never synced."""

    recommendations: tuple[Recommendation, ...] = ()
    scale_ups: tuple[ScaleRecord, ...] = ()
    scale_downs: tuple[ScaleRecord, ...] = ()
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    desired: int = 0


def restarted(state: State) -> State:
    """What remains after a restart of the controller: the HPA's status, which the API server keeps."""
    return State(conditions=state.conditions, desired=state.desired)
