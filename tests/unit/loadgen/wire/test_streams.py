"""The ways in which servers and gateways stream, each through the real client: outcome, instants, text, reuse.

Every stream is read twice on purpose: as one whose text is needed and as one whose text is only counted. What becomes
of a request must not depend on that.
"""

from dataclasses import dataclass

import orjson
import pytest

from elastometer_loadgen.base.measures import latency, time_per_output_token, time_to_first_token
from elastometer_loadgen.base.record import Outcome, RequestRecord
from elastometer_loadgen.wire.client import Limits
from support.scripted_server import (
    DONE,
    END,
    HEAD,
    Script,
    Sender,
    chunk,
    event,
    said,
    says,
    scripted_server,
    usage,
)

GAP = 0.003
LIMITS = Limits(total_seconds=5.0, idle_seconds=0.2)
GOOD, BAD = Outcome.SUCCESS, Outcome.SERVER_ERROR
STOP = event(finish="stop")
EMOJI = "😀".encode()


def spaced(*pieces: bytes) -> list[bytes | float]:
    """The pieces with a gap after each."""
    return [part for piece in pieces for part in (piece, GAP)]


def words(count: int, content: object = "w ") -> list[bytes | float]:
    return spaced(*[event(content)] * count)


def raw(text: bytes) -> bytes:
    """An event whose text is these bytes, as they are."""
    return said(b'{"choices":[{"index":0,"delta":{"content":"' + text + b'"},"finish_reason":null}]}')


def delta(**fields: object) -> bytes:
    return said(orjson.dumps({"choices": [{"index": 0, "delta": fields, "finish_reason": None}]}))


def headed(content_type: bytes) -> bytes:
    return HEAD.replace(b"text/event-stream", content_type)


