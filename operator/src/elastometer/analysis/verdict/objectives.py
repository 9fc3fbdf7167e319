"""Objectives: Pass, Fail or Inconclusive, each as a sentence with both numbers, the rule, and how many were counted.

A percentile of latencies is taken over the requests that reached that point. The others count as well: if a Pass would
become a Fail with them as too slow, the objective fails. A duration with a ± is judged at both ends of its range.
"""
from __future__ import annotations

from collections.abc import Sequence
from math import inf

import polars as pl

from elastometer.analysis.requests.latency import ordered, ranked
from elastometer.analysis.verdict.answer_objective import judge_answers
from elastometer.analysis.verdict.mean_objective import judge_mean
from elastometer.analysis.verdict.scope import in_scope, where
from elastometer.model import request_measures
from elastometer.model.in_words import plural
from elastometer.model.measurements import Duration
from elastometer.model.reasons import NO_OBJECTIVES, OBJECTIVES_MET, OBJECTIVES_MISSED, OBJECTIVES_UNCERTAIN, LoadFlaw
from elastometer.model.report import ObjectiveResult, Verdict
from elastometer.model.request import RecordedRequest
from elastometer.model.request_table import table_of
from elastometer.model.terms import Indicator, Objective
from elastometer.model.units import MILLISECOND, to_milliseconds
from elastometer.statistics.percentiles import ranks
from elastometer.statistics.rates import decimals_of, meets, truncated_percent
from elastometer_loadgen.stages.objectives import Statistic

WORDS = {
    Indicator.TIME_TO_FIRST_TOKEN: "ttft", Indicator.TIME_PER_OUTPUT_TOKEN: "tpot",
    Indicator.REQUEST_LATENCY: "latency", Indicator.SCALE_OUT_LAG: "scale-out lag",
    Indicator.COLD_START: "cold start", Indicator.REQUEST_SUCCESS: "request success",
    Indicator.ANSWER_CHECK: "answer check",
}
_MEASURES = {
    Indicator.TIME_TO_FIRST_TOKEN: request_measures.time_to_first_token(),
    Indicator.TIME_PER_OUTPUT_TOKEN: request_measures.time_per_output_token(),
    Indicator.REQUEST_LATENCY: request_measures.latency(),
}
_UNREACHED = {
    Indicator.TIME_TO_FIRST_TOKEN: "got no first token", Indicator.REQUEST_LATENCY: "did not succeed",
}


def judge_objective(
    objective: Objective, records: Sequence[RecordedRequest], lags: Sequence[Duration], cold_starts: Sequence[Duration],
) -> ObjectiveResult:
    """The verdict on one objective. `lags` has one figure per scale-out, `cold_starts` one per added Pod."""
    table = in_scope(objective, table_of(records))
    match objective.indicator:
        case Indicator.REQUEST_SUCCESS:
            return _judge_success(objective, table)
        case Indicator.ANSWER_CHECK:
            return _result(objective, *judge_answers(objective, table))
        case Indicator.SCALE_OUT_LAG:
            return _judge_figures(objective, lags, "no scale-out was seen")
        case Indicator.COLD_START:
            return _judge_figures(objective, cold_starts, "no Pod was added")
    return _judge_latency(objective, table)


def _result(
    objective: Objective, verdict: Verdict, message: str, measured: float | None, count: int,
) -> ObjectiveResult:
    is_share = objective.indicator in (Indicator.REQUEST_SUCCESS, Indicator.ANSWER_CHECK)
    bound = objective.minimum_percent if is_share else objective.maximum_milliseconds
    return ObjectiveResult(
        name=objective.name, indicator=objective.indicator.value, verdict=verdict, message=message, measured=measured,
        bound=None if bound is None else float(bound), unit="%" if is_share else "ms", count=count,
        stage=objective.stage, check=objective.check, task=objective.task,
    )


def _judge_success(objective: Objective, table: pl.DataFrame) -> ObjectiveResult:
    bound, count = objective.minimum_percent, len(table)
    if not count or bound is None:
        message = f"`request success` cannot be judged{where(objective)}: no request was recorded"
        return _result(objective, Verdict.INCONCLUSIVE, message, None, count)
    good = _count(table, request_measures.served())
    decimals = decimals_of(bound)
    percent = truncated_percent(good, count, decimals)
    met = meets(good, count, bound)
    rule = f"meets {bound} %" if met else f"is below {bound} %"
    counted = f"n={count}, {count - good} not served{_sent_again(table)}"
    message = f"`request success` {percent:.{decimals}f} % {rule}{where(objective)} ({counted})"
    return _result(objective, Verdict.PASS if met else Verdict.FAIL, message, percent, count)


