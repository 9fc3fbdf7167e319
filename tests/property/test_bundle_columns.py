"""Columns against lines: the same records, observations and series, whatever the lines hold."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from elastometer.model.bundle import series_from
from elastometer.model.observation import is_retired, observation_from
from elastometer.model.request import request_from
from elastometer.model.request_table import RequestRows
from elastometer.world.columns.observations import observation_lines, read_observations, seal_observations
from elastometer.world.columns.requests import merge, read_lines, read_requests
from elastometer.world.columns.series import read_series, seal_series, series_lines
from elastometer_loadgen.base.record import KEYS, Outcome, Repeat, RequestRecord, format_record
from elastometer_loadgen.journal.merge import Dropped

BASE = 1_795_237_200_000_000
NUMBERS, TEXTS = st.none() | st.integers(0, 2**50), st.none() | st.text(max_size=6)
INSTANTS = st.none() | st.integers(BASE, BASE + 10**9)
REPEATS = st.none() | st.builds(Repeat, st.floats(0, 1), st.integers(0, 99), st.tuples(*[st.floats(0, 1)] * 4))
STRANGE: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(-2**70, 2**70), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5), st.just([1]), st.just({"a": None}),
    st.just({"share": 1, "ngramCount": 2, "quarters": [0, 0.5, 1, 1]}), st.just({"share": 1, "ngramCount": 2}),
    st.sampled_from([
        "2026-11-21T05:00:00Z", "2026-11-21T07:00:00.5+02:00", "2026-02-30T05:00:00.000000Z",
        "2026-11-21T05:00:00.123456789Z"]))


@st.composite
def records(draw: st.DrawFn) -> bytes:
    return format_record(RequestRecord(
        draw(st.integers(0, 20)), draw(st.integers(0, 3)), draw(st.text(max_size=4)), "poem",
        draw(st.integers(BASE, BASE + 10**9)), draw(st.integers(BASE, BASE + 10**9)), draw(INSTANTS), draw(INSTANTS),
        draw(INSTANTS), draw(INSTANTS), draw(st.integers(BASE, BASE + 10**9)), draw(st.integers(0, 99)), draw(NUMBERS),
        draw(NUMBERS), draw(TEXTS), draw(NUMBERS), draw(st.sampled_from(Outcome)), draw(TEXTS), draw(TEXTS),
        draw(TEXTS), "7a2f", draw(st.none() | st.dictionaries(st.text(max_size=4), TEXTS, max_size=3)), 1,
        draw(st.none() | st.fixed_dictionaries({"outcome": st.sampled_from([*Outcome, "Nope"]), "status": NUMBERS})),
        None, None, draw(NUMBERS), draw(NUMBERS), draw(TEXTS), draw(NUMBERS), draw(NUMBERS), draw(REPEATS),
        draw(NUMBERS)))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A record in which some values are of any kind, written in one of the ways in which JSON can be."""
    found = orjson.loads(draw(records()))
    for key in draw(st.lists(st.sampled_from(sorted(KEYS.values())), max_size=3)):
        if draw(st.booleans()):
            found[key] = draw(STRANGE)
        else:
            found.pop(key, None)
    try:
        line = orjson.dumps(found, option=draw(st.sampled_from([orjson.OPT_SORT_KEYS, orjson.OPT_APPEND_NEWLINE])))
    except TypeError:  # a number that orjson does not write
        line = b"{}"
    return line.rstrip(b"\n") + b"\n"


LINES = st.lists(records() | damaged() | st.sampled_from([b"\n", b"{\n", b"[1]\n", b"null\n", b"\xff\n"]), max_size=12)


@given(LINES)
@settings(max_examples=300)
def test_records_of_lines_are_read_as_each_of_them_is(lines: list[bytes]) -> None:
    documents = []
    for line in lines:
        try:
            documents.append(orjson.loads(line) if line.strip() else None)
        except orjson.JSONDecodeError:
            documents.append([])
    expected = [request_from(one) if isinstance(one, dict) else None for one in documents]
    table, unreadable = read_lines(b"".join(lines))
    assert list(RequestRows(table)) == [one for one in expected if one is not None]
    blank = sum(not line.strip() for line in lines)
    assert unreadable == expected.count(None) - blank


