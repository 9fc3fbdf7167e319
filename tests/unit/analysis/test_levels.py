"""Levels of load as rows: each number against one that is known beforehand."""
from __future__ import annotations

import json
from dataclasses import replace

import pytest

from elastometer.analysis.levels.outcome import failures_of
from elastometer.analysis.levels.rates import level_rates
from elastometer.model.estimates import OpenInterval
from elastometer.model.levels import LevelOf, LostCount
from elastometer.model.request import RecordedRequest
from elastometer.model.request_table import table_of
from elastometer.model.terms import Indicator, Objective
from elastometer.model.units import SECOND
from elastometer.model.verdict import Verdict
from elastometer.render.json_report import plain
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.stages.stage import StageRole
from support.levels import Level, answer, lost, rows_of

ERRORS = Objective("errors", Indicator.REQUEST_SUCCESS, 95, None, 99, None)


def steady(name: str, concurrency: int, start: float, seconds: float, latency: float = 2.0) -> Level:
    """Answers that take equally long, from slots that begin evenly spread over one such time."""
    def takes(number: int, _: float) -> float:
        return latency * (number + 1) / concurrency if number < concurrency else latency
    return Level(name, concurrency, start, start + seconds, takes)


def test_a_level_has_the_rate_and_the_latency_of_its_loop_and_littles_law_holds() -> None:
    """10 in flight that take 2 s each are 5 a second; the first 10 s are left out."""
    (row,) = rows_of([Level("ten", 10, 0.0, 70.0, steady("ten", 10, 0.0, 70.0).takes, window={"warmup_seconds": 10.0})])
    assert (row.of, row.level, row.start_seconds, row.end_seconds) == (LevelOf.IN_FLIGHT, 10, 10.0, 70.0)
    assert (row.requests, row.requests_per_second, row.requests_per_second_plus_minus) == (300, 5.0, 0.0)
    assert (row.latency.mean, row.latency.p50, row.time_to_first_token.p95) == (2000.0, 2000.0, 1000.0)
    assert (row.input_tokens_per_second, row.output_tokens_per_second) == (500.0, 100.0)
    assert row.in_flight is not None
    assert (row.in_flight.expected, row.in_flight.recorded, row.is_doubtful) == (10.0, 10.0, False)


def test_a_request_counts_by_the_share_of_its_time_within_the_level() -> None:
    """Of 30 s: one whole request, half of one that began 6 s before, a quarter of one that ends 9 s after."""
    table = table_of([answer(1, "a", -6.0, 12.0), answer(2, "a", 6.0, 12.0), answer(3, "a", 27.0, 12.0)])
    rates = level_rates(table, (0, 30 * SECOND))
    assert rates is not None
    assert rates.served == round(1.75 / 30, 3)
    assert rates.output_tokens == round(20 * 1.75 / 30, 1)


def test_long_answers_that_all_begin_at_once_give_the_rate_of_the_loop() -> None:
    """Four in flight of 12 s each are a third of a request a second, wherever the level ends."""
    (row,) = rows_of([Level("four", 4, 0.0, 31.0, lambda *_: 12.0)])
    assert row.requests_per_second == round(4 / 12, 3)
    assert row.requests == 12, "those that were due, whenever they ended"


def test_warm_up_is_in_the_record_and_not_in_the_figures() -> None:
    slow_start = Level("ten", 10, 0.0, 60.0, lambda _, at: 8.0 if at < 20 else 2.0, window={"warmup_seconds": 30.0})
    (row,) = rows_of([slow_start])
    assert row.latency.maximum == 2000.0
    assert row.warmup_seconds == 30.0
    (whole,) = rows_of([Level("ten", 10, 0.0, 60.0, slow_start.takes)])
    assert whole.latency.maximum == 8000.0


def test_the_first_request_of_a_stage_counts_although_it_is_due_just_before_its_recorded_start() -> None:
    def early(number: int, record: RecordedRequest) -> RecordedRequest:
        return replace(record, intended=record.intended - 3_000) if number == 0 else record

    (row,) = rows_of([Level("one", 1, 0.0, 12.0, lambda *_: 4.0, early)])
    assert (row.requests, row.latency.count) == (3, 3)


def test_a_level_no_longer_than_its_warm_up_has_no_row() -> None:
    assert rows_of([Level("ten", 10, 0.0, 20.0, lambda *_: 2.0, window={"warmup_seconds": 20.0})]) == ()


