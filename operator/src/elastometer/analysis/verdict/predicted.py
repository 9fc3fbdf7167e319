"""A report that a model made says so in every number that could be taken for a measured one.

The same analysis judges a recorded and a synthetic bundle; what it calls watched, and how exactly, is true of the
recorded one only. So the marks are put on here, once, after everything else.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from elastometer.model.autoscaler import Loss
from elastometer.model.basis import PredictionBasis
from elastometer.model.findings import FindingName
from elastometer.model.measured import (
    PHASE_LABELS,
    UNATTRIBUTED,
    WHOLE,
    ColdStart,
    Figure,
    Origin,
    Phase,
    ScaleEvent,
    ScrapedStart,
    Source,
    Stamp,
)
from elastometer.model.report import Quality, Report

NO_PHASES = "the model knows how long a start takes, and none of its phases"
# Bars between instants that are one in the model.
_NO_TIME = ("create", "endpoints")
# Findings about the record, which a prediction does not have.
_OF_THE_RECORD = frozenset({FindingName.UNATTRIBUTED_START, FindingName.CLOCK_SKEW, FindingName.CLIENT_BOUND})
_NAMES = {"autoscaler as served": "autoscaler as given"}


def as_predicted(report: Report, basis: PredictionBasis) -> Report:
    """The report with every source, every ± and every trace of a record taken out."""
    return replace(
        report, predicted=basis, load_start=None, uid="",
        autoscaler=_mark(replace(report.autoscaler, fidelity=None)),
        scale_events=_mark(report.scale_events), scale_ins=_mark(report.scale_ins),
        # Replicas that were there from the start have no start to predict.
        cold_starts=_mark(tuple(one for one in report.cold_starts if one.origin != Origin.INITIAL)),
        # A model says when an answer comes, and nothing of what is in it.
        answers=(),
        findings=tuple(one for one in report.findings if one.name not in _OF_THE_RECORD),
        quality=Quality(),
        provenance=tuple((_NAMES.get(name, name), value) for name, value in report.provenance),
    )


def _phases(start: ColdStart) -> Iterator[Phase]:
    """What the analysis could not attribute is the whole start, which was never more than one number."""
    for phase in start.phases:
        if phase.name == UNATTRIBUTED:
            yield replace(phase, name=WHOLE, label=PHASE_LABELS[WHOLE], note=NO_PHASES)
        elif phase.name not in _NO_TIME:
            yield phase


def _mark(value: Any) -> Any:
    match value:
        case Stamp():
            return replace(value, source=Source.PREDICTED, resolution_milliseconds=None)
        case Figure():
            return replace(value, plus_minus_milliseconds=None)
        case Phase():
            return replace(value, plus_minus_milliseconds=None, source=Source.PREDICTED.value)
        case ColdStart():
            value = replace(value, node=None, phases=tuple(_phases(value)),
                            instants=tuple(one for one in value.instants if one.used))
        case Loss():
            return replace(value, plus_minus_milliseconds=None, source=Source.PREDICTED.value)
        case ScrapedStart():
            return replace(value, reason="nothing was scraped")
        case ScaleEvent():
            value = replace(value, written=None, writer=None)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{item.name: _mark(getattr(value, item.name)) for item in fields(value)})
    return tuple(_mark(item) for item in value) if isinstance(value, tuple) else value
