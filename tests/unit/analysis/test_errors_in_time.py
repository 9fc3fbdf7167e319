"""Errors in time: which first attempts failed, when, with what chance of that, and what the second attempt brought."""
from __future__ import annotations

from dataclasses import replace

from elastometer.analysis.requests.errors_in_time import error_kinds
from elastometer.model.errors_in_time import SecondAttempts
from elastometer.model.request import RecordedRequest, request_from
from elastometer_loadgen.base.record import Outcome
from support.levels import Level, lost, run_of


def failing(*numbers: int, served_again: bool = False) -> Level:
    """120 s with four in flight of 2 s each, 240 requests, of which those numbers fail at first."""
    def of(number: int, record: RecordedRequest) -> RecordedRequest:
        if number not in numbers:
            return record
        text = f"upstream 10.0.0.{number}:8000 is busy, {number} waiting"
        if served_again:
            return replace(record, first_attempt=Outcome.SERVER_ERROR, first_status=503, first_error=text)
        return lost(record, Outcome.SERVER_ERROR, 503, text)
    return Level("level", 4, 0.0, 120.0, lambda *_: 2.0, of)


def test_three_errors_at_the_begin_whose_retry_succeeded_are_one_row_with_their_chance() -> None:
    """32 of 240 requests are due in the first 15 s. All three there: 32 * 31 * 30 / (240 * 239 * 238) by chance."""
    (found,) = error_kinds(run_of([failing(0, 9, 25, served_again=True)]).evidence)
    assert (found.stage, found.outcome, found.status) == ("level", "ServerError", 503)
    assert (found.count, found.requests, found.early_requests) == (3, 240, 32)
    assert found.early is not None
    assert (found.early.hits, found.early.percent, found.early.interval.high) == (3, 100.0, 100.0)
    assert (found.first_seconds, found.last_seconds) == (0.0, 12.0)
    assert found.chance == round(32 * 31 * 30 / (240 * 239 * 238), 6)
    assert found.second_attempt == SecondAttempts(served=3, lost=0, not_sent=0)


def test_messages_that_differ_in_numbers_alone_are_one_kind_with_the_first_as_example() -> None:
    (found,) = error_kinds(run_of([failing(1, 2, 3)]).evidence)
    assert found.message == "upstream N is busy, N waiting"
    assert found.example == "upstream 10.0.0.1:8000 is busy, 1 waiting"
    assert found.second_attempt == SecondAttempts(served=0, lost=0, not_sent=3)


def test_errors_spread_over_the_stage_are_likely_by_chance() -> None:
    (found,) = error_kinds(run_of([failing(20, 90, 160)]).evidence)
    assert (found.first_seconds, found.last_seconds) == (10.0, 80.0)
    assert found.early is not None
    assert found.early.hits == 1
    assert found.chance is not None
    assert 0.3 < found.chance < 0.4, "1 - (208/240)^3 with putting back is 0.349"


def test_other_statuses_are_other_kinds_the_most_frequent_first() -> None:
    def of(number: int, record: RecordedRequest) -> RecordedRequest:
        if number < 6:
            return lost(record, Outcome.SERVER_ERROR, 500 if number == 0 else 503)
        return lost(record, Outcome.TIMED_OUT, None) if number < 9 else record
    found = error_kinds(run_of([replace(failing(), of=of)]).evidence)
    assert [(one.outcome, one.status, one.count, one.message) for one in found] == [
        ("ServerError", 503, 5, None), ("TimedOut", None, 3, None), ("ServerError", 500, 1, None)]


def test_a_run_without_errors_has_no_rows() -> None:
    assert error_kinds(run_of([failing()]).evidence) == ()


def test_where_the_begin_of_a_stage_is_not_known_neither_is_the_chance() -> None:
    level = replace(failing(1), window={"start_seconds": None, "end_seconds": None})
    (found,) = error_kinds(run_of([level]).evidence)
    assert (found.count, found.early, found.early_requests, found.chance) == (1, None, None, None)


def test_a_record_tells_status_and_message_of_its_first_attempt() -> None:
    line = {"id": 1, "intendedTime": "2026-01-01T00:00:00Z", "outcome": "Success",
            "firstAttempt": {"outcome": "ServerError", "status": 503, "error": "busy"}}
    found = request_from(line)
    assert found is not None
    assert (found.first_attempt, found.first_status, found.first_error) == (Outcome.SERVER_ERROR, 503, "busy")