def _count(table: pl.DataFrame, condition: pl.Expr) -> int:
    return int(table.select(condition.sum()).item())


def _sent_again(table: pl.DataFrame) -> str:
    """What the share would hide: how many requests were served only at a later attempt."""
    again = _count(table, pl.col("first_attempt").is_not_null())
    lost = _count(table, ~request_measures.served_at_once())
    return f"; at the first attempt {lost} not served, {again} sent again" if again else ""


def _judge_latency(objective: Objective, table: pl.DataFrame) -> ObjectiveResult:
    word, bound, measure = WORDS[objective.indicator], objective.maximum_milliseconds, _MEASURES[objective.indicator]
    if objective.statistic is Statistic.MEAN:
        is_pace = objective.indicator is Indicator.TIME_PER_OUTPUT_TOKEN
        unpaced = _count(table, request_measures.is_buffered()) if is_pace else 0
        in_time = table.select(measure.alias("value"))["value"]
        return _result(objective, *judge_mean(objective, word, in_time, unpaced))
    values = ordered(table, measure)
    found = ranked(values, objective.percentile)
    if found is None or bound is None:
        message = f"`{word}` cannot be judged{where(objective)}: none of {plural(len(table), 'request')} has a value"
        buffered = _count(table, request_measures.is_buffered())
        if objective.indicator is Indicator.TIME_PER_OUTPUT_TOKEN and buffered:
            message += f"; the tokens of {plural(buffered, 'request')} arrived together"
        return _result(objective, Verdict.INCONCLUSIVE, message, None, 0)
    measured, name = to_milliseconds(found), f"`{word}` p{objective.percentile}"
    if objective.indicator is Indicator.TIME_PER_OUTPUT_TOKEN and (unknown := _buffered(objective, table, values)):
        message = (f"{name} cannot be judged{where(objective)}: the tokens of {unknown} of "
                   f"{plural(len(table), 'request')} arrived together (p{objective.percentile} of the other "
                   f"{len(values)}: {measured:.0f} ms)")
        return _result(objective, Verdict.INCONCLUSIVE, message, measured, len(values))
    unreached = _UNREACHED.get(objective.indicator)
    missing = len(table) - len(values) if unreached else 0
    counted = f"n={len(values)}{_interval(objective.percentile, values, missing, bound)}"
    if found > bound * MILLISECOND:
        message = f"{name} {measured:.0f} ms exceeds {bound} ms{where(objective)} ({counted})"
        return _result(objective, Verdict.FAIL, message, measured, len(values))
    within = int((values <= bound * MILLISECOND).sum())
    # Counted, not ranked: requests without a value are beyond any bound, and would fill the ranks above the others.
    if 100 * within < objective.percentile * (len(values) + missing):
        message = (f"{name} is not within {bound} ms{where(objective)}: {missing} of "
                   f"{plural(len(table), 'request')} {unreached} (p{objective.percentile} of the other {len(values)}: "
                   f"{measured:.0f} ms)")
        return _result(objective, Verdict.FAIL, message, measured, len(values))
    message = f"{name} {measured:.0f} ms is within {bound} ms{where(objective)} ({counted})"
    return _result(objective, Verdict.PASS, message, measured, len(values))


def _interval(percent: int, values: pl.Series, missing: int, bound: int) -> str:
    """What another run of the same kind might show; it does not change the verdict, and is left out for too few values.
    Requests without a value are beyond all others."""
    at = ranks(len(values) + missing, percent)
    if at.low is None or at.high is None or at.low >= len(values):
        return ""
    low, high = values[at.low], values[at.high] if at.high < len(values) else inf
    words = f"{to_milliseconds(low):.0f} ms or more" if high == inf else \
        f"{to_milliseconds(low):.0f} to {to_milliseconds(high):.0f} ms"
    doubt = "; the bound lies within it: another run could get another verdict" \
        if low <= bound * MILLISECOND < high else ""
    return f", 95 % interval {words}{doubt}"


