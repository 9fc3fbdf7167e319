"""What one event says, in the forms in which servers write it: text, other output, an error and its status."""

from typing import Any

import orjson
import pytest

from elastometer_loadgen.wire.answer import Answer
from elastometer_loadgen.wire.event import joined, piece_of, read_json
from elastometer_loadgen.wire.sse import ErrorEvent, EventStream
from elastometer_loadgen.wire.stated_error import StatedError, declared_error, stated_error


@pytest.mark.parametrize(
    ("choice", "text", "is_output"),
    [
        ({"delta": {"content": "a"}}, "a", True),
        ({"delta": {"content": ""}}, "", False),
        ({"delta": {"role": "assistant", "content": None}}, "", False),
        ({"delta": {}}, "", False),
        ({"text": "a"}, "a", True),
        ({"delta": {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}}, "ab", True),
        ({"delta": {"content": ["a", "b"]}}, "ab", True),
        ({"delta": {"content": {"type": "output_text", "text": "a"}}}, "a", True),
        ({"delta": {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "a"}]}]}}, "", True),
        ({"delta": {"content": [{"type": "thinking", "thinking": "a"}]}}, "", True),
        ({"delta": {"content": [{"type": "thinking", "thinking": []}]}}, "", False),
        ({"delta": {"content": [{"type": "reasoning", "text": "a"}, {"type": "text", "text": "b"}]}}, "b", True),
        ({"delta": {"content": [{"type": "reference", "reference_ids": [1]}]}}, "", False),
        ({"delta": {"content": [{"type": "image_url", "image_url": {"url": "x"}}]}}, "", False),
        ({"delta": {"content": 17}}, "", False),
        ({"delta": {"reasoning_content": "a"}}, "", True),
        ({"delta": {"content": "b", "reasoning": "a"}}, "b", True),
        ({"delta": {"refusal": "no"}}, "", True),
        ({"delta": {"tool_calls": [{"index": 0, "id": "x", "type": "function"}]}}, "", False),
        ({"delta": {"tool_calls": [{"function": {"name": "f", "arguments": ""}}]}}, "", True),
        ({"delta": {"tool_calls": []}}, "", False),
        ({"delta": {"function_call": {"arguments": "{"}}}, "", True),
        ({"delta": {"audio": {"id": "x", "expires_at": 1}}}, "", False),
        ({"delta": {"audio": {"data": "AAAA"}}}, "", True),
    ],
)
def test_text_and_other_output_are_found_in_every_form(choice: dict[str, Any], text: str, is_output: bool) -> None:
    assert piece_of(choice) == (text, is_output)


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (b'{"error":{"message":"dead","code":500}}', StatedError("dead", 500)),
        (b'{"error":{"message":"dead","code":"503"}}', StatedError("dead", 503)),
        (b'{"error":{"message":"bad","code":400}}', StatedError("bad", 400)),
        (b'{"error":{"message":"slow","code":"rate_limit_exceeded"}}', StatedError("slow", 429)),
        (b'{"error":{"message":"slow","type":"RateLimitError","code":null}}', StatedError("slow", 429)),
        (b'{"error":"slow","code":429}', StatedError("slow", 429)),
        (b'{"error":"out of memory"}', StatedError("out of memory")),
        (b'{"error":{"detail":"x"}}', StatedError("x")),
        (b'{"error":{"code":50001}}', StatedError("{'code': 50001}")),
        (b'{"object":"error","message":"dead","code":404}', StatedError("dead", 404)),
        (b'{"text":"dead","error_code":50004}', StatedError("dead")),
        (b'{"choices":[{"delta":{},"error":{"message":"dead","code":502}}]}', StatedError("dead", 502)),
        (b"error: kv cache is full", StatedError("error: kv cache is full")),
        (b"[ERROR]  two\n lines", StatedError("[ERROR] two lines")),
        (b'"error: as a JSON string"', StatedError("error: as a JSON string")),
        (b'{"error":{"message":"half \\ud83d"}}', StatedError("half \ufffd")),
        (b'{"error":null,"choices":[]}', None),
        (b'{"error":{}}', None),
        (b'{"errors":1}', None),
        (b"errors are rare", None),
        (b"17", None),
        (b"", None),
    ],
)
def test_an_error_is_found_in_every_form_with_its_words(payload: bytes, error: StatedError | None) -> None:
    assert stated_error(payload) == error