def test_a_level_into_which_another_one_runs_is_marked() -> None:
    """Ten requests of the level before are in flight for half of it."""
    rows = rows_of([Level("before", 10, 0.0, 10.0, lambda _, at: 30.0 if at < 10 else 1.0),
                    steady("after", 10, 10.0, 40.0)])
    assert [row.is_doubtful for row in rows] == [False, True]
    assert rows[1].in_flight is not None
    assert rows[1].in_flight.recorded == 15.0, "10 of its own, and for half of the time 10 of the other"
    assert [row.others_in_flight for row in rows] == [{}, {"before": 5.0}]


def test_losses_are_counted_by_class_and_status_with_the_interval_of_their_share() -> None:
    def of(number: int, record: RecordedRequest) -> RecordedRequest:
        return lost(record, Outcome.SERVER_ERROR, 503) if number in (5, 6) else \
            lost(record, Outcome.TIMED_OUT, None) if number == 9 else record
    (row,) = rows_of([Level("ten", 10, 0.0, 60.0, lambda *_: 6.0, of=of)], [ERRORS])
    assert row.lost == (LostCount("ServerError", 503, 2), LostCount("TimedOut", None, 1))
    assert row.errors is not None
    assert (row.errors.hits, row.errors.count, row.errors.percent) == (3, 100, 3.0)
    assert (row.errors.interval.low, row.errors.interval.high) == (1.0255, 8.4519)
    assert row.verdict is Verdict.FAIL
    assert row.objectives[0].is_beyond_noise is True, "99 % served lies outside of 91.55 to 98.97 %"


def test_the_difference_to_the_baseline_has_an_interval_and_the_baseline_none() -> None:
    base = Level("base", 4, 0.0, 60.0, lambda *_: 1.0, window={"role": StageRole.BASELINE})
    rows = rows_of([base, Level("more", 8, 60.0, 120.0, lambda *_: 1.5)])
    assert [row.is_baseline for row in rows] == [True, False]
    assert rows[0].to_baseline is None
    assert rows[1].to_baseline is not None
    assert rows[1].to_baseline.percent == 50.0
    found = rows[1].to_baseline.latency_milliseconds
    assert (found.value, found.is_beyond_noise) == (500.0, True)


def test_without_a_baseline_no_level_is_compared() -> None:
    assert [row.to_baseline for row in rows_of([steady("a", 2, 0.0, 30.0), steady("b", 4, 30.0, 30.0)])] == [None, None]


def test_what_was_not_measured_is_none_with_its_reason() -> None:
    (row,) = rows_of([steady("ten", 10, 0.0, 30.0)])
    assert (row.cpu_cores, row.memory.mean_bytes, row.waiting, row.preemptions) == (None, None, None, None)
    assert {"cpu_cores", "memory_bytes", "waiting", "preemptions"} <= set(row.missing)
    assert all(row.missing.values())


@pytest.mark.parametrize(("stage", "applies"), [(None, True), ("ten", True), ("other", False)])
def test_an_objective_of_another_stage_is_not_judged_at_a_level(stage: str | None, applies: bool) -> None:
    objective = Objective("errors", Indicator.REQUEST_SUCCESS, 95, None, 99, stage)
    (row,) = rows_of([steady("ten", 10, 0.0, 30.0)], [objective])
    assert row.verdict is (Verdict.PASS if applies else Verdict.NOT_JUDGED)


@pytest.mark.parametrize(("lost_of_ten", "interval", "words"), [
    (0, OpenInterval(2000.0, 2000.0), "2.00 s (2.00 s to 2.00 s)"),
    (5, OpenInterval(2000.0, None), "2.00 s (2.00 s or more)"),
    (9, OpenInterval(None, None), "2.00 s of those served; too many were not"),
])
def test_an_end_of_an_interval_among_requests_that_were_not_served_is_none_and_can_be_written(
        lost_of_ten: int, interval: OpenInterval, words: str) -> None:
    def answered(number: int, record: RecordedRequest) -> RecordedRequest:
        return lost(record, Outcome.SERVER_ERROR, 500) if number % 10 < lost_of_ten else record

    objective = Objective("slow", Indicator.REQUEST_LATENCY, 50, 1500, None, None)
    (row,) = rows_of([Level("ten", 10, 0.0, 60.0, lambda *_: 2.0, answered)], [objective])
    assert row.objectives[0].interval == interval
    assert row.objectives[0].is_beyond_noise is True
    assert failures_of(row) == (f"slow: latency {words}, bound 1.5 s",)
    json.dumps(plain(row), allow_nan=False)