def whole(status: bytes, content_type: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b" % (status, content_type, len(body), body)


@dataclass
class Seen:
    """What is expected of a stream; `pace` says that it has a time per output token."""

    outcome: Outcome
    chunks: int = 6
    text: str | None = "w w w w w w "
    pace: bool = True
    reused: bool = True
    says: str = ""


SIX, FOUR, LAST = words(6), words(4), [STOP, usage(9, 6), DONE, END]
CUT = Seen(BAD, 4, "w w w w ", pace=False)
THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "hm "}]}
STREAMS: dict[str, tuple[list[bytes | float], Seen]] = {
    "plain": ([HEAD, event(), *SIX, *LAST], Seen(GOOD)),
    "role first": ([HEAD, delta(role="assistant", content=None), GAP, *SIX, *LAST], Seen(GOOD)),
    "comments": ([HEAD, *spaced(*[chunk(b": keep-alive\n\n"), chunk(b":\n\n")] * 2), *SIX, *LAST], Seen(GOOD)),
    "reasoning": ([HEAD, *spaced(*[delta(reasoning="r ")] * 3), *words(3), *LAST], Seen(GOOD, 6, "w w w ")),
    "reasoning content": ([HEAD, *spaced(*[delta(content=None, reasoning_content="r ")] * 6), *LAST],
                          Seen(GOOD, 6, "")),
    "filter results first": ([HEAD, said(b'{"choices":[],"prompt_filter_results":[{}]}'), GAP, *SIX, *LAST],
                             Seen(GOOD)),
    "counts of 0 after the counts": ([HEAD, *SIX, STOP, usage(9, 6), usage(0, 0), DONE, END], Seen(GOOD)),
    "no count after the counts": ([HEAD, *SIX, STOP, usage(9, 6), said(b'{"choices":[],"usage":{"prompt_tokens":9}}'),
                                   DONE, END], Seen(GOOD)),
    "counts of 0 alone": ([HEAD, *SIX, STOP, usage(0, 0), DONE, END], Seen(GOOD, pace=False)),
    "counts in floating point": ([HEAD, *SIX, STOP, said(b'{"choices":[],"usage":{"completion_tokens":6.0}}'), DONE,
                                  END], Seen(GOOD)),
    "usage in each event": ([HEAD, *spaced(*[event("w ", usage={"prompt_tokens": 9, "completion_tokens": n})
                                             for n in range(1, 7)]), STOP, DONE, END], Seen(GOOD)),
    "no usage": ([HEAD, *SIX, STOP, DONE, END], Seen(GOOD, pace=False)),
    "no finish reason": ([HEAD, *SIX, usage(9, 6), DONE, END], Seen(GOOD)),
    "messages for deltas": ([HEAD, *spaced(*[said(orjson.dumps({"choices": [{"message": {"content": "w "}}]}))] * 6),
                             *LAST], Seen(GOOD)),
    "parts of text": ([HEAD, *words(6, [{"type": "text", "text": "w "}]), *LAST], Seen(GOOD)),
    "a part alone": ([HEAD, *words(6, {"type": "text", "text": "w "}), *LAST], Seen(GOOD)),
    "parts of thoughts": ([HEAD, *words(3, [THOUGHT]), *words(3), *LAST], Seen(GOOD, 6, "w w w ")),
    "parts of other types": ([HEAD, *words(1, [{"type": "reference", "reference_ids": [1]}]), *SIX, *LAST],
                             Seen(GOOD)),
    "a refusal": ([HEAD, *spaced(*[delta(refusal="no ")] * 6), *LAST], Seen(GOOD, 6, "")),
    "calls of a tool": ([HEAD, *spaced(*[delta(tool_calls=[{"id": "x", "function": {"arguments": "{}"}}])] * 6),
                         *LAST], Seen(GOOD, 6, "")),
    "halves of an emoji": ([HEAD, *spaced(raw(b"\\ud83d"), raw(b"\\ude00")), *words(4), *LAST],
                           Seen(GOOD, 6, "😀w w w w ")),
    "halves of an emoji later": ([HEAD, *words(4), *spaced(raw(b"\\ud83d"), raw(b"\\ude00")), *LAST],
                                 Seen(GOOD, 6, "w w w w 😀")),
    "half an emoji": ([HEAD, *words(5), *spaced(raw(b"\\ude00")), *LAST], Seen(GOOD, 6, "w w w w w \ufffd")),
    "half a character": ([HEAD, *spaced(raw(EMOJI[:2]), raw(EMOJI[2:])), *words(4), *LAST],
                         Seen(GOOD, 6, "\ufffd\ufffd\ufffdw w w w ")),
    "half a character later": ([HEAD, *words(4), *spaced(raw(EMOJI[:2]), raw(EMOJI[2:])), *LAST],
                               Seen(GOOD, 6, "w w w w \ufffd\ufffd\ufffd")),
    "escapes": ([HEAD, *words(4), *spaced(raw(b'\\"'), raw(b"\\n\\u00e9")), *LAST], Seen(GOOD, 6, 'w w w w "\né')),
    "a number that is not JSON": ([HEAD, *words(4), said(b'{"x":NaN,"choices":[]}'), 5.0],
                                  Seen(Outcome.MALFORMED, 4, "w w w w ", pace=False, reused=False, says="NaN")),
    "blanks after the end": ([HEAD, *SIX, STOP, usage(9, 6), chunk(b"data:[DONE] \r\n\r\n"), END], Seen(GOOD)),
    "an end without its empty line": ([HEAD, *SIX, STOP, usage(9, 6), chunk(b"data: [DONE]"), END], Seen(GOOD)),
    "lines that end with CR": ([HEAD, *[piece.replace(b"\n\n\r\n", b"\r\r\r\n") if isinstance(piece, bytes) else piece
                                        for piece in (*SIX, STOP, usage(9, 6), DONE)], END], Seen(GOOD)),
    "a body left open": ([HEAD, *SIX, STOP, usage(9, 6), DONE, 5.0], Seen(GOOD, reused=False)),
    "a body left open within its last line": ([HEAD, *SIX, STOP, usage(9, 6), chunk(b"data: [DONE]\n"), 5.0],
                                              Seen(GOOD, reused=False)),
    "more after the end": ([HEAD, *SIX, STOP, usage(9, 6), DONE, said(b"bye"), END], Seen(GOOD)),
    "open after the finish reason": ([HEAD, *SIX, STOP, 5.0], Seen(Outcome.STALLED, pace=False, reused=False)),
    "no end": ([HEAD, *SIX, STOP, usage(9, 6), END], Seen(Outcome.TRUNCATED, pace=False)),
    "cut": ([HEAD, *FOUR, END], Seen(Outcome.TRUNCATED, 4, "w w w w ", pace=False)),
    "aborted": ([HEAD, *FOUR, event(finish="abort"), DONE, END], Seen(Outcome.ABORTED, 4, "w w w w ", pace=False)),
    "finish reason error": ([HEAD, *FOUR, event(finish="error"), DONE, END], CUT),
    "finish reason timeout": ([HEAD, *FOUR, event(finish="timeout"), DONE, END], CUT),
    "a finish reason as an object": ([HEAD, *FOUR, said(b'{"choices":[{"delta":{},"finish_reason":{"type":"abort"}}]}'),
                                      DONE, END], Seen(Outcome.ABORTED, 4, "w w w w ", pace=False)),
    "an error without its name": ([HEAD, *FOUR, said(b'{"code":500,"message":"worker lost","data":null}'), DONE, END],
                                  CUT),
    "an error beside no choices": ([HEAD, *FOUR, said(b'{"choices":null,"code":500,"message":"gone"}'), DONE, END],
                                   CUT),
    "words in an object": ([HEAD, *FOUR, said(b'{"choices":null,"base_resp":{"status_msg":"quota"}}'), END],
                           Seen(Outcome.TRUNCATED, 4, "w w w w ", pace=False, says="quota")),
    "words without a status": ([HEAD, *FOUR, said(b'{"detail":"the engine has died"}'), END],
                               Seen(Outcome.TRUNCATED, 4, "w w w w ", pace=False, says="the engine has died")),
    "words without a status, and the end": ([HEAD, *SIX, said(b'{"message":"hello"}'), *LAST], Seen(GOOD)),
    "an error on several lines": ([HEAD, *FOUR, chunk(b'{\n  "error": {\n    "message": "no slot"\n  }\n}\n'), END],
                                  CUT),
    "an error as an object": ([HEAD, *FOUR, said(b'{"error":{"message":"engine is dead","code":500}}'), DONE, END],
                              CUT),
    "an error as a text": ([HEAD, *FOUR, said(b'{"error":"out of memory","error_type":"overloaded"}'), DONE, END], CUT),
    "an error as bare text": ([HEAD, *FOUR, said(b"error: kv cache is full"), DONE, END], CUT),
    "an error as a field": ([HEAD, *FOUR, chunk(b'error: {"code":500,"message":"slot failed"}\n\n'), END], CUT),
    "an error as an event": ([HEAD, *FOUR, chunk(b'event: error\ndata: {"message":"no slot"}\n\n'), END], CUT),
    "an error that ends the body": ([HEAD, *FOUR, chunk(b"data: error: the disk is full"), END], CUT),
    "an error, and a body left open": ([HEAD, *FOUR, said(b'{"error":"gone"}'), 5.0],
                                       Seen(BAD, 4, "w w w w ", pace=False, reused=False)),
    "an error without a field": ([HEAD, chunk(b'{"error": {"message": "no such model"}}\n'), END],
                                 Seen(BAD, 0, "", pace=False, says="no such model")),
    "a text without a field": ([HEAD, chunk(b"Internal Server Error"), chunk(b"\n"), END],
                               Seen(Outcome.TRUNCATED, 0, "", pace=False, says="Internal Server Error")),
    "throttled in the stream": ([HEAD, said(b'{"error":{"message":"slow down","code":429}}'), DONE, END],
                                Seen(Outcome.THROTTLED, 0, "", pace=False, says="slow down")),
    "throttled": ([whole(b"429 X", b"application/json", b'{"error":"too many"}')],
                  Seen(Outcome.THROTTLED, 0, "", pace=False, says="too many")),
    "a client's mistake": ([whole(b"400 X", b"application/json", b'{"error":"no stream_options"}')],
                           Seen(Outcome.CLIENT_ERROR, 0, "", pace=False, says="no stream_options")),
    "an error with status 200": ([whole(b"200 OK", b"application/json", b'{"error":{"message":"no GPU"}}')],
                                 Seen(BAD, 0, "", pace=False, says="no GPU")),
    "an answer that is not streamed": ([whole(b"200 OK", b"application/json", b'{"choices":[]}')],
                                       Seen(Outcome.MALFORMED, 0, "", pace=False, says="not a stream")),
    "a stream called text": ([headed(b"text/plain"), *SIX, *LAST], Seen(Outcome.MALFORMED, 0, "", pace=False)),
    "a stream called lines of JSON": ([headed(b"application/x-ndjson"), *SIX, *LAST],
                                      Seen(Outcome.MALFORMED, 0, "", pace=False)),
    "a compressed stream": ([headed(b"text/event-stream\r\ncontent-encoding: gzip"), chunk(b"\x1f\x8b\x08"), END],
                            Seen(Outcome.MALFORMED, 0, "", pace=False, says="compressed by gzip")),
    "a compressed error": ([whole(b"500 X", b"application/json\r\ncontent-encoding: br", b"\x8b\x01")],
                           Seen(BAD, 0, "", pace=False, says="compressed by br")),
    "a stream that says it is not compressed": ([headed(b"text/event-stream\r\ncontent-encoding: identity"), *SIX,
                                                 *LAST], Seen(GOOD)),
    "a redirect": ([b"HTTP/1.1 307 X\r\nlocation: /\r\ncontent-length: 0\r\n\r\n"],
                   Seen(Outcome.MALFORMED, 0, "", pace=False, says="307")),
    "buffered": ([GAP, b"".join([HEAD, *[event("w ")] * 6, *LAST])], Seen(GOOD, pace=False)),
    "buffered after the role": ([HEAD, event(), 0.03, b"".join([*[event("w ")] * 6, *LAST])], Seen(GOOD, pace=False)),
    "buffered in two halves": ([HEAD, event("w ") * 3, 0.03, event("w ") * 3, *LAST], Seen(GOOD, pace=False)),
    "all but the first token buffered": ([HEAD, event("w "), 0.03, event("w ") * 5, *LAST], Seen(GOOD)),
    "an answer in one event": ([HEAD, event("w " * 6), *LAST], Seen(GOOD, 1, pace=False)),
}


