"""A predicted report says so at every number that could be taken for a measured one.

The same analysis judges recorded and synthetic bundles, but sources and resolutions are true only of recorded ones. So
they are replaced here, once, after everything else.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from elastometer.analysis.scaleout.budget import grouped
from elastometer.model.autoscaler import Loss, LossPart
from elastometer.model.elasticity import DemandAccount, DemandSource, Elasticity
from elastometer.model.findings import FindingName
from elastometer.model.measurements import (
    PHASE_LABELS,
    UNATTRIBUTED,
    WHOLE,
    ColdStart,
    Duration,
    Origin,
    Phase,
    ScaleEvent,
    ScrapedStart,
    Source,
    Stamp,
)
from elastometer.model.milestones import PHASE_ENDED_BY, Milestone
from elastometer.model.prediction_basis import PredictionBasis
from elastometer.model.report import Quality, Report
from elastometer.model.scaleout_waterfall import ScaleOutBar, ScaleOutWaterfall
from elastometer.model.start_class import NO_EVIDENCE

NO_PHASES = "the model has the length of a start but not its phases"
# Phases between instants that coincide in the model.
_NO_TIME = (PHASE_ENDED_BY[Milestone.CREATED], PHASE_ENDED_BY[Milestone.IN_ENDPOINTS])
# Findings about the quality of a record, which a prediction does not have.
_OF_THE_RECORD = frozenset({
    FindingName.UNATTRIBUTED_START, FindingName.CLOCK_SKEW, FindingName.CLIENT_BOUND, FindingName.STREAM_BUFFERED,
})
_NAMES = {"autoscaler as served": "autoscaler as given"}


def as_predicted(report: Report, basis: PredictionBasis) -> Report:
    """The report with `Predicted` as every source, without any ± and without anything that only a record has."""
    return replace(
        report, predicted=basis, load_start=None, uid="",
        autoscaler=_mark(replace(report.autoscaler, fidelity=None)),
        scale_events=_mark(report.scale_events), scale_ins=_mark(report.scale_ins),
        wakes=_mark(report.wakes), scale_outs=_mark(report.scale_outs),
        demand=_demand(report.demand), elasticity=_elasticity(report.elasticity),
        # Replicas that existed from the beginning have no start to predict.
        cold_starts=_mark(tuple(one for one in report.cold_starts if one.origin != Origin.INITIAL)),
        # The model predicts when an answer comes, not its content.
        answers=(),
        findings=tuple(one for one in report.findings if one.name not in _OF_THE_RECORD),
        quality=Quality(),
        provenance=tuple((_NAMES.get(name, name), value) for name, value in report.provenance),
    )


def _demand(found: DemandAccount | None) -> DemandAccount | None:
    """What was fitted to predicted requests was not measured, and differs from the model's capacity by no error."""
    if found is None or found.source is not DemandSource.FITTED:
        return found
    return replace(found, source=DemandSource.PREDICTED, basis="the predicted requests, by the time to their tokens",
                   fitted=(), error_percent=None, error_source=None, low=(), high=())


def _elasticity(found: Elasticity | None) -> Elasticity | None:
    if found is None:
        return None
    return replace(found, cold_start_under_low=None, cold_start_under_high=None,
                   supplies=tuple(replace(one, low=None, high=None) for one in found.supplies))


def _phases(start: ColdStart) -> Iterator[Phase]:
    """A start is one number in the model, so that what looks unattributed is the whole start."""
    for phase in start.phases:
        if phase.name == UNATTRIBUTED:
            yield replace(phase, name=WHOLE, label=PHASE_LABELS[WHOLE], note=NO_PHASES)
        elif phase.name not in _NO_TIME:
            yield phase


def _scale_out(found: ScaleOutWaterfall) -> ScaleOutWaterfall:
    made = tuple(map(_bar, found.bars))
    planned = {one.name: one.planned_milliseconds for one in found.summands if one.planned_milliseconds is not None}
    unknown = {one.name for one in found.summands if one.milliseconds is None}
    return replace(found, plus_minus_milliseconds=None, bars=made, summands=grouped(made, planned, unknown),
                   rise=None if found.rise is None else _bar(found.rise))


def _bar(bar: ScaleOutBar) -> ScaleOutBar:
    """What a start leaves unattributed is the whole start; what the decision does, no start explains."""
    if bar.name == UNATTRIBUTED and bar.source:
        bar = replace(bar, name=WHOLE, label=PHASE_LABELS[WHOLE], note=NO_PHASES)
    return replace(bar, plus_minus_milliseconds=None, source=Source.PREDICTED.value, evidence=())


def _mark(value: Any) -> Any:
    match value:
        case Stamp():
            return replace(value, source=Source.PREDICTED, resolution_milliseconds=None)
        case Duration():
            return replace(value, plus_minus_milliseconds=None)
        case Phase():
            return replace(value, plus_minus_milliseconds=None, source=Source.PREDICTED.value)
        case ColdStart():
            value = replace(value, node=None, start_class=NO_EVIDENCE, phases=tuple(_phases(value)),
                            instants=tuple(one for one in value.instants if one.used))
        case Loss():
            return replace(value, plus_minus_milliseconds=None, source=Source.PREDICTED.value)
        case ScrapedStart():
            return replace(value, reason="a prediction scrapes nothing")
        case LossPart():
            return replace(value, start_plus_minus_seconds=0.0, end_plus_minus_seconds=0.0,
                           source=Source.PREDICTED.value)
        case ScaleOutWaterfall():
            return _scale_out(value)
        case ScaleEvent():
            value = replace(value, written=None, writer=None)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{item.name: _mark(getattr(value, item.name)) for item in fields(value)})
    return tuple(_mark(item) for item in value) if isinstance(value, tuple) else value
