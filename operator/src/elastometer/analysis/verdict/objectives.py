"""Objectives: Pass, Fail or Inconclusive, each as a sentence with both numbers, the rule, and how many were counted.

A percentile of latencies is taken over the requests that reached that point. The others count as well: if a Pass would
become a Fail with them as too slow, the objective fails. A duration with a ± is judged at both ends of its range.
"""
from __future__ import annotations

from collections.abc import Sequence
from math import floor, inf

from elastometer.analysis.requests.latency import first_outcome, ordered
from elastometer.analysis.verdict.answer_objective import judge_answers
from elastometer.model.measurements import Duration
from elastometer.model.reasons import NO_OBJECTIVES, OBJECTIVES_MET, OBJECTIVES_MISSED, OBJECTIVES_UNCERTAIN, LoadFlaw
from elastometer.model.report import ObjectiveResult, Verdict
from elastometer.model.request import RecordedRequest
from elastometer.model.terms import Indicator, Objective
from elastometer.model.units import MILLISECOND, to_milliseconds
from elastometer_loadgen.base.measures import (
    is_buffered,
    latency,
    nearest_rank,
    time_per_output_token,
    time_to_first_token,
)
from elastometer_loadgen.base.record import Outcome

WORDS = {
    Indicator.TIME_TO_FIRST_TOKEN: "ttft", Indicator.TIME_PER_OUTPUT_TOKEN: "tpot",
    Indicator.REQUEST_LATENCY: "latency", Indicator.SCALE_OUT_LAG: "scale-out lag",
    Indicator.COLD_START: "cold start", Indicator.REQUEST_SUCCESS: "request success",
    Indicator.ANSWER_CHECK: "answer check",
}
_MEASURES = {
    Indicator.TIME_TO_FIRST_TOKEN: time_to_first_token, Indicator.TIME_PER_OUTPUT_TOKEN: time_per_output_token,
    Indicator.REQUEST_LATENCY: latency,
}
_UNREACHED = {
    Indicator.TIME_TO_FIRST_TOKEN: "got no first token", Indicator.REQUEST_LATENCY: "did not succeed",
}


def judge_objective(
    objective: Objective, records: Sequence[RecordedRequest], lags: Sequence[Duration], cold_starts: Sequence[Duration],
) -> ObjectiveResult:
    """The verdict on one objective. `lags` has one figure per scale-out, `cold_starts` one per added Pod."""
    if objective.stage is not None:
        records = [record for record in records if record.stage == objective.stage]
    match objective.indicator:
        case Indicator.REQUEST_SUCCESS:
            return _judge_success(objective, records)
        case Indicator.ANSWER_CHECK:
            return _result(objective, *judge_answers(objective, records))
        case Indicator.SCALE_OUT_LAG:
            return _judge_figures(objective, lags, "no scale-out was seen")
        case Indicator.COLD_START:
            return _judge_figures(objective, cold_starts, "no Pod was added")
    return _judge_latency(objective, records)


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


def _where(objective: Objective) -> str:
    return "" if objective.stage is None else f" in stage '{objective.stage}'"


def _judge_success(objective: Objective, records: Sequence[RecordedRequest]) -> ObjectiveResult:
    bound, count = objective.minimum_percent, len(records)
    if not count or bound is None:
        message = f"`request success` cannot be judged{_where(objective)}: no request was recorded"
        return _result(objective, Verdict.INCONCLUSIVE, message, None, count)
    good = sum(record.outcome is Outcome.SUCCESS for record in records)
    # Truncated, never rounded up: a share just below the bound must not read as if it met it.
    percent = floor(10000 * good / count) / 100
    met = 100 * good >= bound * count
    rule = f"meets {bound} %" if met else f"is below {bound} %"
    counted = f"n={count}, {count - good} not served{_sent_again(records)}"
    message = f"`request success` {percent:.2f} % {rule}{_where(objective)} ({counted})"
    return _result(objective, Verdict.PASS if met else Verdict.FAIL, message, percent, count)


def _sent_again(records: Sequence[RecordedRequest]) -> str:
    """What the share would hide: how many requests were served only at a later attempt."""
    again = sum(record.first_attempt is not None for record in records)
    lost = sum(first_outcome(record) is not Outcome.SUCCESS for record in records)
    return f"; at the first attempt {lost} not served, {again} sent again" if again else ""


