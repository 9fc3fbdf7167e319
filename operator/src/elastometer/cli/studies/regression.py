"""The gate of a comparison for which none was given: that no group misses its objectives for longer than the baseline
does, beyond the noise."""
from __future__ import annotations

from dataclasses import replace

from elastometer.model.comparison import Comparison, GateResult, GateState, Judgement, VariantDifference
from elastometer.model.measure import Measure
from elastometer.model.measures import MISS_SECONDS
from elastometer.study.compare.of_study import CALIBRATION_REASON
from elastometer.study.compare.verdict import verdict_of
from elastometer.study.compare.wording import amount_words

ALLOWED = "no more beyond the noise"
_STATES = {Judgement.WORSE: GateState.REGRESSED, Judgement.CANNOT_TELL: GateState.CANNOT_TELL}


def gated_by_misses(found: Comparison) -> Comparison:
    """The comparison with that gate for each group, and its verdict. A gate of a limit must be shown to hold; this one
    holds unless the opposite is shown, so that equal groups pass whatever their noise."""
    row = found.row(MISS_SECONDS)
    others = {run.label.variant for run in found.runs if run.excluded != CALIBRATION_REASON} - {found.baseline}
    gates = () if row is None else tuple(
        _gate(row.measure, one) for one in row.differences
        if one.baseline == found.baseline and one.variant in others)
    verdict = verdict_of(gates, True, found.variants)
    return replace(found, gates=gates, verdict=verdict.verdict, verdict_reason=verdict.reason,
                   verdict_message=verdict.message)


def _gate(measure: Measure, one: VariantDifference) -> GateResult:
    state = _STATES.get(one.judgement, GateState.HELD)
    title = measure.title
    if state is GateState.CANNOT_TELL:
        return GateResult(MISS_SECONDS, one.variant, ALLOWED, state, f"{title} of {one.variant}: {one.reason}")
    return GateResult(MISS_SECONDS, one.variant, ALLOWED, state,
                      f"{title} of {one.variant}: {amount_words(measure, one)}; {ALLOWED} is allowed")
