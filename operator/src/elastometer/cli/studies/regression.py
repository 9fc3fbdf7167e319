"""The gates of a comparison for which none were given: that no group misses its objectives for longer than the baseline
does, nor fails more of them, beyond the noise.

Both are needed: objectives on cold starts and scale-outs have no seconds in which they are missed.
"""
from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import replace

from elastometer.model.comparison import Comparison, GateResult, GateState, Judgement, VariantDifference
from elastometer.model.measure import Measure
from elastometer.model.measures import FAILED_OBJECTIVES, MISS_SECONDS
from elastometer.study.compare.of_study import NOT_COMPARED
from elastometer.study.compare.verdict import verdict_of
from elastometer.study.compare.wording import amount_words

GATED = (MISS_SECONDS, FAILED_OBJECTIVES)
ALLOWED = "no more beyond the noise"
_STATES = {Judgement.WORSE: GateState.REGRESSED, Judgement.CANNOT_TELL: GateState.CANNOT_TELL}


def gated_by_objectives(found: Comparison) -> Comparison:
    """The comparison with these gates for each group, and its verdict. A gate of a limit must be shown to hold; these
    hold unless the opposite is shown, so that equal groups pass whatever their noise."""
    others = {run.label.variant for run in found.runs if run.excluded not in NOT_COMPARED} - {found.baseline}
    gates = tuple(_gates(found, others))
    verdict = verdict_of(gates, True, found.variants)
    return replace(found, gates=gates, verdict=verdict.verdict, verdict_reason=verdict.reason,
                   verdict_message=verdict.message)


def _gates(found: Comparison, others: Set[str]) -> Iterator[GateResult]:
    for name in GATED:
        if (row := found.row(name)) is not None:
            yield from (_gate(row.measure, one) for one in row.differences
                        if one.baseline == found.baseline and one.variant in others)


def _gate(measure: Measure, one: VariantDifference) -> GateResult:
    state = _STATES.get(one.judgement, GateState.HELD)
    seen = one.reason if state is GateState.CANNOT_TELL else f"{amount_words(measure, one)}; {ALLOWED} is allowed"
    return GateResult(measure.name, one.variant, ALLOWED, state, f"{measure.title} of {one.variant}: {seen}")
