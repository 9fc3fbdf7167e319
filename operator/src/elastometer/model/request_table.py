"""The requests of a run as columns: one row a request, in a polars DataFrame of the schema `COLUMNS`.

Questions about all requests are asked of the columns, which costs nanoseconds a request. `RequestRows` gives single
rows as `RecordedRequest`, for a look at a few. Instants are Int64, nanoseconds since 1970 UTC, so that differences are
exact; null means that it did not happen or was not observed, never zero.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, overload

import polars as pl

from elastometer.model.request import RecordedRequest
from elastometer_loadgen.base.record import INSTANTS, Outcome, Repeat

OUTCOMES = pl.Enum([outcome.value for outcome in Outcome])
# What each check found: `failure` is null where the answer passed. A check that could not judge is not in the list.
CHECKS = pl.List(pl.Struct({"check": pl.String, "failure": pl.String}))
REPEAT = pl.Struct({"share": pl.Float64, "ngram_count": pl.Int64, "quarters": pl.List(pl.Float64)})
# Categorical: a run has few of them, and as text they would take most of the memory. Compare with text as usual; before
# a join with a column of text, or text functions, cast to pl.String.
COLUMNS: Mapping[str, Any] = {
    "id": pl.Int64, "worker": pl.Int64, "stage": pl.Categorical, "task": pl.Categorical,
    **dict.fromkeys(INSTANTS, pl.Int64),
    "chunks": pl.Int64, "prompt_tokens": pl.Int64, "completion_tokens": pl.Int64, "first_chunks": pl.Int64,
    "status": pl.Int64, "finish_reason": pl.Categorical, "outcome": OUTCOMES, "error": pl.String,
    "pod": pl.Categorical, "address": pl.Categorical, "fingerprint": pl.String, "first_attempt": OUTCOMES,
    "checks": CHECKS, "input_characters": pl.Int64, "group": pl.Categorical, "requested_tokens": pl.Int64,
    "received": pl.Int64, "repeat": REPEAT, "output_characters": pl.Int64, "first_status": pl.Int64,
    "first_error": pl.String,
}
# The order of rows: by intended time, and of requests that were wanted at once by their number.
ORDER = ("intended", "id", "worker")
_BATCH = 4096
_OUTCOME = {outcome.value: outcome for outcome in Outcome}


class RequestRows(Sequence[RecordedRequest]):
    """A table that reads as a sequence of records: only those that are asked for are made."""

    __slots__ = ("table",)

    def __init__(self, table: pl.DataFrame) -> None:
        self.table = table

    def __len__(self) -> int:
        return self.table.height

    @overload
    def __getitem__(self, index: int) -> RecordedRequest: ...

    @overload
    def __getitem__(self, index: slice) -> RequestRows: ...

    def __getitem__(self, index: int | slice) -> RecordedRequest | RequestRows:
        if isinstance(index, slice):
            return RequestRows(self.table[index])
        return _record(self.table.row(index, named=True))

    def __iter__(self) -> Iterator[RecordedRequest]:
        for part in self.table.iter_slices(_BATCH):
            yield from map(_record, part.iter_rows(named=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RequestRows) and self.table.equals(other.table)

    def __repr__(self) -> str:
        return f"RequestRows({len(self)} requests)"


def table_of(records: Iterable[RecordedRequest]) -> pl.DataFrame:
    """The records as a table, in their order."""
    if isinstance(records, RequestRows):
        return records.table
    rows = [_row(record) for record in records]
    return pl.DataFrame({name: [row[name] for row in rows] for name in COLUMNS}, schema=COLUMNS)


def in_order(table: pl.DataFrame) -> pl.DataFrame:
    """The rows sorted by ORDER; a table that is in order already is not copied."""
    is_sorted = pl.lit(value=True)
    for name in reversed(ORDER):
        before, here = pl.col(name).shift(1), pl.col(name)
        is_sorted = (before < here) | ((before == here) & is_sorted)
    return table if table.select(is_sorted.all()).item() else table.sort(ORDER, maintain_order=True)


def _row(record: RecordedRequest) -> dict[str, Any]:
    row = {name: getattr(record, name) for name in COLUMNS}
    row["outcome"] = record.outcome.value
    row["first_attempt"] = None if record.first_attempt is None else record.first_attempt.value
    row["checks"] = [{"check": name, "failure": failure} for name, failure in record.checks.items()] or None
    row["repeat"] = None if record.repeat is None else record.repeat._asdict()
    return row


def _record(row: dict[str, Any]) -> RecordedRequest:
    row["outcome"] = _OUTCOME[row["outcome"]]
    first = row["first_attempt"]
    row["first_attempt"] = None if first is None else _OUTCOME[first]
    row["checks"] = {item["check"]: item["failure"] for item in row["checks"] or ()}
    repeat = row["repeat"]
    row["repeat"] = None if repeat is None else Repeat(**repeat | {"quarters": tuple(repeat["quarters"])})
    return RecordedRequest(**row)
