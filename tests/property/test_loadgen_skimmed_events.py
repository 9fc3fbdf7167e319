"""A client that only counts pieces of text and one that parses every event must count the same."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from elastometer_loadgen.wire.answer import Answer

TEXTS = st.one_of(
    st.text(max_size=6), st.sampled_from(["", '"', "\\", '\\"', 'a"', '"finish_reason":null', '"usage"', "}]}"])
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "finish_reason": st.sampled_from([None, "stop"]),
        "usage": st.sampled_from([None, {"prompt_tokens": 3, "completion_tokens": 4}]),
        "error": st.sampled_from([None, {"message": "broken"}]),
        "created": st.integers(0, 3),
    },
)


@st.composite
def events(draw: st.DrawFn) -> bytes:
    """One event of a stream: mostly like the others, sometimes with something else in it."""
    change = draw(CHANGES)
    choice = {"index": 0, "delta": {"content": draw(TEXTS)}, "finish_reason": change.pop("finish_reason", None)}
    if draw(st.booleans()):
        choice["delta"]["reasoning"] = draw(TEXTS)
    event = {"id": "a", "created": 1, "choices": [choice], **change}
    return b"data: " + orjson.dumps(event) + b"\n\n"


@given(st.lists(events(), max_size=12))
def test_skimming_counts_what_parsing_counts(stream: list[bytes]) -> None:
    skimmed, parsed = Answer(), Answer(keeps_text=True)
    for at, event in enumerate(stream):
        skimmed.feed(event, float(at))
        parsed.feed(event, float(at))
    for name in ("chunks", "first_token_at", "last_token_at", "finish_reason", "completion_tokens", "error"):
        assert getattr(skimmed, name) == getattr(parsed, name), name


@given(st.lists(st.text(max_size=8), min_size=1, max_size=12))
def test_text_of_any_kind_between_the_same_frames_is_counted_as_it_is_parsed(texts: list[str]) -> None:
    skimmed, parsed = Answer(), Answer(keeps_text=True)
    for text in texts:
        data = orjson.dumps({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]})
        skimmed.feed(b"data: " + data + b"\n\n", 1.0)
        parsed.feed(b"data: " + data + b"\n\n", 1.0)
    assert skimmed.chunks == parsed.chunks == sum(1 for text in texts if text)