async def twice(script: Script, *, keeps_text: bool) -> tuple[RequestRecord, RequestRecord, str | None]:
    """The records of two requests, one after the other, and the text of the first."""
    async with scripted_server() as server:
        server.script = script
        sender = Sender(server.port, LIMITS, keeps_text=keeps_text)
        first, text = await sender.send(), sender.text
        second = await sender.send()
        sender.client.close()
    return first, second, text


@pytest.mark.parametrize("name", STREAMS)
async def test_a_stream_is_what_it_is_whether_or_not_its_text_is_needed(name: str) -> None:
    pieces, seen = STREAMS[name]
    for keeps_text in (False, True):
        first, second, text = await twice(says(*pieces), keeps_text=keeps_text)
        assert (first.outcome, first.chunks) == (seen.outcome, seen.chunks), first.error
        assert text == (seen.text if keeps_text else None)
        assert (time_to_first_token(first) is not None) == (seen.chunks > 0)
        assert (time_per_output_token(first) is not None) == seen.pace
        assert (second.connect is None) == seen.reused
        assert seen.says in (first.error or "")
        assert (first.error is None) == (seen.outcome is GOOD)


@pytest.mark.parametrize(
    ("name", "words_of_server"),
    [("an error as an object", "engine is dead"), ("an error as a text", "out of memory"),
     ("an error as bare text", "error: kv cache is full"), ("an error as a field", "slot failed"),
     ("an error as an event", "no slot"), ("an error that ends the body", "error: the disk is full"),
     ("an error, and a body left open", "gone"), ("finish reason error", "finish reason error")],
)
async def test_an_error_is_recorded_in_the_words_of_the_server(name: str, words_of_server: str) -> None:
    first, _, _ = await twice(says(*STREAMS[name][0]), keeps_text=False)
    assert first.error == words_of_server


