"""The table of saturation: in each part of the load, how full every resource was, and which one was the bottleneck."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from elastometer.analysis.resources_used.figures import level_of, of_all_pods, within
from elastometer.analysis.resources_used.levels import CPU, NO_SAMPLE
from elastometer.analysis.resources_used.limits import Limit, batch_limit, cpu_limit, queue_limit
from elastometer.analysis.resources_used.measurements import Measurements
from elastometer.analysis.resources_used.quantities import PERCENT, Kind
from elastometer.analysis.resources_used.served import Measured
from elastometer.analysis.resources_used.windows import levels_among, windows_of
from elastometer.analysis.run import DerivedRun
from elastometer.model import saturation
from elastometer.model.resource_names import (
    GPU_MEMORY_SHARE,
    KV_CACHE,
    NETWORK_RECEIVED,
    NETWORK_SENT,
    OPEN_FILES,
    PREEMPTIONS,
    REJECTIONS,
    RUNNING,
    THROTTLED,
    WAITING,
)
from elastometer.model.resources_used import OF_LOAD, ResourceWindow
from elastometer.model.saturation import (
    ABOVE_PERCENT,
    FULL_SHARE,
    SaturationCell,
    SaturationColumn,
    SaturationRow,
    SaturationTable,
)
from elastometer.model.server_flags import MAX_NUM_SEQS

COUNT = "count"
NOTHING_FULL = f"no resource with a known limit was above {ABOVE_PERCENT:.0f} % for half of it"
_POD, _VALUE, _SHARE = "pod", "value", "share"
_NO_LIMITS: Mapping[str, str] = {
    CPU[0]: "the container has no CPU limit, and its node was not recorded",
    RUNNING: f"the test does not state `{MAX_NUM_SEQS}`",
    WAITING: "the queue has no limit",
    PREEMPTIONS: "it is counted, and has no limit", REJECTIONS: "it is counted, and has no limit",
    OPEN_FILES: "the limit of the process is not recorded",
    **dict.fromkeys((NETWORK_RECEIVED, NETWORK_SENT), "the capacity of the network is not known"),
}


@dataclass(frozen=True, slots=True)
class _Resource:
    """A column with what it is made of: `total` has the value of all Pods by instant, `shares` the share of the limit
    by Pod and instant."""

    column: SaturationColumn
    measured: Measured | None
    total: pl.DataFrame | None
    shares: pl.DataFrame | None
    why_not: str


def saturation_table(run: DerivedRun, measured: Measurements) -> SaturationTable | None:
    """None where no resources were recorded, or the load has no part that left a trace."""
    every = windows_of(run)
    windows = [every[number] for number in levels_among(every) if every[number].kind in OF_LOAD]
    if measured.reason is not None or not windows:
        return None
    resources = list(_resources(run, measured))
    return SaturationTable(tuple(one.column for one in resources), tuple(_row(window, resources) for window in windows))


def _resources(run: DerivedRun, measured: Measurements) -> Iterator[_Resource]:
    cpu = next((name for name in CPU if measured.of(name) is not None), CPU[0])
    of_cpu = _limited(measured, cpu, "CPU", cpu_limit(run))
    yield replace(of_cpu, column=replace(of_cpu.column, name=saturation.CPU))
    yield _share(measured, THROTTLED, "CPU throttled", can_be_full=True)
    yield _limited(measured, RUNNING, "Batch", batch_limit(run))
    yield _share(measured, KV_CACHE, "KV cache", can_be_full=True)
    yield _share(measured, GPU_MEMORY_SHARE, "GPU memory", can_be_full=False)  # it is reserved from the start
    yield _limited(measured, WAITING, "Queue", queue_limit(run))
    for name, title in ((PREEMPTIONS, "Preemptions"), (REJECTIONS, "Rejections"), (OPEN_FILES, "Open connections"),
                        (NETWORK_RECEIVED, "Received"), (NETWORK_SENT, "Sent")):
        yield _limited(measured, name, title, None)


def _share(measured: Measurements, name: str, title: str, *, can_be_full: bool) -> _Resource:
    """Of what is a share already."""
    found = measured.of(name)
    column = SaturationColumn(name, name, title, PERCENT, "all there is", can_be_full)
    shares = None if found is None else found.samples.frame.with_columns(pl.col(_VALUE).alias(_SHARE))
    return _Resource(column, found, _total(found), shares, measured.why_not(name))


def _limited(measured: Measurements, name: str, title: str, limit: Limit | None) -> _Resource:
    found = measured.of(name)
    defined = next(one for one in measured.defined if one.name == name)
    unit = COUNT if defined.kind is Kind.EVENTS else defined.unit
    column = SaturationColumn(name, name, title, unit, None if limit is None else limit.words, limit is not None)
    why_not = measured.why_not(name) if found is None else _NO_LIMITS.get(name, _NO_LIMITS[CPU[0]])
    shares = None if found is None or limit is None else _shares(found, limit)
    return _Resource(column, found, _total(found), shares, why_not)


def _total(found: Measured | None) -> pl.DataFrame | None:
    return None if found is None else of_all_pods(found.defined, found.samples)


def _shares(found: Measured, limit: Limit) -> pl.DataFrame:
    frame, most = found.samples.frame, pl.lit(limit.every, pl.Float64)
    if limit.every is None:
        most = pl.col(_POD).cast(pl.String).replace_strict(dict(limit.by_pod), default=None, return_dtype=pl.Float64)
    return frame.with_columns((100 * pl.col(_VALUE) / most).alias(_SHARE))


def _row(window: ResourceWindow, resources: Sequence[_Resource]) -> SaturationRow:
    cells, seconds = tuple(_cell(window, one) for one in resources), window.end_seconds - window.start_seconds
    full = max((cell for cell, one in zip(cells, resources, strict=True)
                if one.column.can_be_full and (cell.seconds_above or 0.0) >= FULL_SHARE * seconds > 0),
               key=lambda cell: (cell.seconds_above or 0.0, cell.share_percent or 0.0), default=None)
    return SaturationRow(window.name, window.kind, seconds, cells, None if full is None else full.name,
                         NOTHING_FULL if full is None else None)


def _cell(window: ResourceWindow, one: _Resource) -> SaturationCell:
    name = one.column.name
    if one.measured is None or one.total is None:
        return SaturationCell(name, reason=one.why_not)
    level = level_of(within(one.total, window))
    value = level.increase if one.measured.defined.kind is Kind.EVENTS else level.mean
    if value is None:
        return SaturationCell(name, reason=NO_SAMPLE)
    if one.shares is None:
        return SaturationCell(name, value, reason=one.why_not)
    shares = within(one.shares, window).filter(pl.col(_SHARE).is_not_null())
    if shares.is_empty():
        return SaturationCell(name, value, reason=NO_SAMPLE)
    above = shares.filter(pl.col(_SHARE) > ABOVE_PERCENT)["seconds"].n_unique()
    mean, peak = shares.select(pl.col(_SHARE).mean().alias("mean"), pl.col(_SHARE).max().alias("peak")).row(0)
    return SaturationCell(name, value, round(mean, 2), round(peak, 2),
                          round(above * one.measured.samples.step_seconds, 3))
