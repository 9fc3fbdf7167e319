"""The memory of a run by each witness of it: before the load, at each level, after it, and when it was back.

Bytes, as sampled. A level is a stage of the load, a step of a Knee, or a part of the run without load.
"""
from __future__ import annotations

from dataclasses import dataclass

from elastometer.model.estimates import Slope
from elastometer.model.measurements import Duration
from elastometer.model.resource_names import CONTAINER_RSS, PROCESS_MEMORY, WORKING_SET
from elastometer.model.resources_used import Of, WindowKind

# The witnesses of a server's own memory by their names in `resources`. The first that was measured counts: a container
# has all processes of a server, and its working set a part of the files that it read.
HOST_MEMORY = (CONTAINER_RSS, WORKING_SET, PROCESS_MEMORY)


@dataclass(frozen=True, slots=True)
class MemoryLevel:
    """`stage` is the one that the level is of. `growth_bytes` is the mean less that before the load, of the same Pods;
    the slope is in bytes per minute. `returned` counts from the end of the level until memory was back, in the part
    without load that follows; None where load follows."""

    name: str
    kind: WindowKind
    stage: str | None
    mean_bytes: float | None
    peak_bytes: float | None
    growth_bytes: float | None
    slope: Slope | None
    returned: Duration | None


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """One witness. `name` is the quantity's in `resources`; `resolution_seconds` is how exactly its times are known.
    `idle_bytes` is the mean before the load, `after_bytes` that of the last third of what follows it; `back_at_bytes`
    is the idle value and the greater of 15 % of the rise and 8 MiB."""

    name: str
    title: str
    of: Of
    metric: str
    witness: str
    resolution_seconds: float | None
    idle_bytes: float | None
    levels: tuple[MemoryLevel, ...]
    peak_bytes: float | None
    peak_seconds: float | None
    after_bytes: float | None
    growth_bytes: float | None
    growth_pod: str | None
    growth_reason: str | None
    back_at_bytes: float | None
    returned: Duration


@dataclass(frozen=True, slots=True)
class MemoryTable:
    """The witnesses that were there; of the others, `missing` has (title, reason)."""

    rows: tuple[MemoryRow, ...]
    missing: tuple[tuple[str, str], ...]

    def host(self) -> MemoryRow | None:
        """The first of HOST_MEMORY that has a row: of the highest Pod, or of the only one. None without any."""
        return next((row for name in HOST_MEMORY for of in (Of.HIGHEST_POD, Of.ALL_PODS) for row in self.rows
                     if row.name == name and row.of is of), None)
