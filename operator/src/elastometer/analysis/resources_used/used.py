"""Everything that a run used, from its series. Pure; a quantity without samples says what would bring them."""
from __future__ import annotations

from collections.abc import Sequence

from elastometer.analysis.resources_used.lines import lines_of
from elastometer.analysis.resources_used.measurements import Measurements
from elastometer.analysis.resources_used.quantities import CONTAINER, POD, Defined
from elastometer.analysis.resources_used.replicas import replica_map
from elastometer.analysis.resources_used.rows import rows_of
from elastometer.analysis.resources_used.samples import Samples
from elastometer.analysis.resources_used.served import Measured
from elastometer.analysis.resources_used.windows import windows_of
from elastometer.analysis.run import DerivedRun
from elastometer.model.names import SERVER
from elastometer.model.resources_used import ResourceQuantity, ResourcesUsed, ResourceWindow


def resources_used(run: DerivedRun, measured: Measurements) -> ResourcesUsed:
    """All quantities in order, and the heat map by replica."""
    if measured.reason is not None:
        return ResourcesUsed(reason=measured.reason)
    windows = windows_of(run)
    quantities = tuple(
        quantity_of(found, windows) if (found := measured.of(one.name)) is not None else _missing(one, measured)
        for one in measured.defined)
    samples = {name: found.samples for name, found in (measured.found or {}).items()}
    return ResourcesUsed(None, windows, quantities, replica_map(samples, windows))


def quantity_of(found: Measured, windows: Sequence[ResourceWindow]) -> ResourceQuantity:
    """One quantity that has samples, with its table and what its chart draws."""
    defined, samples = found.defined, found.samples
    seconds, lines = lines_of(samples, windows)
    return ResourceQuantity(
        name=defined.name, title=defined.title, group=defined.group, unit=defined.unit, metric=defined.metric,
        witness=_witness(defined, samples), outcome="Samples", jobs=samples.jobs, step_seconds=samples.step_seconds,
        resolution_seconds=samples.resolution_seconds, pods=samples.frame["pod"].n_unique(),
        rows=rows_of(defined, samples, windows), seconds=seconds, lines=lines,
    )


def _witness(defined: Defined, samples: Samples) -> str:
    if defined.witness != CONTAINER:
        return defined.witness
    return CONTAINER.format(samples.container) if samples.container else POD


def _missing(defined: Defined, measured: Measurements) -> ResourceQuantity:
    outcome, reason = (measured.missing or {})[defined.name]
    return ResourceQuantity(
        name=defined.name, title=defined.title, group=defined.group, unit=defined.unit, metric=defined.metric,
        witness=defined.witness.format(SERVER), outcome=outcome, reason=reason)
