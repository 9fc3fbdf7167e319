"""However a server frames an answer and the network cuts it, the same is counted; whatever comes, nothing breaks."""

import json
import tracemalloc
from itertools import cycle, pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from elastometer_loadgen.base.clock import Clock
from elastometer_loadgen.base.record import Outcome, RequestRecord, format_record, parse_record
from elastometer_loadgen.plan.prompts import Prompt
from elastometer_loadgen.plan.schedule import Arrival
from elastometer_loadgen.wire.connection import MAX_HEAD_BYTES, Connection
from elastometer_loadgen.wire.exchange import Exchange
from elastometer_loadgen.wire.sse import MAX_EVENT_BYTES, EventStream, OversizedEvent
from support.wire import Ends, Wire

MEBIBYTE = 1024 * 1024
TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=6)
CUTS = st.lists(st.integers(0, 100_000), max_size=12)


def hear(pieces: list[bytes], *, keeps_text: bool = True) -> tuple[Exchange, RequestRecord, bool]:
    """What becomes of one exchange that is answered by these reads; True when its connection may be used again."""
    owner, wire = Ends(), Wire()
    connection = Connection(owner)
    connection.connection_made(wire)
    exchange = Exchange(Arrival(0, 0.0, "s"), Prompt("t", "00ff", b"{}", keeps_text=keeps_text), 0.0, 0.0)
    connection.begin(exchange, b"")
    for piece in pieces:
        if not wire.closed:
            connection.data_received(piece)
    connection.connection_lost(None)
    assert len(owner.results) == 1, "an exchange ends once, whatever happens"
    return exchange, exchange.record(Clock(), 0), owner.results[0].reusable


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(place % (len(data) + 1) for place in cuts)})
    return [data[a:b] for a, b in pairwise(places)]


