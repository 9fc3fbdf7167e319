"""A record survives its line of JSON unchanged."""

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from elastometer_loadgen.base.record import (
    Outcome,
    Repeat,
    RequestRecord,
    format_instant,
    format_record,
    parse_instant,
    parse_record,
)

INSTANT = st.integers(0, 4_000_000_000_000_000)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
COUNT = st.integers(0, 10**9)
RECORDS = st.builds(
    RequestRecord,
    id=COUNT, worker=COUNT, stage=TEXT, task=TEXT, intended=INSTANT, send=INSTANT, connect=st.none() | INSTANT,
    first_byte=st.none() | INSTANT, first_token=st.none() | INSTANT, last_token=st.none() | INSTANT, end=INSTANT,
    chunks=COUNT, prompt_tokens=st.none() | COUNT, completion_tokens=st.none() | COUNT, finish_reason=st.none() | TEXT,
    status=st.none() | st.integers(100, 599), outcome=st.sampled_from(Outcome), error=st.none() | TEXT,
    pod=st.none() | TEXT, address=st.none() | TEXT, fingerprint=st.just("00af"),
    checks=st.none() | st.dictionaries(TEXT, st.none() | TEXT, max_size=3),
    attempts=st.integers(1, 11),
    first_attempt=st.none() | st.fixed_dictionaries({"outcome": TEXT, "status": st.none() | COUNT, "sendTime": TEXT}),
    conversation=st.none() | COUNT, turn=st.none() | st.integers(1, 64), first_chunks=st.none() | COUNT,
    input_characters=st.none() | COUNT, group=st.none() | TEXT, requested_tokens=st.none() | COUNT,
    received=st.none() | COUNT, output_characters=st.none() | COUNT,
    repeat=st.none() | st.builds(Repeat, st.floats(0, 1), COUNT, st.tuples(*[st.floats(0, 1)] * 4)),
)


@settings(max_examples=150, deadline=None)
@given(RECORDS)
def test_a_record_is_read_back_as_it_was_written(record: RequestRecord) -> None:
    line = format_record(record)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert parse_record(line) == record


@settings(max_examples=150, deadline=None)
@given(INSTANT)
def test_an_instant_keeps_its_microseconds(instant: int) -> None:
    text = format_instant(instant)
    assert len(text) == len("2026-01-01T00:00:00.000000Z")
    assert parse_instant(text) == instant


@settings(max_examples=50, deadline=None)
@given(RECORDS)
def test_what_was_not_observed_is_null_and_never_zero(record: RequestRecord) -> None:
    document = orjson.loads(format_record(record))
    assert (document["connectTime"] is None) == (record.connect is None)
    assert (document["completionTokens"] is None) == (record.completion_tokens is None)
