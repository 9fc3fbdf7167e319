"""Streams whose tokens came together: they have no pace, decide no objective about it, and are named."""
from __future__ import annotations

import pytest

from elastometer.analysis.findings.streams import stream_findings
from elastometer.analysis.requests.latency import load_row
from elastometer.analysis.verdict.objectives import judge_objective
from elastometer.model.findings import FindingName, Severity
from elastometer.model.report import ObjectiveResult, Verdict
from elastometer.model.request import Outcome, RecordedRequest, request_from
from elastometer.model.terms import Indicator, Objective
from elastometer_loadgen.base.measures import is_buffered, time_between_chunks, time_per_output_token

SECOND = "2026-01-01T00:00:{:09.6f}Z"


def record(
    number: int, *, tokens: int | None = 11, chunks: int = 11, first_chunks: int | None = 1, first: float = 1.0,
    last: float = 1.5, outcome: Outcome = Outcome.SUCCESS,
) -> RecordedRequest:
    found = request_from({
        "id": number, "stage": "s", "intendedTime": SECOND.format(0), "sendTime": SECOND.format(0),
        "firstTokenTime": SECOND.format(first), "lastTokenTime": SECOND.format(last), "endTime": SECOND.format(last),
        "outcome": outcome.value, "chunks": chunks, "firstChunks": first_chunks, "completionTokens": tokens,
    })
    assert found is not None
    return found


def buffered(number: int) -> RecordedRequest:
    return record(number, first_chunks=11, first=1.5)


def pace(bound: int, records: list[RecordedRequest]) -> ObjectiveResult:
    return judge_objective(Objective("one", Indicator.TIME_PER_OUTPUT_TOKEN, 95, bound, None, None), records, [], [])


@pytest.mark.parametrize(
    ("chunks", "first_chunks", "last", "has_pace"),
    [
        (11, 1, 1.5, True),
        (11, 3, 1.5, True),
        (11, 4, 1.5, False),
        (11, 11, 1.002, False),
        (2, 1, 1.5, True),
        (2, 2, 1.0005, False),
        (1, 1, 1.0, False),
        (11, None, 1.5, True),
        (11, None, 1.0, False),
    ],
)
def test_a_stream_has_a_pace_if_few_of_its_chunks_came_with_the_first(
    chunks: int, first_chunks: int | None, last: float, has_pace: bool
):
    one = record(0, chunks=chunks, first_chunks=first_chunks, last=last)
    assert (time_per_output_token(one) is not None) == has_pace
    assert (time_between_chunks(one) is not None) == (has_pace and chunks > 1)


@pytest.mark.parametrize(
    ("one", "is_one"),
    [
        (buffered(0), True),
        (record(0, tokens=40, chunks=1, last=1.0), True),
        (record(0, tokens=None, first_chunks=11), True),
        (record(0), False),
        (record(0, tokens=1, chunks=1, last=1.0), False),
        (record(0, tokens=2, chunks=2, first_chunks=2, last=1.0), False),
        (record(0, tokens=4, chunks=4, first_chunks=4, last=1.0), False),
        (record(0, first_chunks=11, outcome=Outcome.TRUNCATED), False),
    ],
)
def test_a_stream_of_few_tokens_is_not_called_buffered(one: RecordedRequest, is_one: bool):
    assert is_buffered(one) == is_one


def test_buffered_streams_are_named_with_what_was_seen():
    (found,) = stream_findings([*map(buffered, range(3)), record(3, first_chunks=6), *map(record, range(4, 10))])
    assert (found.name, found.severity) == (FindingName.STREAM_BUFFERED, Severity.WARNING)
    assert found.evidence == (
        "4 of 10 streams of 5 tokens or more arrived in one piece (3) or in a burst (1). The median of their times to "
        "first token is 1500 ms, and that of their latencies 1500 ms"
    )


def test_a_stream_in_twenty_is_no_finding():
    assert list(stream_findings([buffered(0), *map(record, range(1, 20))])) == []


def test_short_answers_are_no_finding():
    assert list(stream_findings([record(number, tokens=2, chunks=2, first_chunks=2) for number in range(9)])) == []


def test_buffered_streams_have_no_percentile_and_never_a_zero():
    row = load_row("s", [buffered(0)]).time_per_output_token
    assert (row.count, row.p50, row.p95) == (0, None, None)


def test_an_objective_about_the_pace_of_buffered_streams_cannot_be_judged():
    result = pace(60, [buffered(number) for number in range(3)])
    assert (result.verdict, result.measured) == (Verdict.INCONCLUSIVE, None)
    assert result.message == (
        "`tpot` cannot be judged: none of 3 requests has a value; the tokens of 3 requests arrived together"
    )


@pytest.mark.parametrize(
    ("bound", "streams", "verdict"),
    [
        (60, 1, Verdict.PASS),
        (60, 20, Verdict.INCONCLUSIVE),
        (40, 20, Verdict.FAIL),
        (40, 5_000, Verdict.INCONCLUSIVE),
    ],
)
def test_buffered_streams_decide_nothing_that_the_others_leave_open(bound: int, streams: int, verdict: Verdict):
    result = pace(bound, [*map(record, range(100)), *map(buffered, range(100, 100 + streams))])
    assert (result.verdict, result.measured) == (verdict, 50.0)


def test_the_message_says_how_many_streams_are_unknown():
    assert pace(60, [*map(record, range(9)), buffered(9)]).message == (
        "`tpot` p95 cannot be judged: the tokens of 1 of 10 requests arrived together (p95 of the other 9: 50 ms)"
    )
