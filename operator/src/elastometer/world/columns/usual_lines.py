"""Request records as the load generator writes them, read without a Python object for each.

A pattern says which lines these are: the keys in their order, whole numbers that 64 bits hold, text without escapes.
Only such lines are given to the fast JSON reader, which is lenient about types where a record must not be.
"""
from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import orjson
import polars as pl

from elastometer.world.columns.instants import TIME, instants
from elastometer.world.columns.request_columns import NESTED, RECORD_COLUMNS
from elastometer_loadgen.base.record import KEYS, LATER, REPEAT_KEYS

_TEXT = r'"[^"\\\x00-\x1f]*"'
_NUMBER = r"(?:0|[1-9][0-9]{0,17})"
_VALUE = rf"(?:null|{_NUMBER}|{_TEXT})"
_OBJECT = rf"\{{{_TEXT}:{_VALUE}(?:,{_TEXT}:{_VALUE})*\}}"
_SHARE = r"(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,17})?(?:e-[0-9]{1,2})?"
_REPEAT = r"\{{{}\}}".format(",".join(
    f'"{key}":' + {"ngram_count": _NUMBER, "quarters": rf"\[{_SHARE}(?:,{_SHARE}){{3}}\]"}.get(field, _SHARE)
    for field, key in REPEAT_KEYS.items()))
# Key of a field that is an object -> the pattern of one.
_OBJECTS = dict.fromkeys(NESTED, _OBJECT) | {KEYS["repeat"]: _REPEAT}
_LATER = [key for field, key in KEYS.items() if field in LATER]


def is_usual(texts: pl.Series) -> pl.Series:
    """Whether each line is one that `usual_frame` reads; a missing text is not."""
    return texts.str.contains(_pattern()).fill_null(value=False)


def usual_frame(texts: pl.Series, content: bytes) -> pl.DataFrame:
    """The records in the lines, all of which must be usual; `content` has the same lines."""
    if texts.is_empty():
        return pl.DataFrame(schema=RECORD_COLUMNS)
    flat = {key: pl.Int64 if kind == pl.Int64 else pl.String
            for key, kind in RECORD_COLUMNS.items() if key not in NESTED}
    read = pl.read_ndjson(io.BytesIO(content), schema=flat)
    return pl.DataFrame([_column(key, kind, read, texts) for key, kind in RECORD_COLUMNS.items()])


def _column(key: str, kind: Any, read: pl.DataFrame, texts: pl.Series) -> pl.Series:
    if key in NESTED:
        return _nested(key, kind, texts)
    return instants(read[key]) if kind == TIME else read[key].cast(kind)


def _nested(key: str, kind: Any, texts: pl.Series) -> pl.Series:
    """The objects under a key; those that are written alike are read once."""
    found = texts.str.extract(rf'"{key}":({_OBJECTS[key]})')
    if found.null_count() == len(found):
        return pl.Series(key, [None], dtype=kind).new_from_index(0, len(found))
    distinct = found.drop_nulls().unique(maintain_order=True)
    parsed = pl.Series([NESTED[key](orjson.loads(text)) for text in distinct], dtype=kind)
    values = pl.DataFrame({"text": distinct, key: parsed})
    return pl.DataFrame({"text": found}).join(values, on="text", how="left", maintain_order="left")[key]


def _pattern() -> str:
    return "^\\{" + "".join(_parts()) + "\\}$"


def _parts() -> Iterator[str]:
    comma = ""
    for key, kind in RECORD_COLUMNS.items():
        value = _OBJECTS[key] if key in NESTED else _NUMBER if kind == pl.Int64 else _TEXT
        part = f'{comma}"{key}":(?:null|{value})'
        yield f"(?:{part})?" if key in _LATER else part
        comma = ","
