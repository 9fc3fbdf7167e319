"""Everything that a run used, from its series. Pure; a quantity without samples says what would bring them."""
from __future__ import annotations

from collections.abc import Sequence

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.resources_used.lines import lines_of
from elastometer.analysis.resources_used.quantities import (
    CONTAINER,
    DEFINED,
    NO_CONTAINER,
    NO_NETWORK,
    NO_PERIODS,
    POD,
    Defined,
    defined_own,
)
from elastometer.analysis.resources_used.replicas import replica_map
from elastometer.analysis.resources_used.rows import rows_of
from elastometer.analysis.resources_used.samples import SampleReader, Samples, missing_reason
from elastometer.analysis.resources_used.served import Measured, served
from elastometer.analysis.resources_used.windows import windows_of
from elastometer.analysis.run import DerivedRun
from elastometer.model.bundle import SeriesName
from elastometer.model.names import SERVER
from elastometer.model.resources_used import ResourceQuantity, ResourcesUsed, ResourceWindow

NOTHING = "no series were recorded: Prometheus was not queried before the record ended"


def resources_used(run: DerivedRun) -> ResourcesUsed:
    """All quantities in order, and the heat map by replica."""
    evidence = run.evidence
    if not evidence.series:
        return ResourcesUsed(reason=NOTHING)
    defined = (*DEFINED, *map(defined_own, evidence.terms.series))
    reader, windows = SampleReader(evidence), windows_of(run)
    measured = {one.name: found for one in defined if (found := _measured(one, reader, evidence)) is not None}
    quantities = tuple(
        _quantity(found, windows) if (found := measured.get(one.name)) is not None else _missing(one, evidence)
        for one in defined)
    samples = {name: found.samples for name, found in measured.items()}
    return ResourcesUsed(None, windows, quantities, replica_map(samples, windows))


def _measured(defined: Defined, reader: SampleReader, evidence: Evidence) -> Measured | None:
    """By Prometheus, else by the metrics API."""
    samples = reader.samples_of(defined)
    return served(defined, evidence) if samples is None else Measured(defined, samples)


def _quantity(found: Measured, windows: Sequence[ResourceWindow]) -> ResourceQuantity:
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


def _missing(defined: Defined, evidence: Evidence) -> ResourceQuantity:
    outcome, reason = missing_reason(defined, evidence)
    # Without cAdvisor it is not known whether a Pod has a limit or a network of its own.
    if reason in (NO_PERIODS, NO_NETWORK) and evidence.samples(SeriesName.CONTAINER_CPU) is None:
        reason = NO_CONTAINER
    return ResourceQuantity(
        name=defined.name, title=defined.title, group=defined.group, unit=defined.unit, metric=defined.metric,
        witness=defined.witness.format(SERVER), outcome=outcome, reason=reason)
