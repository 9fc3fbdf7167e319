"""What was full in each part of the load: each resource with its share of its limit, and how long it was above 80 %."""
from __future__ import annotations

from dataclasses import dataclass

from elastometer.model.resources_used import WindowKind

ABOVE_PERCENT = 80.0
# What was above it for this share of a part of the load was full in it.
FULL_SHARE = 0.5
# The CPU of the container, or of the process where no container was measured.
CPU = "cpu"


@dataclass(frozen=True, slots=True)
class SaturationCell:
    """One resource within one part. `value` is the mean of all Pods together in `unit`; how many there were, of what is
    counted. The share is the mean over Pods, `seconds_above` the time in which at least one Pod was above 80 % of its
    limit. Without a limit there is no share, and `reason` says why; without samples there is no value either."""

    name: str
    value: float | None = None
    share_percent: float | None = None
    peak_percent: float | None = None
    seconds_above: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SaturationColumn:
    """A resource. `of` is the quantity in `resources` that it is read from, which has the source and the resolution.
    `limit` says in words what its share is of, with the number; None without one. Only what `can_be_full` is ever named
    as full."""

    name: str
    of: str
    title: str
    unit: str
    limit: str | None
    can_be_full: bool


@dataclass(frozen=True, slots=True)
class SaturationRow:
    """One part of the load. `full` names what was above 80 % for at least half of it, the one that was so the longest;
    None if nothing was, with the reason."""

    name: str
    kind: WindowKind
    seconds: float
    cells: tuple[SaturationCell, ...]
    full: str | None
    reason: str | None = None

    def cell(self, name: str) -> SaturationCell | None:
        """The cell of that resource."""
        return next((one for one in self.cells if one.name == name), None)


@dataclass(frozen=True, slots=True)
class SaturationTable:
    """Stages and steps of a Knee in order; cells in the order of the columns."""

    columns: tuple[SaturationColumn, ...]
    rows: tuple[SaturationRow, ...]
