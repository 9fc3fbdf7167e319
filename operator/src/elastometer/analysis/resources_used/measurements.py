"""The quantities of a run with their samples, each read once: the tables and the charts are all made of these."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.resources_used.filled import filled
from elastometer.analysis.resources_used.quantities import (
    DEFINED,
    FILLED,
    NO_CONTAINER,
    NO_NETWORK,
    NO_PERIODS,
    Defined,
    defined_own,
)
from elastometer.analysis.resources_used.samples import SampleReader, missing_reason
from elastometer.analysis.resources_used.served import Measured, served
from elastometer.analysis.run import DerivedRun
from elastometer.model.bundle import SeriesName
from elastometer.model.resource_names import GPU_MEMORY, KV_CACHE

NOTHING = "no series were recorded: Prometheus was not queried before the record ended"
PREDICTED = "a prediction has no processes whose resources could be measured"


@dataclass(frozen=True, slots=True)
class Measurements:
    """`found` by the name of the quantity; of those without samples, `missing` has the outcome and the reason. With a
    `reason` nothing was recorded at all."""

    defined: tuple[Defined, ...] = ()
    found: Mapping[str, Measured] | None = None
    missing: Mapping[str, tuple[str, str]] | None = None
    reason: str | None = None

    def of(self, name: str) -> Measured | None:
        """The quantity of that name; None without samples."""
        return (self.found or {}).get(name)

    def why_not(self, name: str) -> str:
        """Why a quantity has no samples."""
        return self.reason or (self.missing or {}).get(name, ("", "it was not asked for"))[1]


def measurements(run: DerivedRun) -> Measurements:
    """Of a run as it was recorded."""
    evidence = run.evidence
    if run.bundle.predicted is not None:
        return Measurements(reason=PREDICTED)
    if not evidence.series:
        return Measurements(reason=NOTHING)
    defined, reader = (*DEFINED, *map(defined_own, evidence.terms.series)), SampleReader(evidence)
    found = {one.name: measured for one in defined
             if one is not FILLED and (measured := _measured(one, reader, evidence)) is not None}
    cache = found.get(KV_CACHE)
    in_gpu = filled(None if cache is None else cache.samples, evidence, has_gpu=GPU_MEMORY in found)
    if in_gpu is not None:
        found[FILLED.name] = in_gpu
    missing = {one.name: _missing(one, evidence) for one in defined if one.name not in found}
    if FILLED.name in missing and GPU_MEMORY in missing:
        missing[FILLED.name] = missing[GPU_MEMORY]
    return Measurements(defined, found, missing)


def _measured(defined: Defined, reader: SampleReader, evidence: Evidence) -> Measured | None:
    """By Prometheus, else by the metrics API."""
    samples = reader.samples_of(defined)
    return served(defined, evidence) if samples is None else Measured(defined, samples)


def _missing(defined: Defined, evidence: Evidence) -> tuple[str, str]:
    outcome, reason = missing_reason(defined, evidence)
    # Without cAdvisor it is not known whether a Pod has a limit or a network of its own.
    if reason in (NO_PERIODS, NO_NETWORK) and evidence.samples(SeriesName.CONTAINER_CPU) is None:
        reason = NO_CONTAINER
    return outcome, reason
