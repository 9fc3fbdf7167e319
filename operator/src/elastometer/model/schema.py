"""Checks a manifest against a CRD's structural schema, and fills in its defaults, without an API server.

Follows `fieldValidation=Strict`: an unknown field is a flaw. CEL rules are not evaluated here. Not `jsonschema`: the
messages must have this project's form, and defaults and unknown fields follow Kubernetes' own rules.
"""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]
_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,), "integer": (int,),
    "number": (int, float),
}
MAX_SHOWN_CHARACTERS = 60


def defaulted(value: Any, schema: Json) -> Any:
    """A copy with the schema's defaults filled in; what does not fit the schema is left as it is."""
    if isinstance(value, dict):
        # As in the API server, a default is itself completed by the defaults of its fields.
        known = schema.get("properties", {})
        filled = {name: child["default"] for name, child in known.items() if "default" in child and name not in value}
        return {name: defaulted(item, known.get(name, {})) for name, item in {**value, **filled}.items()}
    if isinstance(value, list):
        return [defaulted(item, schema.get("items", {})) for item in value]
    return value


def flaws(value: Any, schema: Json, path: str) -> Iterator[str]:
    """Every flaw as `path: rule, is value`, in the order of the document."""
    kind = schema.get("type", "")
    # In Python, True is an int; in JSON it is not.
    wrong = kind in _TYPES and (not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"))
    if wrong:
        yield f"{path}: must be of type {kind}, is {shown(value)}"
        return
    yield from _bounds(value, schema, path)
    if isinstance(value, dict):
        yield from _fields(value, schema, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from flaws(item, schema.get("items", {}), f"{path}[{index}]")


def _fields(value: Json, schema: Json, path: str) -> Iterator[str]:
    known, free = schema.get("properties", {}), schema.get("x-kubernetes-preserve-unknown-fields")
    others = schema.get("additionalProperties")
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{path}.{name}: must be given, is absent"
    for name, item in value.items():
        if name in known:
            yield from flaws(item, known[name], f"{path}.{name}")
        elif isinstance(others, dict):
            yield from flaws(item, others, f"{path}.{name}")
        elif not free and (known or "additionalProperties" not in schema):
            yield f"{path}.{name}: must be one of the fields {', '.join(sorted(known))}; there is no such field"


def _bounds(value: Any, schema: Json, path: str) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: must be one of {', '.join(map(str, schema['enum']))}, is {shown(value)}"
    if isinstance(value, str) and "pattern" in schema and re.search(schema["pattern"], value) is None:
        yield f"{path}: must match {schema['pattern']}, is {shown(value)}"
    size, unit = (value, "") if isinstance(value, (int, float)) else _size(value)
    for lower, upper in (("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems"),
                         ("minProperties", "maxProperties")):
        if size is not None and lower in schema and size < schema[lower]:
            yield f"{path}: must be at least {schema[lower]}{unit}, is {shown(value)}"
        if size is not None and upper in schema and size > schema[upper]:
            yield f"{path}: must be at most {schema[upper]}{unit}, is {shown(value)}"


def _size(value: Any) -> tuple[int | None, str]:
    if isinstance(value, str):
        return len(value), " characters long"
    if isinstance(value, (list, dict)):
        return len(value), " entries long"
    return None, ""


def shown(value: object) -> str:
    """The value as shown in a message; a long one is cut."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[: MAX_SHOWN_CHARACTERS - 1] + "…"
