"""Whatever JSON a client sends, it gets an answer or an error in vLLM's form, never a crash."""

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from elastometer_standin.answers.compose import OtherCalls, compose, possible_faults
from elastometer_standin.api import ApiError, Call, parse_call, parse_json
from elastometer_standin.settings import Settings

LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=8)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
SCHEMA = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["object", "array", "integer", "number", "string", "boolean", "null"]) | JSON,
        "enum": JSON,
        "minimum": JSON,
        "items": JSON,
        "properties": st.dictionaries(st.text(max_size=3), JSON, max_size=2) | JSON,
    },
)
MESSAGE = st.fixed_dictionaries({"role": st.sampled_from(["user", "system"]) | JSON, "content": st.text() | JSON})
BODY = st.fixed_dictionaries(
    {},
    optional={
        "messages": st.lists(MESSAGE, max_size=3) | JSON,
        "prompt": st.text(max_size=50) | st.lists(st.integers(0, 9)) | JSON,
        "max_tokens": st.integers(-1, 300) | JSON,
        "min_tokens": st.integers(-5, 300) | JSON,
        "n": st.just(1) | JSON,
        "seed": st.integers(-5, 5) | JSON,
        "stream": st.booleans() | JSON,
        "ignore_eos": st.booleans() | JSON,
        "stream_options": st.just({"include_usage": True}) | JSON,
        "response_format": st.fixed_dictionaries(
            {"type": st.just("json_schema"), "json_schema": st.fixed_dictionaries({"schema": SCHEMA}) | JSON}
        )
        | JSON,
    },
)


def parsed(body: bytes, *, chat: bool) -> Call | ApiError:
    try:
        return parse_call(parse_json(body, "application/json"), Settings(), chat=chat)
    except ApiError as error:
        return error


@settings(max_examples=400, deadline=None)
@given(body=BODY, chat=st.booleans())
def test_any_body_becomes_a_bounded_answer_or_an_api_error(body: dict[str, object], chat: bool) -> None:
    call = parsed(orjson.dumps(body), chat=chat)
    if isinstance(call, ApiError):
        assert call.status in (400, 404)
        assert orjson.loads(call.body())["error"]["code"] == call.status
        return
    answer = compose(call, None, OtherCalls(), mean=100)
    assert 1 <= answer.tokens <= call.max_tokens
    assert answer.tokens == call.max_tokens or not answer.cut
    for fault in possible_faults(call, OtherCalls(mark="[REQ-1]", label=call, json=call)):
        assert compose(call, fault, OtherCalls(mark="[REQ-1]", label=call, json=call), mean=100).tokens >= 1


@given(body=st.binary(max_size=60))
def test_any_bytes_are_a_call_or_an_api_error(body: bytes) -> None:
    assert isinstance(parsed(body, chat=True), Call | ApiError)
