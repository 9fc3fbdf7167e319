"""The report as JSON: camelCase names, absent numbers as null, one row a line so that two reports can be compared."""
from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from enum import Enum
from functools import cache

from elastometer.model.read_back import camel_case
from elastometer.model.report import Report

# The types of which nearly all values are, named before any rule is tried on them.
_LEAVES = frozenset({str, int, float, bool, type(None)})
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(", ", ": "), allow_nan=False)


def to_json(report: Report) -> bytes:
    """UTF-8, the same bytes for the same report."""
    return document_bytes(report)


def document_bytes(whole: object, more: Mapping[str, object] | None = None) -> bytes:
    """A dataclass with a `schema_version`, which comes first, and further fields after its own. Raises TypeError for
    anything else."""
    document = plain(whole)
    if not isinstance(document, dict):
        raise TypeError("a report must become a JSON object")
    first = {"schemaVersion": document.pop("schemaVersion")}
    others = {camel_case(name): plain(value) for name, value in (more or {}).items()}
    lines = [f"  {_text(key)}: {_rows(value)}" for key, value in {**first, **document, **others}.items()]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def plain(value: object) -> object:
    """Dataclasses, enums and tuples as JSON knows them; without the fields that are for the page alone."""
    kind = type(value)
    if kind in _LEAVES:
        return value
    if dataclasses.is_dataclass(kind):
        return {key: plain(getattr(value, name)) for name, key in _keys(kind)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return value


@cache
def _keys(kind: type) -> tuple[tuple[str, str], ...]:
    """(field, its name in JSON) of a dataclass: looked up once, not once for each of many thousand rows."""
    if not dataclasses.is_dataclass(kind):
        raise TypeError(f"must be a dataclass, is {kind.__name__}")
    return tuple((item.name, camel_case(item.name)) for item in dataclasses.fields(kind)
                 if item.metadata.get("json", True))


def _rows(value: object, indent: str = "  ") -> str:
    inner = indent + "  "
    if isinstance(value, list) and value and isinstance(value[0], (dict, list)):
        return "[\n" + ",\n".join(f"{inner}{_text(item)}" for item in value) + f"\n{indent}]"
    if isinstance(value, dict) and (len(value) > 8 or any(_is_table(item) for item in value.values())):
        body = (f"{inner}{_text(key)}: {_rows(item, inner) if _is_table(item) else _text(item)}"
                for key, item in value.items())
        return "{\n" + ",\n".join(body) + f"\n{indent}}}"
    return _text(value)


def _is_table(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _text(value: object) -> str:
    # NaN is not JSON: a parser in another language would refuse the whole report.
    return _ENCODER.encode(value)