@pytest.mark.parametrize("name", ["a body left open", "a body left open within its last line"])
async def test_an_answer_is_over_when_it_says_so_and_not_when_its_body_ends(name: str) -> None:
    first, second, _ = await twice(says(*STREAMS[name][0]), keeps_text=False)
    for record in (first, second):
        took = latency(record)
        assert took is not None
        assert took < LIMITS.idle_seconds * 1e6, "the idle time-out is no part of the latency"
        assert record.last_token is not None
        assert record.end - record.last_token < 50_000


async def test_the_end_of_a_body_may_come_a_moment_after_the_answer() -> None:
    first, second, _ = await twice(says(HEAD, *SIX, STOP, DONE, 0.002, END), keeps_text=False)
    assert second.connect is None, "the connection is used again"
    assert first.last_token is not None
    assert first.end - first.last_token < 50_000


async def test_a_stream_to_the_end_of_the_connection_is_whole() -> None:
    old = b"HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    events = [b"data: " + orjson.dumps({"choices": [{"delta": {"content": "w "}}]}) + b"\n\n"] * 6
    first, second, text = await twice(
        says(old, *spaced(*events), b"data: [DONE]\n\n", close=True), keeps_text=True
    )
    assert (first.outcome, first.chunks, text) == (GOOD, 6, "w w w w w w ")
    assert second.connect is not None


async def test_a_stream_in_single_bytes_is_whole() -> None:
    stream = b"".join([HEAD, *[event(text) for text in ("Grüße", " 你好", " 👩‍👩‍👧")], *LAST])
    first, _, text = await twice(says(*(stream[at : at + 1] for at in range(len(stream)))), keeps_text=True)
    assert (first.outcome, first.chunks, text) == (GOOD, 3, "Grüße 你好 👩‍👩‍👧")
