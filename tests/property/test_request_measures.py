"""The measures of requests as columns against those of single records, on drawn records."""
from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from elastometer.model import request_measures as columns
from elastometer.model.request import RecordedRequest
from elastometer.model.request_table import table_of
from elastometer.model.units import to_seconds
from elastometer_loadgen.base import measures
from elastometer_loadgen.base.record import Outcome

INSTANTS = st.none() | st.integers(0, 50)
COUNTS = st.none() | st.integers(0, 12)


@st.composite
def records(draw: st.DrawFn) -> RecordedRequest:
    first = draw(INSTANTS)
    return RecordedRequest(
        id=draw(st.integers(0, 9)), worker=0, stage="calm", task="poem", intended=draw(st.integers(0, 50)),
        send=draw(INSTANTS), connect=None, first_byte=first, first_token=first,
        last_token=draw(INSTANTS if first is not None else st.none()), end=draw(INSTANTS),
        chunks=draw(st.integers(0, 12)), prompt_tokens=draw(COUNTS), completion_tokens=draw(COUNTS),
        finish_reason=None, status=200, outcome=draw(st.sampled_from(Outcome)), error=None, pod=None, address=None,
        first_chunks=draw(st.none() | st.integers(1, 12)))


@given(st.lists(records(), min_size=1, max_size=20))
def test_every_measure_of_columns_is_that_of_the_records(found: list[RecordedRequest]) -> None:
    table = table_of(found)
    pairs = (
        (columns.time_to_first_token(), measures.time_to_first_token), (columns.latency(), measures.latency),
        (columns.latency_from_send(), measures.latency_from_send),
        (columns.time_per_output_token(), measures.time_per_output_token),
    )
    for expression, measure in pairs:
        assert table.select(expression.alias("value"))["value"].to_list() == [measure(one) for one in found]


@given(st.lists(st.integers(-10**15, 10**15) | st.integers(-10**6, 10**6).map(lambda half: half * 500_000), min_size=1))
def test_milliseconds_of_columns_are_rounded_as_single_durations_are(durations: list[int]) -> None:
    found = pl.DataFrame({"value": durations}).select(columns.in_whole_milliseconds(pl.col("value")))["value"]
    assert [one / 1000 for one in found] == [to_seconds(one) for one in durations]