def _buffered(objective: Objective, table: pl.DataFrame, values: pl.Series) -> int:
    """How many streams have no pace because their tokens came together; 0 if the verdict does not depend on theirs."""
    count = _count(table, request_measures.is_buffered())
    bound = (objective.maximum_milliseconds or 0) * MILLISECOND
    at_best, at_worst = (
        ranked(pl.concat([values, pl.repeat(pace, count, dtype=values.dtype, eager=True)]).sort(), objective.percentile)
        for pace in (0.0, inf))
    return count if at_best is not None and at_worst is not None and at_best <= bound < at_worst else 0


def _judge_figures(objective: Objective, figures: Sequence[Duration], nothing: str) -> ObjectiveResult:
    word, bound = WORDS[objective.indicator], objective.maximum_milliseconds
    share = objective.statistic.named(objective.percentile)
    if not figures or bound is None:
        message = f"`{word}` cannot be judged: {nothing}"
        return _result(objective, Verdict.INCONCLUSIVE, message, None, 0)
    known = [one.milliseconds for one in figures if one.milliseconds is not None and one.reason is None]
    measured, lowest, highest = (
        objective.statistic.of(values, objective.percentile)
        for values in (known, [_earliest(one) for one in figures], [_latest(one) for one in figures]))
    lowest, highest = lowest or 0.0, highest or 0.0
    counted = f"(n={len(known)})" if len(known) == len(figures) else f"(n={len(known)} of {len(figures)})"
    if lowest > bound:
        shown = f"{measured:.0f} ms" if measured is not None and measured > bound else f"of at least {lowest:.0f} ms"
        message = f"`{word}` {share} {shown} exceeds {bound} ms {counted}"
        return _result(objective, Verdict.FAIL, message, measured, len(known))
    if highest <= bound and measured is not None:
        message = f"`{word}` {share} {measured:.0f} ms is within {bound} ms {counted}"
        return _result(objective, Verdict.PASS, message, measured, len(known))
    message = f"`{word}` {share} cannot be judged against {bound} ms: {_doubt(figures, lowest, highest)} {counted}"
    return _result(objective, Verdict.INCONCLUSIVE, message, measured, len(known))


def _doubt(figures: Sequence[Duration], lowest: float, highest: float) -> str:
    """Between which values the percentile lies, and why it is not known better."""
    reason = next((one.reason for one in figures if one.reason), None)
    if highest == inf:
        return reason or "its highest value is not known"
    widest = max(figures, key=lambda one: one.plus_minus_milliseconds or 0.0)
    note = "" if widest.note is None else f": {widest.note}"
    return f"it lies between {lowest:.0f} and {highest:.0f} ms{note}"


def _earliest(figure: Duration) -> float:
    if figure.reason is not None or figure.milliseconds is None:
        return figure.at_least_milliseconds or 0.0
    return figure.milliseconds - (figure.plus_minus_milliseconds or 0.0)


def _latest(figure: Duration) -> float:
    if figure.reason is not None or figure.milliseconds is None:
        return inf
    return figure.milliseconds + (figure.plus_minus_milliseconds or 0.0)


def overall(results: Sequence[ObjectiveResult], flaws: Sequence[tuple[LoadFlaw, str]]) -> tuple[Verdict, str, str]:
    """(verdict, reason, sentence). If the load was not delivered as specified, nothing else is judged."""
    if not results:
        return Verdict.NOT_JUDGED, NO_OBJECTIVES, "the test has no objectives: the run was measured but not judged"
    if flaws:
        order = list(LoadFlaw)
        first = min((flaw for flaw, _ in flaws), key=order.index)
        return Verdict.INCONCLUSIVE, first, "; ".join(sentence for _, sentence in flaws)
    for verdict, reason in ((Verdict.FAIL, OBJECTIVES_MISSED), (Verdict.INCONCLUSIVE, OBJECTIVES_UNCERTAIN)):
        hit = [result for result in results if result.verdict is verdict]
        if hit:
            return verdict, reason, "; ".join(result.message for result in hit)
    met = f"all {len(results)} objectives are met" if len(results) > 1 else "the one objective is met"
    return Verdict.PASS, OBJECTIVES_MET, met
