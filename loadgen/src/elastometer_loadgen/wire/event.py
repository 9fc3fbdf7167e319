"""What one event of a stream holds: its JSON, the text of the answer, and whatever else the model produced. Pure.

Servers write deltas in several ways: a string, an array of parts, reasoning in fields or parts of its own, calls of
tools. Each of them is output of the model and counts as a token; only the text that a user would read is the answer.
"""

import json
from typing import Any

import orjson

# Fields of a delta with what the model produced besides `content`; servers use different names for reasoning.
OTHER_FIELDS = frozenset({
    "reasoning_content", "reasoning", "thinking", "refusal", "tool_calls", "function_call", "audio",
})
# Types of parts whose text is not part of the answer.
THOUGHTS = frozenset({"thinking", "reasoning", "reasoning_content", "refusal"})
# Where words stand in such fields and parts; ids, types and indices are not the model's.
WORDS = frozenset({
    "text", "content", "thinking", "reasoning", "refusal", "function", "name", "arguments", "data", "transcript",
})
# A part of thoughts is an object with a list of objects with a text.
MAX_DEPTH = 4


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


_TOLERANT = json.JSONDecoder(strict=False, parse_constant=_refuse_constant)


def read_json(payload: bytes) -> object:
    """The value in the payload of an event; raises ValueError.

    Half of an emoji as an escape of its own is valid JSON that orjson refuses. Bytes that are not UTF-8 become U+FFFD,
    as in every event stream (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).
    Control characters are left in strings: an event that is known but for its text is not searched for them either.
    """
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as fault:
        try:
            return _TOLERANT.decode(payload.decode("utf-8", "replace"))
        except RecursionError:
            raise fault from None


def joined(text: str) -> str:
    """The text with the halves of its surrogate pairs put together; a half that stays alone becomes U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def piece_of(choice: dict[str, Any]) -> tuple[str, bool]:
    """The text of the answer in one choice of an event, and whether the model produced anything at all in it."""
    delta = choice.get("delta")
    if not isinstance(delta, dict):
        # Some servers write `message` here as in an answer that is not streamed.
        message = choice.get("message")
        delta = message if isinstance(message, dict) else {"content": choice.get("text")}
    content = delta.get("content") or ""
    text, is_output = (content, bool(content)) if isinstance(content, str) else _read_parts(content)
    others = () if is_output else OTHER_FIELDS & delta.keys()
    return text, is_output or any(_has_words(delta[name]) for name in others)


def _read_parts(content: object) -> tuple[str, bool]:
    """The text in an array of parts, and whether it or any other part has words, such as a thought."""
    text, has_thoughts = "", False
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            text += part
        elif isinstance(part, dict):
            own = part.get("text")
            if isinstance(own, str) and part.get("type") not in THOUGHTS:
                text += own
            else:
                has_thoughts = has_thoughts or _has_words(part)
    return text, bool(text) or has_thoughts


def _has_words(value: object, depth: int = MAX_DEPTH) -> bool:
    match value:
        case str():
            return bool(value)
        case list() if depth:
            return any(_has_words(item, depth - 1) for item in value)
        case dict() if depth:
            return any(_has_words(item, depth - 1) for name, item in value.items() if name in WORDS)
    return False
