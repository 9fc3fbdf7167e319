"""Objective-miss seconds: the seconds of the load in which at least one request failed or missed a latency bound.

One definition for measured and predicted requests: seconds are counted by intended time, and a second is missed if one
of its requests failed or exceeded a latency bound of an objective that applies to its stage. Percentiles do not matter
here: they say how many misses an objective allows, and this counts how long there were any. The bound of a mean does
not bound each request. A warm-up is not judged, so nothing is missed in it.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from math import floor

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model import request_measures
from elastometer.model.terms import Indicator, Objective
from elastometer.model.units import MILLISECOND, SECOND
from elastometer_loadgen.stages.objectives import Statistic

_ON_REQUESTS = frozenset({
    Indicator.TIME_TO_FIRST_TOKEN, Indicator.TIME_PER_OUTPUT_TOKEN, Indicator.REQUEST_LATENCY,
    Indicator.REQUEST_SUCCESS,
})


@dataclass(frozen=True, slots=True)
class RequestColumns:
    """Requests as columns, in order of their intended time `at`: seconds from the start of the load, NaN where there is
    none. `ended` is NaN for a request that failed; `gaps` is its output tokens less one, 0 where there is no pace.
    `stretches` maps each stage to the range of its requests (from, up to). Without `tasks` none is known."""

    at: Sequence[float]
    first_token: Sequence[float]
    last_token: Sequence[float]
    ended: Sequence[float]
    gaps: Sequence[int]
    stretches: Mapping[str, tuple[int, int]]
    tasks: Sequence[str] = ()

    def of(self, objective: Objective) -> RequestColumns:
        """The part that an objective is about."""
        if objective.stage is None and objective.task is None:
            return self
        low, high = (0, len(self.at)) if objective.stage is None else self.stretches.get(objective.stage, (0, 0))
        first, last, ended = (column[low:high] for column in (self.first_token, self.last_token, self.ended))
        part = RequestColumns(self.at[low:high], first, last, ended, self.gaps[low:high], {}, self.tasks[low:high])
        return part if objective.task is None else part._of_task(objective.task)

    def _of_task(self, name: str) -> RequestColumns:
        kept = [task == name for task in self.tasks]
        at, first, last, ended = (list(compress(column, kept)) for column in (
            self.at, self.first_token, self.last_token, self.ended))
        return RequestColumns(at, first, last, ended, list(compress(self.gaps, kept)), {}, [name] * len(at))


def miss_seconds(requests: RequestColumns, objectives: Sequence[Objective]) -> int | None:
    """How many seconds were missed; None if no objective is about requests."""
    missed = missed_seconds(requests, objectives)
    return None if missed is None else len(missed)


def missed_seconds(requests: RequestColumns, objectives: Sequence[Objective]) -> set[int] | None:
    """The seconds that were missed, counted from the start of the load; None if no objective is about requests."""
    if not any(one.indicator in _ON_REQUESTS for one in objectives):
        return None
    found = {floor(at) for at, end in zip(requests.at, requests.ended, strict=True) if end != end}
    for objective in objectives:
        if (bound := _bound_of_each(objective)) is not None:
            found |= _too_slow(requests.of(objective), objective.indicator, bound / 1000)
    return found


def _bound_of_each(objective: Objective) -> int | None:
    """The milliseconds that every request should take at most; None where the objective says nothing about each."""
    return objective.maximum_milliseconds if objective.statistic is Statistic.PERCENTILE else None


def _too_slow(requests: RequestColumns, indicator: Indicator, bound: float) -> set[int]:
    """Comparisons with NaN are false, which is right here: a request without a value failed and is already counted."""
    at, first, last = requests.at, requests.first_token, requests.last_token
    match indicator:
        case Indicator.TIME_TO_FIRST_TOKEN:
            slow = [one - sent > bound for one, sent in zip(first, at, strict=True)]
        case Indicator.REQUEST_LATENCY:
            slow = [one - sent > bound for one, sent in zip(requests.ended, at, strict=True)]
        case Indicator.TIME_PER_OUTPUT_TOKEN:
            slow = [gap > 0 and end - one > bound * gap
                    for end, one, gap in zip(last, first, requests.gaps, strict=True)]
        case _:
            return set()
    return set(map(floor, compress(at, slow)))


def stretches(stages: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Where each stage begins and ends in the order of requests: stages run one after another."""
    found: dict[str, tuple[int, int]] = {}
    for number, stage in enumerate(stages):
        found[stage] = (found.get(stage, (number, 0))[0], number + 1)
    return found


def measured_miss_seconds(evidence: Evidence, objectives: Sequence[Objective] | None = None) -> int | None:
    """How many seconds of the recorded run were missed, by its own objectives unless others are given."""
    found = measured_missed(evidence, objectives)
    return None if found is None else len(found)


def measured_missed(evidence: Evidence, objectives: Sequence[Objective] | None = None) -> set[int] | None:
    """Which seconds of the recorded run were missed; None if no objective is about requests, or none was recorded.

    The rules are those of `missed_seconds`, in whole nanoseconds.
    """
    objectives = evidence.terms.objectives if objectives is None else objectives
    table = evidence.judged
    if not len(table) or not any(one.indicator in _ON_REQUESTS for one in objectives):
        return None
    missed = table.select((~request_measures.served() | pl.col("end").is_null()).alias("missed"), *(
        _slower(one, bound * MILLISECOND, table).fill_null(value=False).alias(str(number))
        for number, one in enumerate(objectives) if (bound := _bound_of_each(one)) is not None))
    seconds = (table["intended"] - evidence.origin) // SECOND
    return set(seconds.filter(missed.select(pl.any_horizontal(pl.all())).to_series()).unique())


def _slower(objective: Objective, bound: int, table: pl.DataFrame) -> pl.Expr:
    match objective.indicator:
        case Indicator.TIME_TO_FIRST_TOKEN:
            slow = request_measures.time_to_first_token() > bound
        case Indicator.REQUEST_LATENCY:
            slow = request_measures.latency() > bound
        case Indicator.TIME_PER_OUTPUT_TOKEN:
            slow = request_measures.time_per_output_token() > bound
        case _:
            return pl.lit(value=False)
    if objective.task is not None:
        slow &= pl.col("task") == objective.task
    if objective.stage is None:
        return slow
    # As in `stretches`: to a stage belongs what was wanted from its first request up to its last one.
    rows = (table["stage"] == objective.stage).arg_true()
    low, high = (rows[0], rows[-1]) if len(rows) else (0, -1)
    return slow & pl.int_range(pl.len()).is_between(low, high)
