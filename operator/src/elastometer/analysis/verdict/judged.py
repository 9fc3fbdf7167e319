"""Every objective of a test judged, each by the rule of its indicator."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.verdict.memory_objective import judge_memory
from elastometer.analysis.verdict.objectives import judge_objective
from elastometer.analysis.verdict.scope import in_scope
from elastometer.analysis.verdict.steady_rate import judge_steady_rate
from elastometer.model.in_words import plural
from elastometer.model.measurements import Duration
from elastometer.model.memory import MemoryRow
from elastometer.model.objectives import ON_MEMORY
from elastometer.model.report import ObjectiveResult
from elastometer.model.request_table import RequestRows
from elastometer.model.terms import ON_REQUESTS, Indicator, Objective


def judge_objectives(
    evidence: Evidence, lags: Sequence[Duration], cold_starts: Sequence[Duration], memory: MemoryRow | None,
) -> tuple[ObjectiveResult, ...]:
    """In the order of the test. `lags` has one figure per scale-out, `cold_starts` one per added Pod; `memory` is what
    the best witness of it says."""
    judged = evidence.judged  # each access cuts all requests again
    return tuple(judge_memory(objective, memory) if objective.indicator in ON_MEMORY
                 else _judged(objective, evidence, judged, lags, cold_starts)
                 for objective in evidence.terms.objectives)


def _judged(
    objective: Objective, evidence: Evidence, judged: pl.DataFrame, lags: Sequence[Duration],
    cold_starts: Sequence[Duration],
) -> ObjectiveResult:
    if objective.indicator is Indicator.STEADY_RATE:
        return judge_steady_rate(objective, evidence)
    result = judge_objective(objective, RequestRows(judged), lags, cold_starts)
    is_on_requests = objective.indicator in ON_REQUESTS or objective.indicator is Indicator.ANSWER_CHECK
    left_out = len(in_scope(objective, evidence.table)) - len(in_scope(objective, judged)) if is_on_requests else 0
    words = f"; {plural(left_out, 'request')} due in a warm-up not judged"
    return replace(result, message=result.message + words) if left_out else result
