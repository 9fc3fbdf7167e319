"""The JSON Schemas (draft 2020-12) of report.json, of a run and of a study, read from the classes that it is made of.

They are published as docs/report.schema.json and docs/study.schema.json. A schema forbids fields that it does not know,
so that a reader that checks a report learns of a field that its version lacks; every field of the classes is required,
and an absent value is null.
"""
from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from elastometer.model.comparison import SCHEMA_VERSION as STUDY_VERSION
from elastometer.model.comparison import Comparison
from elastometer.model.read_back import camel_case
from elastometer.model.report import SCHEMA_VERSION, Report
from elastometer.render.study.reported import FIELDS

Json = dict[str, Any]
_SCALARS: Mapping[object, Json] = {
    str: {"type": "string"}, bool: {"type": "boolean"}, int: {"type": "integer"}, float: {"type": "number"},
    NoneType: {"type": "null"}, object: {}, Any: {},
}


def report_schema() -> Json:
    """The schema of the report that this version writes; its `$id` and `schemaVersion` state the version."""
    return _published(Report, "report", SCHEMA_VERSION)


def study_schema() -> Json:
    """That of the report of a study: its comparison, and the tables of the run that it reports."""
    tables = {camel_case(name): {"description": "As in the report of a run; null where the study reports none."}
              for name in FIELDS}
    return _published(Comparison, "study", STUDY_VERSION, tables)


def _published(kind: type[Any], name: str, version: str, more: Mapping[str, Json] | None = None) -> Json:
    definitions: dict[str, Json] = {}
    root = _object(kind, definitions)
    root["properties"] |= more or {}
    root["required"] += list(more or ())
    root["properties"]["schemaVersion"] = {"const": version}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://elastometer.dev/schemas/{version.partition('/')[2]}.schema.json",
        "title": f"elastometer {name}, {version}", **root, "$defs": dict(sorted(definitions.items())),
    }


def _object(kind: type[Any], definitions: dict[str, Json]) -> Json:
    hints = get_type_hints(kind)
    properties = {camel_case(item.name): _of(hints[item.name], definitions) for item in dataclasses.fields(kind)
                  if item.metadata.get("json", True)}
    return {
        "description": inspect.cleandoc(kind.__doc__ or ""), "type": "object", "properties": properties,
        "required": list(properties), "additionalProperties": False,
    }


def _of(hint: Any, definitions: dict[str, Json]) -> Json:
    """The schema of one type. Raises TypeError for a type that the report cannot hold."""
    if hint in _SCALARS:
        return dict(_SCALARS[hint])
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (UnionType, Union):
        return _union([_of(part, definitions) for part in parts])
    if origin is tuple:
        return _tuple(parts, definitions)
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _of(parts[1], definitions)}
    if origin is not None and issubclass(origin, Sequence):
        return {"type": "array", "items": _of(parts[0], definitions)}
    if isinstance(hint, type) and (issubclass(hint, Enum) or dataclasses.is_dataclass(hint)):
        return _named(hint, definitions)
    raise TypeError(f"a report cannot hold {hint!r}: its schema is not known")


def _named(kind: type[Any], definitions: dict[str, Json]) -> Json:
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}  # a class may hold itself
        definitions[kind.__name__] = _object(kind, definitions) if dataclasses.is_dataclass(kind) else {
            "description": inspect.cleandoc(kind.__doc__ or ""), "enum": [one.value for one in kind]}
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _tuple(parts: tuple[Any, ...], definitions: dict[str, Json]) -> Json:
    if len(parts) == 2 and parts[1] is Ellipsis:
        return {"type": "array", "items": _of(parts[0], definitions)}
    return {"type": "array", "prefixItems": [_of(part, definitions) for part in parts],
            "minItems": len(parts), "maxItems": len(parts)}


def _union(choices: Sequence[Json]) -> Json:
    """Scalar types side by side become one list of types, which reads better than `anyOf`."""
    if all(set(choice) == {"type"} for choice in choices):
        return {"type": [choice["type"] for choice in choices]}
    return {"anyOf": list(choices)}
