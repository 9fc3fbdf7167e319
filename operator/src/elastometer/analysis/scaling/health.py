"""Health: the four measures of the preset, each with what is healthy, what is abnormal, and what was measured."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.requests.latency import quantiles
from elastometer.analysis.requests.served_rate import served_rate
from elastometer.analysis.verdict.scope import in_scope
from elastometer.model import request_measures
from elastometer.model.document import at
from elastometer.model.estimates import Interval
from elastometer.model.health import HEALTHY, SWINGING_PERCENT, HealthPart, HealthRow, HealthState
from elastometer.model.load_rows import Quantiles
from elastometer.model.report import ObjectiveResult, Verdict
from elastometer.model.terms import Objective
from elastometer.statistics.rates import rate
from elastometer_loadgen.profile.profile import DEFAULT_TIMEOUT_SECONDS

# Of the time that a request is given: p99 is near the time-out from here on.
NEAR_TIMEOUT = 0.9
NO_REQUESTS = "no request was recorded"
_ORDER = tuple(HEALTHY)


def health_rows(evidence: Evidence, results: tuple[ObjectiveResult, ...]) -> tuple[HealthRow, ...]:
    """Four rows for each preset of the test, in order. `results` are the verdicts on all objectives, in their order."""
    rows, seen = [], 0
    for objective, result in zip(evidence.terms.objectives, results, strict=True):
        if objective.preset is not None:
            rows.append(_row(_ORDER[seen % len(_ORDER)], objective, result, evidence))
            seen += 1
    return tuple(rows)


def _row(part: HealthPart, objective: Objective, result: ObjectiveResult, evidence: Evidence) -> HealthRow:
    table = in_scope(objective, evidence.judged)
    row = HealthRow(
        objective.preset or objective.name, part, objective.stage, result.unit, result.bound or 0.0, None,
        result.measured, None, result.count, HealthState.NOT_JUDGED)
    row = _MEASURES[part](row, table, evidence)
    if row.reason is not None or row.measured is None:
        return replace(row, reason=row.reason or result.message)
    return replace(row, state=_state(row, result))


def _state(row: HealthRow, result: ObjectiveResult) -> HealthState:
    """Healthy is what the objective is met by, so that table and verdict cannot disagree."""
    if result.verdict is Verdict.PASS:
        return HealthState.HEALTHY
    if result.verdict is Verdict.INCONCLUSIVE:
        return HealthState.NOT_JUDGED
    is_share = row.part is HealthPart.SUCCESS
    beyond = row.abnormal is not None and row.measured is not None and (
        row.measured < row.abnormal if is_share else row.measured > row.abnormal)
    return HealthState.ABNORMAL if beyond or row.word is not None else HealthState.BETWEEN


def _success(row: HealthRow, table: pl.DataFrame, _: Evidence) -> HealthRow:
    """One bound alone: a service that is not healthy here is losing requests."""
    if not len(table):
        return replace(row, abnormal=row.healthy, reason=NO_REQUESTS)
    good = int(table.select(request_measures.served().sum()).item())
    return replace(row, abnormal=row.healthy, interval=rate(good, len(table)).interval)


def _mean(row: HealthRow, table: pl.DataFrame, _: Evidence) -> HealthRow:
    found = _latency(table)
    around = None if found.mean is None or found.mean_plus_minus is None else Interval(
        found.mean - found.mean_plus_minus, found.mean + found.mean_plus_minus)
    return replace(row, abnormal=2 * row.healthy, measured=found.mean, interval=around)


def _p99(row: HealthRow, table: pl.DataFrame, evidence: Evidence) -> HealthRow:
    given = at(evidence.spec, "spec", "load", "timeoutSeconds")
    seconds = given if isinstance(given, int) else DEFAULT_TIMEOUT_SECONDS
    return replace(row, abnormal=NEAR_TIMEOUT * 1000 * seconds, interval=_latency(table).intervals.get("p99"))


def _latency(table: pl.DataFrame) -> Quantiles:
    return quantiles(table.select(value=request_measures.latency())["value"])


def _rate(row: HealthRow, _: pl.DataFrame, evidence: Evidence) -> HealthRow:
    found = served_rate(evidence, row.stage)
    swings = found.variation_percent is not None and found.variation_percent > SWINGING_PERCENT
    word = "falls" if found.fell else "swings" if swings else None
    return replace(row, abnormal=float(SWINGING_PERCENT), interval=found.interval, word=word, reason=found.reason)


_MEASURES: Mapping[HealthPart, Callable[[HealthRow, pl.DataFrame, Evidence], HealthRow]] = {
    HealthPart.SUCCESS: _success, HealthPart.MEAN: _mean, HealthPart.P99: _p99, HealthPart.RATE: _rate,
}
