"""The table of memory: what the resources say of it, a row for each witness and each Pod or all of them."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from elastometer.analysis.resources_used.measurements import Measurements
from elastometer.analysis.resources_used.used import quantity_of
from elastometer.analysis.resources_used.windows import levels_among, windows_of
from elastometer.analysis.run import DerivedRun
from elastometer.model.memory import HOST_MEMORY, MemoryLevel, MemoryRow, MemoryTable
from elastometer.model.resource_names import GPU_MEMORY, GPU_MEMORY_FILLED
from elastometer.model.resources_used import (
    Group,
    Of,
    ResourceLevel,
    ResourceQuantity,
    ResourceRow,
    ResourcesUsed,
    ResourceWindow,
)

_ALSO = (GPU_MEMORY, GPU_MEMORY_FILLED)


def memory_table(used: ResourcesUsed | None) -> MemoryTable | None:
    """None where no resources were recorded at all, or of a prediction."""
    if used is None or used.reason is not None:
        return None
    witnesses = [one for one in used.quantities if one.group is Group.MEMORY or one.name in _ALSO]
    return MemoryTable(
        tuple(row for one in witnesses for row in _rows(one, used.windows)),
        tuple((one.title, f"{one.outcome}: {one.reason}") for one in witnesses if not one.rows))


def host_memory(run: DerivedRun, measured: Measurements) -> MemoryRow | None:
    """The row that objectives on memory are judged by, before any other quantity is tabled; None without a witness."""
    found = next((one for name in HOST_MEMORY if (one := measured.of(name)) is not None), None)
    if found is None:
        return None
    windows = windows_of(run)
    return MemoryTable(tuple(_rows(quantity_of(found, windows), windows)), ()).host()


def _rows(quantity: ResourceQuantity, windows: Sequence[ResourceWindow]) -> Iterator[MemoryRow]:
    for row in quantity.rows:
        # Of one Pod both rows say the same.
        if quantity.pods > 1 or row.of is Of.ALL_PODS:
            yield _row(quantity, row, windows)


def _row(quantity: ResourceQuantity, row: ResourceRow, windows: Sequence[ResourceWindow]) -> MemoryRow:
    return MemoryRow(
        name=quantity.name, title=quantity.title, of=row.of, metric=quantity.metric, witness=quantity.witness,
        resolution_seconds=quantity.resolution_seconds, idle_bytes=row.idle,
        levels=tuple(_level(windows[number], row.levels[number]) for number in levels_among(windows)),
        peak_bytes=row.peak, peak_seconds=row.peak_seconds, after_bytes=row.after, growth_bytes=row.growth,
        growth_pod=row.growth_pod, growth_reason=row.growth_reason, back_at_bytes=row.back_at, returned=row.returned)


def _level(window: ResourceWindow, level: ResourceLevel) -> MemoryLevel:
    return MemoryLevel(window.name, window.kind, window.stage, level.mean, level.peak, level.growth, level.slope,
                       level.returned)
