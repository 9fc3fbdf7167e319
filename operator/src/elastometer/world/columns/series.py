"""Series as columns: one row a sample, and one without a sample for a query or a series that has none.

A line that is not as the operator writes it is kept as text, so that it is read as it would have been.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from elastometer.model.bundle import LabelledSamples, SeriesResult, outcome_of, series_from
from elastometer.model.document import text_at
from elastometer.world.columns.blocks import blocks
from elastometer.world.columns.parquet import read, write

_RESULT: Mapping[str, Any] = {
    "name": pl.Categorical, "query": pl.Categorical, "start": pl.Categorical, "end": pl.Categorical,
    "stepSeconds": pl.Float64, "outcome": pl.Categorical, "message": pl.Categorical,
}
# `result` numbers the queries and `series` the time series of one query; `time` is in microseconds, as Prometheus'
# doubles are no more precise.
SERIES_COLUMNS: Mapping[str, Any] = {
    "result": pl.Int64, **_RESULT, "series": pl.Int64, "labels": pl.Categorical, "pod": pl.Categorical,
    "time": pl.Datetime("us", "UTC"), "value": pl.Float64, "document": pl.String,
}
_KEYS = {*_RESULT, "series"}
_MICROSECONDS = 1_000_000


def seal_series(source: Path, target: Path) -> None:
    """Writes the results of a finished run's queries as one file."""
    write(lambda: _frames(source), SERIES_COLUMNS, target)


def _frames(source: Path) -> Iterator[pl.DataFrame]:
    number = 0
    for block in blocks(source):
        for line in block.split(b"\n"):
            if line.strip():
                yield _frame(number, line)
                number += 1


def _frame(number: int, line: bytes) -> pl.DataFrame:
    found = _as_written(line)
    if found is None:
        rows: dict[str, list[Any]] = {"document": [line.decode(errors="replace")]}
        return _filled(number, {}, rows, 1)
    rows = {name: [] for name in ("series", "labels", "pod", "time", "value")}
    for index, one in enumerate(found["series"]):
        samples = one["samples"] or [[None, None]]
        rows["series"] += [index] * len(samples)
        rows["labels"] += [orjson.dumps(one["labels"]).decode()] * len(samples)
        rows["pod"] += [text_at(one["labels"], "pod")] * len(samples)
        rows["time"] += [None if time is None else round(time * _MICROSECONDS) for time, _ in samples]
        rows["value"] += [None if value is None else float(value) for _, value in samples]
    return _filled(number, found, rows, len(rows["series"]) or 1)


def _filled(number: int, result: Mapping[str, Any], rows: Mapping[str, list[Any]], height: int) -> pl.DataFrame:
    columns: dict[str, list[Any]] = {name: [result.get(name)] * height for name in _RESULT}
    columns["result"] = [number] * height
    return pl.DataFrame([
        pl.Series(name, columns.get(name) or rows.get(name) or [None] * height,
                  dtype=pl.Int64 if name == "time" else pl.String if kind == pl.Categorical else kind).cast(kind)
        for name, kind in SERIES_COLUMNS.items()
    ])


def _as_written(line: bytes) -> dict[str, Any] | None:
    """The result, if it is as the operator writes one, so that the columns hold all of it."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, dict) or not found.keys() <= _KEYS or not isinstance(found.get("series"), list):
        return None
    texts = all(isinstance(found.get(name), (str, type(None))) for name in _RESULT if name != "stepSeconds")
    number = isinstance(found.get("stepSeconds"), (int, float, type(None))) and found.get("stepSeconds") is not True
    named = isinstance(found.get("name"), str)
    return found if texts and number and named and all(map(_is_series, found["series"])) else None


def _is_series(one: Any) -> bool:
    return isinstance(one, dict) and one.keys() == {"labels", "samples"} and isinstance(one["labels"], dict) and \
        isinstance(one["samples"], list) and all(map(_is_sample, one["samples"]))


def _is_sample(pair: Any) -> bool:
    if not isinstance(pair, list) or len(pair) != 2 or type(pair[0]) not in (int, float) or type(pair[1]) is not str:
        return False
    try:
        float(pair[1])
    except ValueError:
        return False
    return bool(abs(pair[0]) < 1e11)


def read_series(content: bytes | Path) -> tuple[list[SeriesResult], int]:
    """(the results in their order, lines that were not readable). Raises ColumnsError."""
    frame = read(content, SERIES_COLUMNS, tuple(SERIES_COLUMNS))
    results: list[SeriesResult] = []
    unreadable = 0
    for part in frame.partition_by("result", maintain_order=True):
        first = part.row(0, named=True)
        found = _parsed(first["document"]) if first["document"] is not None else _result(first, part)
        if found is None:
            unreadable += 1
        else:
            results.append(found)
    return results, unreadable


def _parsed(document: str) -> SeriesResult | None:
    try:
        found = orjson.loads(document)
    except orjson.JSONDecodeError:
        return None
    return series_from(found) if isinstance(found, dict) else None


def _result(first: Mapping[str, Any], part: pl.DataFrame) -> SeriesResult:
    return SeriesResult(
        name=first["name"], query=first["query"] or "", outcome=outcome_of(first["outcome"]),
        message=first["message"] or "", step_seconds=first["stepSeconds"],
        series=tuple(map(_labelled, part.drop_nulls("series").partition_by("series", maintain_order=True))))


def _labelled(part: pl.DataFrame) -> LabelledSamples:
    """Values that are not finite are no samples: in PromQL, a division by zero gives NaN or infinity."""
    samples = part.filter(pl.col("time").is_not_null() & pl.col("value").is_finite())
    times = samples["time"].cast(pl.Int64) * 1000
    return LabelledSamples(orjson.loads(part["labels"][0]), tuple(zip(times, samples["value"], strict=True)))


def series_lines(path: Path) -> Iterator[bytes]:
    """The lines again, for a run that goes on after it was sealed."""
    frame = read(path, SERIES_COLUMNS, tuple(SERIES_COLUMNS))
    for part in frame.partition_by("result", maintain_order=True):
        first = part.row(0, named=True)
        if first["document"] is not None:
            yield first["document"].encode() + b"\n"
            continue
        series = [{"labels": orjson.loads(one["labels"][0]), "samples": _pairs(one)}
                  for one in part.drop_nulls("series").partition_by("series", maintain_order=True)]
        known = {name: first[name] for name in _RESULT if first[name] is not None}
        yield orjson.dumps({**known, "series": series}, option=orjson.OPT_APPEND_NEWLINE)


def _pairs(part: pl.DataFrame) -> list[list[Any]]:
    there = part.drop_nulls("time")
    times = there["time"].cast(pl.Int64)
    return [[time / _MICROSECONDS, repr(value)] for time, value in zip(times, there["value"], strict=True)]
