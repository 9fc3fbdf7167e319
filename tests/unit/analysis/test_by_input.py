"""Rows by input, with the line that was planted and the lengths that lie above it."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import NamedTuple

import pytest

from elastometer.analysis.by_input import by_input as module
from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model.by_input import InputBy, InputLine, InputRow
from elastometer.model.levels import LostCount
from elastometer.model.request import RecordedRequest
from elastometer.model.request_table import RequestRows, in_order, table_of
from elastometer.model.terms import Indicator, Objective, StageWindow, Terms
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.stages.stage import StageType
from support.levels import answer, lost


class Found(NamedTuple):
    rows: tuple[InputRow, ...]
    lines: tuple[InputLine, ...]


def by_input(evidence: Evidence) -> Found:
    return Found(*module.by_input(evidence))


LENGTHS = (128, 512, 1024, 2048, 4096, 8192)


def world(records: Iterable[RecordedRequest], kind: StageType = StageType.SWEEP, **terms: object) -> Evidence:
    stages = (StageWindow("lengths", 0.0, 1000.0, None, None, kind, 1000.0),)
    return Evidence(terms=replace(Terms(stages=stages), **terms), origin=0, has_origin=True, stages=stages,
                    requests=RequestRows(in_order(table_of(records))))


def sweep(seed: int = 1, slow_from: int = 10**6, each: int = 5) -> list[RecordedRequest]:
    """200 ms and 0.1 ms a token, with noise of up to 10 ms; from `slow_from` tokens on a second more."""
    draw, found = Random(seed), []
    for length in LENGTHS:
        for _ in range(each):
            took = 0.2 + 0.0001 * length + draw.uniform(-0.01, 0.01) + (1.0 if length >= slow_from else 0.0)
            found.append(answer(len(found), "lengths", 10.0 * len(found), took, task=f"sweep-{length}",
                                prompt_tokens=length))
    return found


def of(rows: Iterable[InputRow], by: InputBy) -> list[InputRow]:
    return [row for row in rows if row.by is by]


def test_the_line_through_the_lengths_is_the_planted_one_and_does_not_bend() -> None:
    found = by_input(world(sweep()))
    (line,) = found.lines
    assert line.per_thousand == pytest.approx(100.0, abs=2.0)
    assert line.at_zero == pytest.approx(200.0, abs=8.0)
    assert line.interval is not None
    assert line.interval.low < 100.0 < line.interval.high
    assert line.residual < 10.0
    assert (line.requests, line.bends) == (30, False)
    assert [row.label for row in found.rows] == [f"sweep-{length}" for length in LENGTHS]
    assert [row.size for row in found.rows] == [float(length) for length in LENGTHS]


@pytest.mark.parametrize("seed", range(20))
def test_no_length_on_one_line_is_slow(seed: int) -> None:
    found = by_input(world(sweep(seed)))
    assert len(found.rows) == 6
    assert [row.label for row in found.rows if row.slow] == []


@pytest.mark.parametrize("slow_from", [2048, 4096, 8192])
def test_lengths_above_the_line_through_the_shorter_ones_are_slow(slow_from: int) -> None:
    found = by_input(world(sweep(slow_from=slow_from)))
    assert [row.label for row in found.rows if row.slow] == [
        f"sweep-{length}" for length in LENGTHS if length >= slow_from]


def test_a_line_that_rises_faster_beyond_its_middle_bends() -> None:
    steep = [replace(one, end=one.end + 3 * (one.prompt_tokens - 2048) * 100_000)
             if one.end and one.prompt_tokens and one.prompt_tokens > 2048 else one for one in sweep()]
    (line,) = by_input(world(steep)).lines
    assert line.bends is True


def test_a_row_that_misses_an_objective_says_which() -> None:
    quick = Objective("quick", Indicator.REQUEST_LATENCY, 95, 500, None, None)
    found = by_input(world(sweep(), objectives=(quick,)))
    assert [(row.label, row.slow) for row in found.rows if row.slow] == [
        ("sweep-4096", found.rows[4].slow), ("sweep-8192", found.rows[5].slow)]
    assert "exceeds 500 ms" in str(found.rows[4].slow)


def test_what_timed_out_is_counted_by_length() -> None:
    records = [lost(one, Outcome.TIMED_OUT, None) if one.prompt_tokens == 8192 and one.id % 5 < 3 else one
               for one in sweep()]
    last = by_input(world(records)).rows[-1]
    assert (last.requests, last.timed_out, last.errors.hits) == (5, 3, 3)
    assert last.lost == (LostCount("TimedOut", None, 3),)
    assert last.latency.count == 2


def test_requests_of_several_tasks_have_a_row_for_each_and_one_task_has_none() -> None:
    records = [answer(number, "lengths", float(number), 1.0, task="chat" if number % 3 else "emotion")
               for number in range(30)]
    rows = by_input(world(records, StageType.CONCURRENCY)).rows
    assert [(row.by, row.label, row.requests) for row in rows] == [
        (InputBy.TASK, "emotion", 10), (InputBy.TASK, "chat", 20)]
    assert by_input(world(records[1:2], StageType.CONCURRENCY)).rows == ()


def test_groups_have_rows_with_the_share_of_answers_that_failed_a_check() -> None:
    records = [answer(number, "lengths", float(number), 1.0, group=("html", "json")[number % 2],
                      checks={"Readable": "Garbled" if number in (0, 2) else None, "Label": None})
               for number in range(20)]
    html, json = of(by_input(world(records, StageType.CONCURRENCY)).rows, InputBy.GROUP)
    assert (html.label, json.label) == ("html", "json")
    assert html.failed_checks is not None
    assert json.failed_checks is not None
    assert (html.failed_checks.hits, html.failed_checks.count) == (2, 10)
    assert json.failed_checks.hits == 0


def test_bins_by_characters_hold_their_upper_bound_and_go_on_beyond_the_last() -> None:
    records = [answer(number, "lengths", float(number), 1.0, input_characters=number + 1) for number in range(100)]
    rows = by_input(world(records, StageType.CONCURRENCY, input_character_bounds=(15, 60))).rows
    assert [(row.label, row.low, row.high, row.requests, row.size) for row in rows] == [
        ("up to 15", None, 15, 15, 8.0), ("16 to 60", 15, 60, 45, 38.0), ("over 60", 60, None, 40, 80.5)]


def test_tokens_per_second_are_those_of_single_requests() -> None:
    row = by_input(world(sweep())).rows[0]
    assert row.tokens_per_second.value is not None
    assert row.tokens_per_second.value == pytest.approx(20 / 0.2128, rel=0.05)


def test_a_run_of_one_task_without_lengths_has_no_rows() -> None:
    records = [answer(number, "lengths", float(number), 1.0) for number in range(10)]
    found = by_input(world(records, StageType.CONCURRENCY))
    assert (found.rows, found.lines) == ((), ())


def test_a_length_of_which_all_requests_were_lost_stays_behind_the_one_before_it() -> None:
    """The server counted none of their tokens."""
    records = [replace(lost(one, Outcome.STALLED, 200), prompt_tokens=None) if one.task == "sweep-8192" else one
               for one in sweep()]
    rows = of(by_input(world(records)).rows, InputBy.LENGTH)
    assert [row.label for row in rows] == [f"sweep-{length}" for length in LENGTHS]
    assert (rows[-1].size, rows[-1].errors.hits) == (None, 5)