def events_of(texts: list[str], newline: str, extras: list[str], indent: int | None) -> bytes:
    """A whole answer as events; with an indent each is many lines of data."""
    documents: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]} for text in ["", *texts]
    ]
    documents.append({"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}]})
    documents.append({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": len(texts)}})
    payloads = [json.dumps(document, indent=indent, ensure_ascii=False) for document in documents]
    extra = cycle(extras or [""])
    stream = ""
    for payload in [*payloads, "[DONE]"]:
        lines = [f"data: {line}" for line in payload.split("\n")]
        stream += next(extra).replace("\n", newline) + newline.join(lines) + newline * 2
    return stream.encode()


def framed(body: bytes, framing: str, sizes: list[int], trailers: str) -> tuple[str, bytes]:
    """The header that announces the body, and the body as it travels."""
    if framing == "length":
        return f"content-length: {len(body)}\r\n", body
    if framing == "close":
        return "connection: close\r\n", body
    size, place, chunks = cycle(sizes), 0, b""
    while place < len(body):
        chunk = body[place : place + next(size)]
        place += len(chunk)
        chunks += b"%x;note=1\r\n%b\r\n" % (len(chunk), chunk)
    return "transfer-encoding: chunked\r\n", chunks + f"0\r\n{trailers}\r\n".encode()


EXTRAS = st.lists(st.sampled_from([": ping\n\n", ": data: no\n", "event: x\nid: 7\nretry: 5\n", "\n\n", "datum: 1\n"]))
INTERIM = st.sampled_from([
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\ncontent-type: text/html\r\nx-inference-pod: no\r\n\r\n",
])
HEADERS = st.sampled_from(
    ["", "content-type: text/event-stream\r\n", "Content-Type: text/event-stream; charset=utf-8\r\n"]
)


@settings(max_examples=150, deadline=None)
@given(
    texts=TEXTS,
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    extras=EXTRAS,
    indent=st.sampled_from([None, 1]),
    framing=st.sampled_from(["chunked", "length", "close"]),
    sizes=st.lists(st.integers(1, 200), min_size=1, max_size=4),
    trailers=st.sampled_from(["", "x-checksum: 1\r\ncontent-type: text/html\r\n"]),
    interim=st.lists(INTERIM, max_size=2),
    headers=HEADERS,
    padding=st.integers(0, 500),
    cuts=CUTS,
)
@example(
    texts=["é€😀"] * 3, newline="\r\n", extras=[": ping\n\n"], indent=1, framing="chunked", sizes=[1],
    trailers="x-checksum: 1\r\n", interim=["HTTP/1.1 100 Continue\r\n\r\n"], headers="", padding=65_000,
    cuts=list(range(100_000)),
)
def test_what_is_counted_does_not_depend_on_how_it_travelled(
    texts: list[str], newline: str, extras: list[str], indent: int | None, framing: str, sizes: list[int],
    trailers: str, interim: list[str], headers: str, padding: int, cuts: list[int],
) -> None:
    announced, body = framed(events_of(texts, newline, extras, indent), framing, sizes, trailers)
    head = f"HTTP/1.1 200 OK\r\n{headers}x-inference-pod: a\r\nx-padding: {'p' * padding}\r\n{announced}\r\n"
    pieces = cut("".join([*interim, head]).encode() + body, cuts)
    exchange, record, reusable = hear(pieces)
    assert (record.outcome, record.error) == (Outcome.SUCCESS, None)
    assert record.chunks == sum(1 for text in texts if text)
    assert exchange.answer.text == "".join(texts)
    assert (record.prompt_tokens, record.completion_tokens) == (5, len(texts))
    assert (record.finish_reason, record.status, record.pod) == ("stop", 200, "a")
    assert reusable == (framing != "close")
    _, skimmed, _ = hear(pieces, keeps_text=False)
    assert (skimmed.outcome, skimmed.chunks, skimmed.finish_reason) == (Outcome.SUCCESS, record.chunks, "stop")


WHOLE = events_of(["a", "b"], "\n", [], None)
GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(WHOLE), WHOLE)


@example(b"\r\x00", [1])  # the line end comes with the answer, the other byte in the next read
@settings(max_examples=60, deadline=None)
@given(st.one_of(st.just(GOOD), st.just(GOOD[:40]), st.just(b"HTTP/1.1 500 X\r\n"), st.binary(max_size=20)), CUTS)
def test_what_follows_a_whole_answer_in_the_same_breath_is_not_counted(more: bytes, cuts: list[int]) -> None:
    first, *rest = cut(GOOD + more, [len(GOOD) + place % (len(more) + 1) for place in cuts])
    _, record, reusable = hear([first, *rest])
    assert (record.outcome, record.status, record.chunks, record.finish_reason) == (Outcome.SUCCESS, 200, 2, "stop")
    # Line ends may stand between two messages, so they alone do not end the use of a connection; other bytes that come
    # in a later read find it idle, and close it then.
    assert not reusable or not first[len(GOOD):].strip(b"\r\n")


def test_bytes_that_nobody_asked_for_close_an_idle_connection() -> None:
    owner, wire = Ends(), Wire()
    connection = Connection(owner)
    connection.connection_made(wire)
    connection.begin(Exchange(Arrival(0, 0.0, "s"), Prompt("t", "00ff", b"{}"), 0.0, 0.0), b"")
    connection.data_received(GOOD + b"\r")
    assert owner.results[0].reusable
    assert not wire.closed
    connection.data_received(b"\x00")
    assert wire.closed


def test_a_part_of_a_second_answer_ends_the_use_of_a_connection() -> None:
    assert hear([GOOD])[2]
    assert not hear([GOOD + GOOD[:20]])[2]
    assert not hear([GOOD + GOOD])[2]


@settings(max_examples=200, deadline=None)
@given(data=st.data(), start=st.integers(0, len(GOOD)), length=st.integers(0, 40), cuts=CUTS)
def test_no_bytes_break_the_client_and_every_end_has_its_record(
    data: st.DataObject, start: int, length: int, cuts: list[int]
) -> None:
    corrupted = GOOD[:start] + data.draw(st.binary(max_size=40)) + GOOD[start + length :]
    for answer in (corrupted, data.draw(st.binary(max_size=200))):
        _, record, _ = hear(cut(answer, cuts), keeps_text=data.draw(st.booleans()))
        assert parse_record(format_record(record)) == record


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["choices", "delta", "content", "error", "usage", "text", "finish_reason",
                                       "prompt_tokens", "completion_tokens", "message"]), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["choices", "usage", "error"]), JSON, max_size=3), max_size=4))
