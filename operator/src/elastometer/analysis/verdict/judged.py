"""Every objective of a test judged, each by the rule of its indicator."""
from __future__ import annotations

from collections.abc import Sequence

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.verdict.objectives import judge_objective
from elastometer.analysis.verdict.steady_rate import judge_steady_rate
from elastometer.model.measurements import Duration
from elastometer.model.report import ObjectiveResult
from elastometer.model.terms import Indicator, Objective


def judge_objectives(
    evidence: Evidence, lags: Sequence[Duration], cold_starts: Sequence[Duration],
) -> tuple[ObjectiveResult, ...]:
    """In the order of the test. `lags` has one figure per scale-out, `cold_starts` one per added Pod."""
    return tuple(_judged(objective, evidence, lags, cold_starts) for objective in evidence.terms.objectives)


def _judged(
    objective: Objective, evidence: Evidence, lags: Sequence[Duration], cold_starts: Sequence[Duration],
) -> ObjectiveResult:
    if objective.indicator is Indicator.STEADY_RATE:
        return judge_steady_rate(objective, evidence)
    return judge_objective(objective, evidence.requests, lags, cold_starts)
