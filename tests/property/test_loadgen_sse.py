"""However the network cuts a stream, the same events come out of it."""

from itertools import pairwise

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from elastometer_loadgen.wire.answer import Answer
from elastometer_loadgen.wire.sse import EventStream

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=12)
FIELD = st.one_of(
    TEXT.map(lambda text: f"data: {text}"),
    TEXT.map(lambda text: f"data:{text}"),
    TEXT.map(lambda text: f": {text}"),
    TEXT.map(lambda text: f"id: {text}"),
    st.just("event: ping"),
    st.just("data"),
)
EVENTS = st.lists(st.lists(FIELD, min_size=1, max_size=3), max_size=6)


def expected_payloads(events: list[list[str]]) -> list[bytes]:
    """What the specification says, written the slow way."""
    payloads = []
    for event in events:
        data = []
        for field in event:
            name, _, value = field.partition(":")
            if name == "data":
                data.append(value.removeprefix(" "))
        if data:
            payloads.append("\n".join(data).encode())
    return payloads


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(place % (len(data) + 1) for place in cuts)})
    return [data[a:b] for a, b in pairwise(places)]


@settings(max_examples=300, deadline=None)
@given(EVENTS, st.sampled_from(["\n", "\r\n", "\r"]), st.lists(st.integers(0, 10_000), max_size=20))
def test_cuts_anywhere_change_nothing(events: list[list[str]], newline: str, cuts: list[int]) -> None:
    data = "".join("".join(field + newline for field in event) + newline for event in events).encode()
    whole, pieces = EventStream(), EventStream()
    found = [payload for piece in cut(data, cuts) for payload in pieces.feed(piece)]
    assert found == whole.feed(data) == expected_payloads(events)


def stream_of(texts: list[str]) -> bytes:
    choices: list[dict[str, object]] = [
        {"delta": {"role": "assistant", "content": ""}, "finish_reason": None}
    ]
    choices += [{"delta": {"content": text}, "finish_reason": None} for text in texts]
    choices.append({"delta": {"content": ""}, "finish_reason": "stop"})
    events: list[object] = [{"choices": [{"index": 0, **choice}]} for choice in choices]
    events.append({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 7}})
    return b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events) + b"data: [DONE]\n\n"


HOSTILE = st.sampled_from(
    ['"finish_reason":null', '"content":""', '"usage":', '{"error":1}', "[DONE]", "\n\n", "data: x"]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(TEXT, HOSTILE), max_size=8), st.lists(st.integers(0, 10_000), max_size=20))
def test_an_answer_is_read_the_same_however_it_is_cut(texts: list[str], cuts: list[int]) -> None:
    answer = Answer()
    for number, piece in enumerate(cut(stream_of(texts), cuts)):
        answer.feed(piece, float(number))
    assert answer.malformed is None
    assert (answer.done, answer.finish_reason, answer.error) == (True, "stop", None)
    assert (answer.prompt_tokens, answer.completion_tokens) == (3, 7)
    assert answer.chunks == sum(1 for text in texts if text)
    assert (answer.first_token_at is None) == (answer.chunks == 0)
