"""Lines of request records as columns, for the merge of a finished run and for runs that have only lines.

A value of the wrong type counts as absent, as when a single record is read. A line that is no JSON object is malformed.
"""
from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

import orjson
import polars as pl

from elastometer.world.columns.instants import TIME, instants
from elastometer.world.columns.request_columns import NESTED, RECORD_COLUMNS, whole_numbers
from elastometer.world.columns.usual_lines import is_usual, usual_frame


@dataclass(slots=True)
class Malformed:
    """How many lines were no JSON objects."""

    lines: int = 0


def frame_of(content: bytes, malformed: Malformed) -> pl.DataFrame:
    """A row for each line of the content that is a JSON object, in their order; empty lines are passed over."""
    try:
        texts = pl.read_lines(io.BytesIO(content), name="line")["line"]
    except pl.exceptions.ComputeError:  # not UTF-8: the line that is not will be malformed, the others need not be
        texts = pl.Series([None] * content.count(b"\n"), dtype=pl.String)
    usual = is_usual(texts)
    return usual_frame(texts, content) if usual.all() else _mixed(content.split(b"\n"), texts, usual, malformed)


def _mixed(lines: Sequence[bytes], texts: pl.Series, usual: pl.Series, malformed: Malformed) -> pl.DataFrame:
    fast = usual.arg_true()
    numbers, documents = _documents(lines, (~usual).arg_true(), malformed)
    rest = pl.DataFrame([_series(key, kind, [line.get(key) for line in documents])
                         for key, kind in RECORD_COLUMNS.items()])
    chosen = texts.gather(fast)
    both = pl.concat([usual_frame(chosen, "\n".join(chosen).encode()), rest])
    return both[pl.concat([fast, pl.Series(numbers, dtype=fast.dtype)]).arg_sort()]


def _documents(
    lines: Sequence[bytes], numbers: Iterable[int], malformed: Malformed,
) -> tuple[list[int], list[dict[str, Any]]]:
    """(number of the line, its object) of those lines that are one."""
    found: dict[int, dict[str, Any]] = {}
    for number in numbers:
        if not lines[number].strip():
            continue
        try:
            document = orjson.loads(lines[number])
        except orjson.JSONDecodeError:
            document = None
        if isinstance(document, dict):
            found[number] = document
        else:
            malformed.lines += 1
    return list(found), list(found.values())


def _series(name: str, kind: Any, values: list[Any]) -> pl.Series:
    if kind == TIME:
        return instants(_texts(name, values))
    if kind == pl.Int64:
        return whole_numbers(name, values)
    if name in NESTED:
        return _nested(name, values, kind, NESTED[name])
    return _texts(name, values).cast(kind)


def _texts(name: str, values: list[Any]) -> pl.Series:
    if not set(map(type, values)) <= {str, NoneType}:
        values = [value if isinstance(value, str) else None for value in values]
    return pl.Series(name, values, dtype=pl.String)


def _nested(name: str, values: list[Any], kind: Any, convert: Callable[[Any], Any]) -> pl.Series:
    if not any(values):
        return pl.Series(name, [None], dtype=kind).new_from_index(0, len(values))
    return pl.Series(name, [convert(value) if isinstance(value, dict) else None for value in values], dtype=kind)
