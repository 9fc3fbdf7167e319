"""A row of looks with what the real controller made of each: a trace, or what a bundle lets us know of a run."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from elastometer.hpa.decision import Condition
from elastometer.hpa.settings import HpaSpec
from elastometer.hpa.sync import Look


@dataclass(frozen=True, slots=True)
class ObservedAccount:
    """What else the real controller let know: `proposed` by its metrics (from its log), None where it proposed nothing;
    the values of its metrics as its status gives them, milli-units or percent: None for one that failed, empty where
    it gives none."""

    proposed: int | None
    status_desired: int | None
    values: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Observed:
    """What the real controller left behind after a look. None: it was not seen (a trace always tells everything)."""

    desired: int | None = None
    rescaled: bool | None = None
    conditions: Mapping[str, Condition] | None = None
    events: tuple[str, ...] | None = None
    account: ObservedAccount | None = None


@dataclass(frozen=True, slots=True)
class RecordedSync:
    """One look. `doubts` says in words why it may differ from what the controller saw, in the order of weight;
    `seen` is False where nothing was written at that time and the sync is inferred from the controller's period;
    `restarted`: the controller lost its memory just before."""

    look: Look
    observed: Observed
    doubts: tuple[str, ...] = ()
    seen: bool = True
    restarted: bool = False


@dataclass(frozen=True, slots=True)
class Recording:
    """Looks in order of time, on the clock of `Look.at`."""

    name: str
    spec: HpaSpec
    syncs: tuple[RecordedSync, ...]
