"""What the controller keeps between two looks; in the real one, in memory, and lost when it restarts."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from elastometer.hpa.decision import Condition


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What the metrics asked for at one sync, before stabilization."""

    at: float
    replicas: int


@dataclass(frozen=True, slots=True)
class ScaleRecord:
    """One rescale: by how many replicas (always positive). `outdated`: older than every policy's period when a later
    one was recorded, so that its place may be taken."""

    at: float
    change: int
    outdated: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """Empty for an HPA that was never synced."""

    recommendations: tuple[Recommendation, ...] = ()
    scale_ups: tuple[ScaleRecord, ...] = ()
    scale_downs: tuple[ScaleRecord, ...] = ()
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    desired: int = 0


def restarted(state: State) -> State:
    """What is left after the controller was restarted: the HPA's status, which the API server keeps."""
    return State(conditions=state.conditions, desired=state.desired)
