"""Reads JSON of unknown shape without ever failing: what is missing, or of another type, is None."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from elastometer.model.units import Instant, instant_or_none
from elastometer_loadgen.base.fields import DECIMAL

Document: TypeAlias = Mapping[str, object]
EMPTY: Document = {}
# A dict is named first because it is found at once: a run has millions of objects, nearly all of them dicts.
_OBJECT = (dict, Mapping)


def at(node: object, *path: str) -> object:
    """The value at the path of keys, or None."""
    for key in path:
        if not isinstance(node, _OBJECT):
            return None
        node = node.get(key)
    return node


def document_at(node: object, *path: str) -> Document:
    """The object at the path; empty if there is none."""
    found = at(node, *path)
    return found if isinstance(found, _OBJECT) else EMPTY


def spec_of(test: Document) -> Document:
    """The spec of a recorded ElasticityTest; some records hold only the spec itself."""
    return document_at(test, "spec") or test


def documents_at(node: object, *path: str) -> Sequence[Document]:
    """The objects in the list at the path; an empty list if there is none."""
    found = at(node, *path)
    return [item for item in found if isinstance(item, _OBJECT)] if isinstance(found, list) else []


def text_at(node: object, *path: str) -> str | None:
    """The text at the path, or None."""
    found = at(node, *path)
    return found if isinstance(found, str) else None


def whole_at(node: object, *path: str) -> int | None:
    """The integer at the path, or None; true and false are not integers."""
    found = at(node, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def texts_at(node: object, *path: str) -> tuple[str, ...]:
    """The strings in the list at the path; none where there is no list."""
    found = at(node, *path)
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()


def percent_at(node: object, *path: str) -> float | None:
    """The percentage at the path, which is an integer or a decimal string; None for anything else."""
    written = text_at(node, *path)
    if written is None:
        return whole_at(node, *path)
    return float(written) if DECIMAL.fullmatch(written) else None


def number_at(node: object, *path: str) -> float | None:
    """The number at the path, or None."""
    found = at(node, *path)
    return float(found) if isinstance(found, (int, float)) and not isinstance(found, bool) else None


def instant_at(node: object, *path: str) -> Instant | None:
    """The RFC 3339 time at the path, or None."""
    return instant_or_none(at(node, *path))
