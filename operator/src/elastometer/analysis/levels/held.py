"""The objectives of a test at one level: the verdict by the rule that judges the whole run, and whether it is noise."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import inf

import polars as pl

from elastometer.analysis.requests.answers import answers_to, failure_rate
from elastometer.analysis.requests.latency import ordered
from elastometer.analysis.verdict.objectives import judge_objective
from elastometer.model import request_measures
from elastometer.model.estimates import OpenInterval
from elastometer.model.levels import LevelObjective
from elastometer.model.request_table import RequestRows
from elastometer.model.terms import ON_REQUESTS, Indicator, Objective
from elastometer.model.units import to_milliseconds
from elastometer.model.verdict import ObjectiveResult, Verdict
from elastometer.statistics.means import mean_by_blocks
from elastometer.statistics.percentiles import ranks
from elastometer.statistics.rates import rate
from elastometer_loadgen.stages.objectives import Statistic

_OF_REQUESTS = ON_REQUESTS | {Indicator.ANSWER_CHECK}
_OF_ALL = {Indicator.TIME_TO_FIRST_TOKEN, Indicator.REQUEST_LATENCY}
_MEASURES = {
    Indicator.TIME_TO_FIRST_TOKEN: request_measures.time_to_first_token(),
    Indicator.TIME_PER_OUTPUT_TOKEN: request_measures.time_per_output_token(),
    Indicator.REQUEST_LATENCY: request_measures.latency(),
}


def level_objectives(
    objectives: tuple[Objective, ...], stage: str, requests: pl.DataFrame,
) -> tuple[LevelObjective, ...]:
    """Those on requests that are for every stage or for this one; none that nothing at this level has a value for. But
    every answer has a latency and a first token: where none is known, the objective is inconclusive, not void."""
    return tuple(_judged(objectives, stage, requests))


def _judged(objectives: tuple[Objective, ...], stage: str, requests: pl.DataFrame) -> Iterator[LevelObjective]:
    for one in objectives:
        if one.indicator not in _OF_REQUESTS or one.stage not in (None, stage):
            continue
        mine = requests if one.task is None else requests.filter(pl.col("task") == one.task)
        # The verdict is on the rows given, whatever stage they are of.
        result = judge_objective(replace(one, stage=None), RequestRows(mine), (), ())
        is_void = result.verdict is Verdict.INCONCLUSIVE and result.measured is None and one.indicator not in _OF_ALL
        if mine.is_empty() or is_void:
            continue
        interval = _interval(one, mine)
        yield LevelObjective(result, interval, _is_beyond_noise(result, interval))


def _is_beyond_noise(result: ObjectiveResult, interval: OpenInterval | None) -> bool | None:
    """Where nothing failed, no run of this length could show more."""
    if interval is None or result.bound is None or (result.unit == "%" and result.measured == 100.0):
        return None
    low, high = (inf if end is None else end for end in (interval.low, interval.high))
    return not (low < result.bound <= high if result.unit == "%" else low <= result.bound < high)


def _interval(objective: Objective, requests: pl.DataFrame) -> OpenInterval | None:
    """Of the number that is judged, in its unit."""
    if objective.indicator is Indicator.REQUEST_SUCCESS:
        found = rate(int(requests.select(request_measures.served().sum()).item()), requests.height).interval
        return OpenInterval(found.low, found.high)
    if objective.indicator is Indicator.ANSWER_CHECK:
        judged = answers_to(requests, objective.check)
        if judged.is_empty():
            return None
        failed = failure_rate(judged["failure"].count(), judged.height)
        return OpenInterval(100 - failed.high_percent, 100 - failed.low_percent)
    if objective.statistic is Statistic.MEAN:
        return _of_mean(requests, _MEASURES[objective.indicator])
    return _of_percentile(requests, objective)


def _of_mean(requests: pl.DataFrame, measure: pl.Expr) -> OpenInterval | None:
    values = requests.select(measure.alias("value"))["value"].drop_nulls()
    found = mean_by_blocks(values.cast(pl.Float64).to_list())
    if found.value is None or found.plus_minus is None:
        return None
    low, high = (to_milliseconds(found.value + sign * found.plus_minus) for sign in (-1, 1))
    return OpenInterval(low, high)


def _of_percentile(requests: pl.DataFrame, objective: Objective) -> OpenInterval | None:
    """Requests that never got so far are slower than all others; a pace is known of streams alone."""
    values = ordered(requests, _MEASURES[objective.indicator])
    count = len(values) if objective.indicator is Indicator.TIME_PER_OUTPUT_TOKEN else requests.height
    at = ranks(count, objective.percentile)
    if at.low is None or at.high is None:
        return None
    low, high = (to_milliseconds(values[place]) if place < len(values) else None for place in (at.low, at.high))
    return OpenInterval(low, high)
