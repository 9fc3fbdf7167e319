"""The columns of `requests.parquet`: those of a request record, under the keys that its line has."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any

import polars as pl

from elastometer.model.request import repeat_from
from elastometer.model.request_table import CHECKS, REPEAT
from elastometer.world.columns.instants import LARGEST, TIME, bounded
from elastometer_loadgen.base.record import INSTANTS, KEYS, REPEAT_KEYS

FIRST_ATTEMPT: Mapping[str, Any] = {
    "outcome": pl.String, "status": pl.Int64, "error": pl.String, "pod": pl.String, "address": pl.String,
    "endTime": TIME,
}
# As `model.request_table` has it, under the keys of the line.
REPEAT_RECORD = pl.Struct([pl.Field(REPEAT_KEYS[field.name], field.dtype) for field in REPEAT.fields])
# As text they would take most of the memory; a run has few of them.
_FEW_VALUES = ("stage", "task", "finish_reason", "outcome", "pod", "address", "group")
_WHOLE = ("id", "worker", "chunks", "prompt_tokens", "completion_tokens", "status", "attempts", "conversation", "turn",
          "first_chunks", "input_characters", "requested_tokens", "received", "output_characters")
_TYPES: Mapping[str, Any] = {
    **dict.fromkeys(INSTANTS, TIME), **dict.fromkeys(_FEW_VALUES, pl.Categorical), **dict.fromkeys(_WHOLE, pl.Int64),
    "error": pl.String, "fingerprint": pl.String, "checks": CHECKS, "first_attempt": pl.Struct(dict(FIRST_ATTEMPT)),
    "repeat": REPEAT_RECORD,
}
RECORD_COLUMNS: Mapping[str, Any] = {key: _TYPES[field] for field, key in KEYS.items()}


def whole_numbers(name: str, values: list[Any]) -> pl.Series:
    """The whole numbers among the values; null for anything else, and for what 64 bits do not hold."""
    if not set(map(type, values)) <= {int, NoneType}:
        values = [value if type(value) is int else None for value in values]
    known = [value for value in values if value is not None]
    if known and not -LARGEST < min(known) <= max(known) < LARGEST:
        values = [value if value is not None and -LARGEST < value < LARGEST else None for value in values]
    return pl.Series(name, values, dtype=pl.Int64)


def checks_value(found: Mapping[str, Any]) -> list[dict[str, str | None]] | None:
    """Failure or None by check, as the column has it."""
    return [{"check": name, "failure": failure} for name, failure in found.items()
            if failure is None or isinstance(failure, str)] or None


def first_attempt_value(found: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of a first attempt, as the column has it."""
    texts = {name: value if isinstance(value := found.get(name), str) else None
             for name, kind in FIRST_ATTEMPT.items() if kind == pl.String}
    end = bounded(found.get("endTime"))
    return {**texts, "status": whole_numbers("", [found.get("status")]).item(), "endTime": end}


def repeat_value(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a record says of repetition, as the column has it."""
    repeat = repeat_from(found)
    return None if repeat is None else dict(zip(REPEAT_KEYS.values(), repeat, strict=True))


# Field of a record that is an object -> what its column makes of it.
NESTED: Mapping[str, Callable[[Any], Any]] = {
    KEYS["checks"]: checks_value, KEYS["first_attempt"]: first_attempt_value, KEYS["repeat"]: repeat_value,
}
