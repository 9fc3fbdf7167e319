"""Checks a manifest against a structural schema, and fills in its defaults, without an API server.

Follows `fieldValidation=Strict`: an unknown field is a flaw, and null is the same as absent. CEL rules are not
evaluated here. Not `jsonschema`: the messages must have this project's form, and defaults and unknown fields follow
Kubernetes' own rules.
"""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elastometer_loadgen.base.fields import unknown_field

Json = dict[str, Any]
_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,), "integer": (int,),
    "number": (int, float), "quantity": (str, int, float), "integer or string": (int, str),
}
# A value may be an integer or a string, and its schema then has limits of both.
_LIMITS: tuple[tuple[tuple[type, ...], str, str], ...] = (
    ((int, float), "minimum", "maximum"), ((str,), "minLength", "maxLength"), ((list,), "minItems", "maxItems"),
    ((dict,), "minProperties", "maxProperties"),
)
MAX_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Reading:
    """How a document is read: `of` names what its fields belong to, for messages; the rest of a `partial` document is
    elsewhere, so that nothing in it is required."""

    of: str = ""
    partial: bool = False


_WHOLE = Reading()


def defaulted(value: Any, schema: Json) -> Any:
    """A copy with the schema's defaults filled in; what does not fit the schema is left as it is."""
    if isinstance(value, dict):
        # As in the API server, a default is itself completed by the defaults of its fields.
        known = schema.get("properties", {})
        filled = {name: child["default"] for name, child in known.items() if "default" in child}
        given = {name: item for name, item in value.items() if item is not None or name not in known}
        return {name: defaulted(item, known.get(name, {})) for name, item in {**filled, **given}.items()}
    if isinstance(value, list):
        return [defaulted(item, schema.get("items", {})) for item in value]
    return value


def flaws(value: Any, schema: Json, path: str, reading: Reading = _WHOLE) -> Iterator[str]:
    """Every flaw as `path: rule, is value`, in the order of the document."""
    kind = "integer or string" if schema.get("x-kubernetes-int-or-string") else schema.get("type", "")
    # In Python, True is an int; in JSON it is not.
    wrong = kind in _TYPES and (not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"))
    if wrong:
        yield f"{path}: must be of type {kind}, is {shown(value)}"
        return
    yield from _bounds(value, schema, path)
    if isinstance(value, dict):
        required = () if reading.partial else schema.get("required", ())
        yield from (f"{_below(path, name)}: must be given, is absent" for name in required if value.get(name) is None)
    yield from _unknown(value, schema, path, reading)
    yield from _given_twice(value, schema, path)
    for item, child, where in _children(value, schema, path):
        yield from flaws(item, child, where, reading)


def unknown_fields(value: Any, schema: Json, path: str, reading: Reading = _WHOLE) -> Iterator[str]:
    """The flaws that are fields without a place in the schema; whatever else is wrong is for another reader."""
    yield from _unknown(value, schema, path, reading)
    for item, child, where in _children(value, schema, path):
        yield from unknown_fields(item, child, where, reading)


def below(schema: Json, steps: Sequence[str | int]) -> Json:
    """The schema of a place in a document; one that takes everything where there is none."""
    for step in steps:
        others = schema.get("additionalProperties")
        known = schema.get("items") if isinstance(step, int) else schema.get("properties", {}).get(step, others)
        schema = known or {"x-kubernetes-preserve-unknown-fields": True}
    return schema


def _children(value: Any, schema: Json, path: str) -> Iterator[tuple[Any, Json, str]]:
    """The given fields or entries for which the schema has a place, each with its own schema and path."""
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        for name, item in value.items():
            child = known.get(name, others)
            if isinstance(child, dict) and item is not None:
                yield item, child, _below(path, name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield item, schema.get("items", {}), f"{path}[{index}]"


def _unknown(value: Any, schema: Json, path: str, reading: Reading) -> Iterator[str]:
    known = schema.get("properties", {})
    if not isinstance(value, dict) or schema.get("type", "object") != "object":
        return
    is_open = schema.get("x-kubernetes-preserve-unknown-fields") or isinstance(schema.get("additionalProperties"), dict)
    if not is_open and (known or "additionalProperties" not in schema):
        yield from (f"{_below(path, name)}: {unknown_field(name, sorted(known), reading.of)}"
                    for name in value if name not in known)


def _given_twice(value: Any, schema: Json, path: str) -> Iterator[str]:
    """Entries of a list that the API server takes for a map, under a key that an earlier one has."""
    keys, seen = schema.get("x-kubernetes-list-map-keys"), []
    if not keys or not isinstance(value, list):
        return
    for index, item in enumerate(value):
        found = [item.get(key) for key in keys] if isinstance(item, dict) else None
        if found is not None and found in seen:
            yield f"{path}[{index}].{keys[0]}: must differ from that of every other entry, is {shown(found[0])}"
        seen.append(found)


def _below(path: str, name: str) -> str:
    """The path of a field; that of a whole document is empty."""
    return f"{path}.{name}" if path else name


def _matches(value: str, pattern: str) -> bool:
    """As RE2 of the API server does, in which $ is the end of the text; in Python it is also before a last newline."""
    return re.search(re.sub(r"\$$", r"\\Z", pattern), value) is not None


def _bounds(value: Any, schema: Json, path: str) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: must be one of {', '.join(map(str, schema['enum']))}, is {shown(value)}"
    if isinstance(value, str) and "pattern" in schema and not _matches(value, schema["pattern"]):
        yield f"{path}: must match {schema['pattern']}, is {shown(value)}"
    size: float = value if isinstance(value, (int, float)) else len(value) if hasattr(value, "__len__") else 0
    for kind, lower, upper in _LIMITS:
        if isinstance(value, kind):
            if lower in schema and size < schema[lower]:
                yield f"{path}: must {_limit(value, 'at least', schema[lower])}, is {shown(value)}"
            if upper in schema and size > schema[upper]:
                yield f"{path}: must {_limit(value, 'at most', schema[upper])}, is {shown(value)}"


def _limit(value: Any, word: str, bound: float) -> str:
    if isinstance(value, (int, float)):
        return f"be {word} {bound}"
    one, several = ("character", "characters") if isinstance(value, str) else ("entry", "entries")
    return f"have {word} {bound} {one if bound == 1 else several}"


def shown(value: object) -> str:
    """The value as shown in a message; a long one is cut."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[: MAX_SHOWN_CHARACTERS - 1] + "…"
