"""A client that skips the parser for events it knows but for their text must count and keep what the parser does."""

import json
from typing import Any

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from elastometer_loadgen.wire.answer import Answer
from elastometer_loadgen.wire.event import joined, piece_of

TEXTS = st.one_of(
    st.text(max_size=6), st.sampled_from(["", '"', "\\", '\\"', 'a"', '"finish_reason":null', '"usage"', "}]}"])
)
PARTS = st.builds(lambda text: {"type": "text", "text": text}, TEXTS)
CONTENTS = st.one_of(TEXTS, st.none(), st.lists(PARTS, max_size=2))
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "finish_reason": st.sampled_from([None, "stop", ""]),
        "usage": st.sampled_from([None, {"prompt_tokens": 3, "completion_tokens": 4}]),
        "error": st.sampled_from([None, {"message": "broken"}]),
        "created": st.integers(0, 3),
    },
)
# What stands between the quotes of a text, as bytes: halves of emoji as escapes and as bytes, other escapes, none.
INSIDES = st.one_of(
    st.sampled_from([b"\\ud83d", b"\\ude00", b"\\ud83d\\ude00", "😀".encode()[:2], "😀".encode()[2:], b"\xff", b"\\n",
                     b"\\x", b"\\u12", b'\\"', b"\\\\", b"a", b"\x01", b'","x":"']),
    st.binary(max_size=4).filter(lambda text: not {10, 13} & set(text)),
)
SEEN = ("chunks", "first_chunks", "first_token_at", "last_token_at", "finish_reason", "completion_tokens", "error",
        "over_at", "malformed")


class Parsing(Answer):
    """Knows no event, so it parses each of them."""

    def _learn(self, *_: Any) -> None:
        """Nothing is remembered."""


def check_alike(stream: list[bytes]) -> Answer:
    """Feeds each reader the same events; the result is the one that parses and keeps the text."""
    readers = [reader(keeps_text=keeps) for reader in (Parsing, Answer) for keeps in (True, False)]
    for at, event in enumerate(stream):
        for reader in readers:
            reader.feed(event, float(at))
    for reader in readers:
        assert [getattr(reader, name) for name in SEEN] == [getattr(readers[0], name) for name in SEEN]
    assert readers[0].text == readers[2].text
    return readers[0]


@st.composite
def events(draw: st.DrawFn) -> bytes:
    """One event of a stream: mostly like the others, sometimes with something else in it."""
    change = draw(CHANGES)
    choice = {"index": 0, "delta": {"content": draw(CONTENTS)}, "finish_reason": change.pop("finish_reason", None)}
    if draw(st.booleans()):
        choice["delta"]["reasoning"] = draw(TEXTS)
    event = {"id": "a", "created": 1, "choices": [choice], **change}
    return b"data: " + (json.dumps(event).encode() if draw(st.booleans()) else orjson.dumps(event)) + b"\n\n"


@given(st.lists(events(), max_size=12))
def test_skipping_the_parser_counts_what_parsing_counts(stream: list[bytes]) -> None:
    check_alike(stream)


@given(st.lists(st.text(max_size=8), min_size=1, max_size=12))
def test_text_of_any_kind_between_the_same_frames_is_counted_as_it_is_parsed(texts: list[str]) -> None:
    data = [orjson.dumps({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]})
            for text in texts]
    answer = check_alike([b"data: " + one + b"\n\n" for one in data])
    assert answer.chunks == sum(1 for text in texts if text)
    assert answer.text == "".join(texts)


@example([b"a", b"\\ud83d", b"\\ude00"])
@given(st.lists(INSIDES, min_size=1, max_size=8))
def test_bytes_of_any_kind_between_the_same_frames_are_read_as_they_are_parsed(insides: list[bytes]) -> None:
    frame = b'data: {"choices":[{"index":0,"delta":{"content":"%b"},"finish_reason":null}]}\n\n'
    answer = check_alike([frame % inside for inside in insides])
    assert answer.text is not None
    answer.text.encode()


@given(st.text(st.characters(), max_size=6))
def test_halves_of_surrogate_pairs_are_joined_across_events(text: str) -> None:
    data = text.encode("utf-16-be", "surrogatepass").hex()
    units = [data[at : at + 4].encode() for at in range(0, len(data), 4)]
    stream = [b'data: {"choices":[{"delta":{"content":"\\u%b"}}]}\n\n' % unit for unit in units]
    assert check_alike(stream).text == joined(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["type", "text", "content", "thinking", "function", "name"]), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["delta", "text", "index"]), JSON, max_size=3), st.dictionaries(
    st.sampled_from(["content", "reasoning", "tool_calls", "refusal", "audio"]), JSON, max_size=3))
def test_a_choice_of_any_shape_is_read(choice: dict[str, Any], delta: dict[str, Any]) -> None:
    for one in (choice, {**choice, "delta": delta}):
        text, is_output = piece_of(one)
        assert isinstance(text, str)
        assert is_output or not text