def test_events_of_any_shape_have_their_record(events: list[dict[str, Any]]) -> None:
    stream = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    body = stream.encode("utf-8", "replace")
    _, record, _ = hear([b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)])
    assert parse_record(format_record(record)) == record


def test_a_piece_that_is_cut_off_within_its_text_is_malformed_json_and_not_malformed_http() -> None:
    piece = b'data: {"choices":[{"index":0,"finish_reason":null,"delta":{"content":"abc'
    stream = 2 * (piece + b'"}}]}\n\n') + piece + b"\n\n"
    _, record, _ = hear([b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(stream), stream)])
    assert (record.outcome, record.chunks) == (Outcome.MALFORMED, 2)
    assert "HTTP" not in (record.error or "")
    _, skimmed, _ = hear([b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(stream), stream)], keeps_text=False)
    assert (skimmed.outcome, skimmed.chunks, skimmed.error) == (record.outcome, record.chunks, record.error)


def memory_of(pieces: list[bytes]) -> tuple[RequestRecord, int]:
    """The record, and the most memory that was allocated at once beyond the pieces themselves."""
    tracemalloc.start()
    _, record, _ = hear(pieces)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return record, peak


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
READ = b"x" * 65_536


@pytest.mark.parametrize("line", [b"data: ", b": ", b"id: ", b"data: a\ndata: ", b"data: a\n" * 9])
def test_a_line_of_ten_megabytes_is_refused_in_bounded_memory(line: bytes) -> None:
    pieces = [CHUNKED + b"a00000\r\n" + line, *[READ] * 160]
    record, peak = memory_of(pieces)
    assert record.outcome is Outcome.MALFORMED
    assert record.error == f"an event of the stream is longer than {MAX_EVENT_BYTES} bytes"
    assert peak < 4 * MEBIBYTE


def test_an_event_of_ten_megabytes_in_short_lines_is_refused_in_bounded_memory() -> None:
    record, peak = memory_of([CHUNKED + b"a00000\r\n", *[b"data: abc\n" * 6_553] * 160])
    assert record.outcome is Outcome.MALFORMED
    assert peak < 6 * MEBIBYTE


def test_a_line_in_tiny_pieces_takes_no_more_memory_than_in_large_ones() -> None:
    events, pieces = EventStream(), MAX_EVENT_BYTES // 16
    tracemalloc.start()
    assert not any(events.feed(b"0123456789abcdef") for _ in range(pieces))
    assert tracemalloc.get_traced_memory()[1] < 3 * MEBIBYTE
    tracemalloc.stop()
    with pytest.raises(OversizedEvent):
        events.feed(b"0")


def test_a_body_that_is_no_stream_is_kept_only_in_part() -> None:
    head = b"HTTP/1.1 503 X\r\ncontent-length: 10485760\r\n\r\n"
    record, peak = memory_of([head, *[READ] * 160])
    assert record.outcome is Outcome.SERVER_ERROR
    assert len(record.error or "") <= 200
    assert peak < MEBIBYTE


@pytest.mark.parametrize(
    "start",
    [b"HTTP/1.1 200 OK\r\nx: ", b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\nx: ", CHUNKED + b"1\r\n\n\r\n0\r\nx: ",
     CHUNKED + b"5;"],
)
def test_headers_without_end_are_refused_in_bounded_memory(start: bytes) -> None:
    record, peak = memory_of([start, *[READ] * 160])
    assert (record.outcome, record.error) == (
        Outcome.MALFORMED,
        f"answer has more than {MAX_HEAD_BYTES} bytes of headers",
    )
    assert peak < MEBIBYTE


def test_interim_answers_without_end_are_refused() -> None:
    record, _ = memory_of([b"HTTP/1.1 100 Continue\r\n\r\n" * 500] * 1_000)
    assert record.outcome is Outcome.MALFORMED
