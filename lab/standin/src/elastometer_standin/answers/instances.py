"""Values that fit a plain JSON schema, and the answers that hold them. Pure."""

import json
import re
from collections.abc import Iterator
from math import isfinite
from typing import Any

from elastometer_standin.answers.readings import CANARY
from elastometer_standin.api import Call
from elastometer_standin.tokens import RING, Answer, verbatim_answer

MAX_SCHEMA_DEPTH = 32
"""Deeper parts of a schema are answered with null, so that a hostile schema cannot exhaust the stack."""
FROM_PROMPT = "fromPrompt"
"""Keyword of `--standin-json-schema`: a pattern whose first group, found in the user's last message, is the value."""
_BETWEEN_ITEMS = re.compile(r"\s*[,，、]\s*")


def json_answer(call: Call) -> Answer:
    """Valid JSON in pieces of four characters; it is cut, and so broken, only where max_tokens is too small."""
    return verbatim_answer(written(instance(call)), call.max_tokens)


def instance(call: Call) -> Any:
    """The value that answers the call: of its schema, or an object with one word and the request's mark."""
    if call.json_schema:
        return schema_instance(call.json_schema, call.key, call.json_source)
    canary = CANARY.search(call.prompt)
    value = {"answer": RING[call.key % len(RING)].strip()}
    return {**value, "request": canary.group()} if canary else value


def written(value: Any) -> str:
    """The value as JSON text; Chinese stays Chinese, as a model writes it."""
    return json.dumps(value, ensure_ascii=False)


def schema_instance(schema: dict[str, Any], key: int, source: str = "", depth: int = 0) -> Any:
    """A small value that fits a schema (type, enum, const, properties, items); the key makes the choices.

    A part with `fromPrompt` takes what that pattern finds in the source, where that is of its type.
    """
    if "const" in schema:
        return schema["const"]
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return choices[key % len(choices)]
    if depth > MAX_SCHEMA_DEPTH:
        return None
    kind = schema.get("type", "object" if "properties" in schema else "string")
    found = _from_prompt(schema, kind, source)
    if found is not None:
        return found
    match kind:
        case "object":
            properties = schema.get("properties")
            fields = properties if isinstance(properties, dict) else {}
            parts = {name: part for name, part in fields.items() if isinstance(part, dict)}
            return {name: schema_instance(part, key, source, depth + 1) for name, part in parts.items()}
        case "array":
            items = schema.get("items")
            return [schema_instance(items, key, source, depth + 1)] if isinstance(items, dict) else []
        case _:
            return _scalar(schema, kind, key)


def _scalar(schema: dict[str, Any], kind: Any, key: int) -> Any:
    match kind:
        case "integer" | "number":
            minimum = schema.get("minimum", 0)
            return max(0, minimum) if isinstance(minimum, int | float) else 0
        case "boolean":
            return bool(key & 1)
        case "null":
            return None
        case _:
            return RING[key % len(RING)].strip().rstrip(".")


def _from_prompt(schema: dict[str, Any], kind: Any, source: str) -> Any:
    """What the part's pattern finds, as a value of its type; None without a pattern or without a find."""
    pattern = schema.get(FROM_PROMPT) if source else None
    found = re.search(pattern, source) if isinstance(pattern, str) else None
    text = (found.group(1) if found.re.groups else found.group()) if found else None
    if not text:
        return None
    match kind:
        case "string":
            return text.strip()
        case "array":
            return _BETWEEN_ITEMS.split(text.strip())
        case "integer" | "number":
            return _number(text)
        case _:
            return None


def _number(text: str) -> int | float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    if not isfinite(value):
        return None
    return int(value) if value.is_integer() else value


def parse_schema(text: str) -> dict[str, Any]:
    """The schema in `--standin-json-schema`. ValueError says what is wrong with it or with one of its patterns."""
    try:
        schema = json.loads(text)
    except ValueError as error:
        raise ValueError(f"must be a JSON schema: {error}") from None
    if not isinstance(schema, dict):
        raise ValueError(f"must be an object, got {text}")
    for pattern in _patterns(schema):
        try:
            re.compile(pattern)
        except (re.error, TypeError) as error:
            raise ValueError(f"{FROM_PROMPT} must be a pattern, got {pattern!r}: {error}") from None
    return schema


def _patterns(part: Any) -> Iterator[Any]:
    if isinstance(part, dict):
        if FROM_PROMPT in part:
            yield part[FROM_PROMPT]
        for inner in part.values():
            yield from _patterns(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _patterns(inner)