@given(st.lists(records(), max_size=12))
@settings(max_examples=60)
def test_merged_records_are_those_of_the_lines_each_id_once(lines: list[bytes]) -> None:
    with TemporaryDirectory() as scratch:
        home, dropped = Path(scratch), Dropped()
        (home / "0-a.jsonl").write_bytes(b"".join(lines))
        merge([home / "0-a.jsonl"], dropped, home / "requests.parquet", home)
        table, unreadable = read_requests(home / "requests.parquet")
    found = list(RequestRows(table))
    read = [request_from(orjson.loads(line)) for line in lines]
    first = {one.id: one for one in sorted((one for one in read if one is not None), key=lambda one: -(one.send or 0))}
    assert {one.id: one.send for one in found} == {one.id: one.send for one in first.values()}
    assert all(one in read for one in found)
    assert ([one.id for one in found], unreadable) == (sorted(first), 0)
    assert dropped.duplicate_requests == len(lines) - len(found)


TIMES = st.integers(0, 10**6).map(lambda at: f"2026-11-21T05:00:00.{at:06d}Z")
OBSERVATIONS = st.fixed_dictionaries({
    "kind": st.sampled_from(["Log", "Pod", "Note", "WatchGap", "Probe", "Unheard", 7]), "receivedTime": TIMES | STRANGE,
}, optional={
    "pod": TEXTS, "container": TEXTS, "time": TIMES | STRANGE, "line": st.text(max_size=9), "type": st.just("ADDED"),
    "object": st.fixed_dictionaries({"metadata": st.fixed_dictionaries({"name": TEXTS, "uid": TEXTS})}) | STRANGE,
    "reason": TEXTS, "from": TIMES,
})


def written(found: Any) -> bytes:
    try:
        return orjson.dumps(found)
    except TypeError:
        return b"{}"


def expected(
    lines: list[bytes], parse: Callable[[dict[str, Any]], Any], is_skipped: Callable[[dict[str, Any]], bool],
) -> tuple[list[Any], int]:
    """What the lines say, read one by one, and how many of them cannot be read."""
    parsed, unreadable = [], 0
    for line in lines:
        try:
            document = orjson.loads(line)
        except orjson.JSONDecodeError:
            document = None
        one = parse(document) if isinstance(document, dict) else None
        parsed += [] if one is None else [one]
        unreadable += one is None and not (isinstance(document, dict) and is_skipped(document))
    return parsed, unreadable


@given(st.lists(OBSERVATIONS.map(written) | st.sampled_from([b"{", b"[]", b"\xff"]), max_size=10))
@settings(max_examples=150)
def test_observations_come_back_from_columns_and_again_from_lines(lines: list[bytes]) -> None:
    parsed, unreadable = expected(lines, observation_from, is_retired)
    with TemporaryDirectory() as scratch:
        plain, sealed = Path(scratch, "o.jsonl"), Path(scratch, "o.parquet")
        plain.write_bytes(b"".join(line + b"\n" for line in lines))
        for _ in range(2):
            seal_observations(plain, sealed)
            assert read_observations(sealed) == (parsed, unreadable)
            plain.write_bytes(b"".join(observation_lines(sealed)))


VALUES = st.sampled_from(["1", "0.25", "NaN", "+Inf", "1e+06", "x"]) | st.integers(0, 3)
SAMPLES = st.lists(st.tuples(st.integers(10**9, 2 * 10**9) | st.floats(10**9, 2 * 10**9), VALUES), max_size=4)
RESULTS = st.fixed_dictionaries({
    "name": st.sampled_from(["up", "a", None]), "outcome": st.sampled_from(["Samples", "NoData", "QueryFailed", "Odd"]),
    "series": st.lists(st.fixed_dictionaries({
        "labels": st.dictionaries(st.sampled_from(["pod", "b"]), st.text(max_size=3)), "samples": SAMPLES,
    }), max_size=3),
}, optional={"query": TEXTS, "message": TEXTS, "stepSeconds": st.none() | st.integers(1, 5) | st.floats(0.5, 5)})


@given(st.lists(RESULTS.map(written) | st.sampled_from([b"{", b"[]"]), max_size=5))
@settings(max_examples=100)
def test_series_come_back_from_columns_and_again_from_lines(lines: list[bytes]) -> None:
    parsed, unreadable = expected(lines, series_from, lambda _: False)
    with TemporaryDirectory() as scratch:
        plain, sealed = Path(scratch, "s.jsonl"), Path(scratch, "s.parquet")
        plain.write_bytes(b"".join(line + b"\n" for line in lines))
        for _ in range(2):
            seal_series(plain, sealed)
            assert read_series(sealed) == (parsed, unreadable)
            plain.write_bytes(b"".join(series_lines(sealed)))