def _judge_latency(objective: Objective, records: Sequence[RecordedRequest]) -> ObjectiveResult:
    word, bound = WORDS[objective.indicator], objective.maximum_milliseconds
    values = ordered(records, _MEASURES[objective.indicator])
    found = nearest_rank(values, objective.percentile)
    if found is None or bound is None:
        message = f"`{word}` cannot be judged{_where(objective)}: none of {len(records)} requests has a value"
        if objective.indicator is Indicator.TIME_PER_OUTPUT_TOKEN and (buffered := sum(map(is_buffered, records))):
            message += f"; the tokens of {buffered} requests arrived together"
        return _result(objective, Verdict.INCONCLUSIVE, message, None, 0)
    measured, name = to_milliseconds(found), f"`{word}` p{objective.percentile}"
    if objective.indicator is Indicator.TIME_PER_OUTPUT_TOKEN and (unknown := _buffered(objective, records, values)):
        message = (f"{name} cannot be judged{_where(objective)}: the tokens of {unknown} of {len(records)} requests "
                   f"arrived together (p{objective.percentile} of the other {len(values)}: {measured:.0f} ms)")
        return _result(objective, Verdict.INCONCLUSIVE, message, measured, len(values))
    if found > bound * MILLISECOND:
        message = f"{name} {measured:.0f} ms exceeds {bound} ms{_where(objective)} (n={len(values)})"
        return _result(objective, Verdict.FAIL, message, measured, len(values))
    unreached = _UNREACHED.get(objective.indicator)
    missing = len(records) - len(values) if unreached else 0
    within = sum(value <= bound * MILLISECOND for value in values)
    # Counted, not ranked: requests without a value are beyond any bound, and would fill the ranks above the others.
    if 100 * within < objective.percentile * (len(values) + missing):
        message = (f"{name} is not within {bound} ms{_where(objective)}: {missing} of {len(records)} requests "
                   f"{unreached} (p{objective.percentile} of the other {len(values)}: {measured:.0f} ms)")
        return _result(objective, Verdict.FAIL, message, measured, len(values))
    message = f"{name} {measured:.0f} ms is within {bound} ms{_where(objective)} (n={len(values)})"
    return _result(objective, Verdict.PASS, message, measured, len(values))


def _buffered(objective: Objective, records: Sequence[RecordedRequest], values: list[float]) -> int:
    """How many streams have no pace because their tokens came together; 0 if the verdict does not depend on theirs."""
    count, bound = sum(map(is_buffered, records)), (objective.maximum_milliseconds or 0) * MILLISECOND
    at_best, at_worst = (nearest_rank(sorted([*values, *[pace] * count]), objective.percentile) for pace in (0.0, inf))
    return count if at_best is not None and at_worst is not None and at_best <= bound < at_worst else 0


def _judge_figures(objective: Objective, figures: Sequence[Duration], nothing: str) -> ObjectiveResult:
    word, bound, share = WORDS[objective.indicator], objective.maximum_milliseconds, objective.percentile
    if not figures or bound is None:
        message = f"`{word}` cannot be judged: {nothing}"
        return _result(objective, Verdict.INCONCLUSIVE, message, None, 0)
    known = sorted(one.milliseconds for one in figures if one.milliseconds is not None and one.reason is None)
    measured = nearest_rank(known, share)
    lowest = nearest_rank(sorted(_earliest(one) for one in figures), share) or 0.0
    highest = nearest_rank(sorted(_latest(one) for one in figures), share) or 0.0
    counted = f"(n={len(known)})" if len(known) == len(figures) else f"(n={len(known)} of {len(figures)})"
    if lowest > bound:
        shown = f"{measured:.0f} ms" if measured is not None and measured > bound else f"of at least {lowest:.0f} ms"
        message = f"`{word}` p{share} {shown} exceeds {bound} ms {counted}"
        return _result(objective, Verdict.FAIL, message, measured, len(known))
    if highest <= bound and measured is not None:
        message = f"`{word}` p{share} {measured:.0f} ms is within {bound} ms {counted}"
        return _result(objective, Verdict.PASS, message, measured, len(known))
    reason = next((one.reason for one in figures if one.reason), None)
    why = reason or f"p{share} {measured or 0:.0f} ms is closer to {bound} ms than its ±"
    message = f"`{word}` p{share} cannot be judged against {bound} ms: {why} {counted}"
    return _result(objective, Verdict.INCONCLUSIVE, message, measured, len(known))


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