@pytest.mark.parametrize(
    ("payload", "error"),
    [(b'{"message":"no slot","code":503}', StatedError("no slot", 503)), (b"no slot", StatedError("no slot")),
     (b"", StatedError("an error without a message")), (b'{"error":{"message":"x"}}', StatedError("x"))],
)
def test_what_is_an_error_by_its_name_is_one_whatever_it_holds(payload: bytes, error: StatedError) -> None:
    assert declared_error(payload) == error


@pytest.mark.parametrize(
    ("stream", "payloads"),
    [
        (b"event: error\ndata: a\n\ndata: b\n\n", [ErrorEvent(b"a"), b"b"]),
        (b"event: error\ndata: a\ndata: b\n\n", [ErrorEvent(b"a\nb")]),
        (b"event: message\ndata: a\n\n", [b"a"]),
        (b"error: a\n\ndata: b\n\n", [ErrorEvent(b" a"), b"b"]),
        (b'{"error": "a"}\n', [ErrorEvent(b'{"error": "a"}')]),
        (b"data: a\n\nerror: b\n\n", [b"a", ErrorEvent(b" b")]),
    ],
)
@pytest.mark.parametrize("size", [1, 100])
def test_events_that_are_errors_are_marked(stream: bytes, payloads: list[bytes], size: int) -> None:
    events = EventStream()
    found = [payload for at in range(0, len(stream), size) for payload in events.feed(stream[at : at + size])]
    assert [(type(one), one) for one in found] == [(type(one), one) for one in payloads]


@pytest.mark.parametrize(
    "ending",
    [b"data: [DONE]\n\n", b"data:[DONE]\n\n", b"data: [DONE] \r\n\r\n", b"data:  [done]\n\n", b'data: "[DONE]"\n\n',
     b"data: [DONE]\n", b"data: [DONE]", b"data: [DONE]\r\r", b"event: done\ndata: [DONE]\n\n"],
)
@pytest.mark.parametrize("size", [1, 100])
def test_an_answer_is_over_however_its_end_is_written(ending: bytes, size: int) -> None:
    answer = Answer()
    for at in range(0, len(ending), size):
        answer.feed(ending[at : at + size], float(at))
    assert answer.done
    assert answer.over_at is not None


def test_nothing_after_the_end_belongs_to_the_answer() -> None:
    answer = Answer(keeps_text=True)
    event = b"data: " + orjson.dumps({"choices": [{"delta": {"content": "a"}}]}) + b"\n\n"
    answer.feed(event + b"data: [DONE]\n\n" + event + b"data: {\n\n", 1.0)
    answer.feed(event, 2.0)
    assert (answer.text, answer.chunks, answer.over_at, answer.malformed) == ("a", 1, 1.0, None)


@pytest.mark.parametrize("payload", [b"NaN", b'{"a":-Infinity}', b"[" * 100_000, b"{", b"\xff", b"9" * 5000])
def test_what_is_not_json_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError):
        read_json(payload)


def test_halves_are_joined_and_lone_ones_replaced() -> None:
    assert joined("a\ud83d" + "\ude00b") == "a😀b"
    assert joined("\ude00\ud83d") == "\ufffd\ufffd"
    assert joined("é😀") == "é😀"


@pytest.mark.parametrize("count", [-1, 2**60, 1.5, "7", True, None])
def test_a_count_that_is_none_is_not_one(count: object) -> None:
    answer = Answer()
    answer.feed(b"data: " + orjson.dumps({"usage": {"completion_tokens": count}}) + b"\n\n", 0.0)
    assert (answer.completion_tokens, answer.malformed) == (None, None)


@pytest.mark.parametrize(("gap", "joint"), [(0.00015, 40), (0.0004, 3)])
def test_a_stream_that_no_server_generates_so_quickly_came_in_one_piece(gap: float, joint: int) -> None:
    """A gateway that held it back passes on its events with a few tenths of a millisecond between them."""
    answer = Answer()
    event = b"data: " + orjson.dumps({"choices": [{"delta": {"content": "a"}}]}) + b"\n\n"
    for number in range(40):
        late = 0.001 if number > 3 else 0.0
        answer.feed(event, 1.0 + number * gap + late)
    assert (answer.joint_chunks, answer.first_chunks < 10) == (joint, True)


def test_an_answer_without_chunks_has_none_that_came_together() -> None:
    assert Answer().joint_chunks == 0
