"""A sequence of syncs and what the real controller did at each: from a trace, or reconstructed from a run's bundle."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from elastometer.hpa.decision import Condition
from elastometer.hpa.settings import HpaSpec
from elastometer.hpa.sync import SyncInput


@dataclass(frozen=True, slots=True)
class ObservedAccount:
    """The observable part of the real controller's account. `proposed` is the number its metrics proposed (from its
    log), None if they proposed nothing. `values` are those of its metrics in the status, in milli-units or percent:
    None for a metric that failed, empty if the status has none."""

    proposed: int | None
    status_desired: int | None
    values: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Observed:
    """What the real controller left behind after a sync. None: it was not seen (a trace always has every field)."""

    desired: int | None = None
    rescaled: bool | None = None
    conditions: Mapping[str, Condition] | None = None
    events: tuple[str, ...] | None = None
    account: ObservedAccount | None = None


@dataclass(frozen=True, slots=True)
class RecordedSync:
    """One sync. `doubts` states why `input` may differ from what the controller saw, weightiest first. `seen` is False
    if nothing was written at that time and the sync is inferred from the controller's period; `watched` is False if
    what it wrote could not have been seen either. `restarted`: the controller lost its memory just before."""

    input: SyncInput
    observed: Observed
    doubts: tuple[str, ...] = ()
    seen: bool = True
    restarted: bool = False
    watched: bool = True


@dataclass(frozen=True, slots=True)
class Recording:
    """Syncs in order of time, on the clock of `SyncInput.at`."""

    name: str
    spec: HpaSpec
    syncs: tuple[RecordedSync, ...]
