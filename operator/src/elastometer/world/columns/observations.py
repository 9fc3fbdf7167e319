"""Observations as columns: log lines whole, every other line as its JSON beside the columns to search it by.

Nothing is lost: a line that could not be read is kept as text without a kind, and counts as unreadable each time.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from elastometer.model.document import at, text_at
from elastometer.model.observation import LogSeen, Observation, is_retired, observation_from
from elastometer.model.units import format_instant
from elastometer.world.columns.blocks import blocks
from elastometer.world.columns.instants import TIME, bounded
from elastometer.world.columns.parquet import read, write

OBSERVATION_COLUMNS: Mapping[str, Any] = {
    "kind": pl.Categorical, "receivedTime": TIME, "type": pl.Categorical, "name": pl.String, "uid": pl.String,
    "pod": pl.Categorical, "container": pl.Categorical, "time": TIME, "line": pl.String, "document": pl.String,
}
_LOG = "Log"
_LOG_KEYS = {"kind", "receivedTime", "pod", "container", "time", "line"}
_PARSED = ("kind", "receivedTime", "pod", "container", "time", "line", "document")


def seal_observations(source: Path, target: Path) -> None:
    """Writes the lines of a finished run as one file."""
    write(lambda: _frames(source), OBSERVATION_COLUMNS, target)


def _frames(source: Path) -> Iterator[pl.DataFrame]:
    for block in blocks(source):
        rows = [_row(line) for line in block.split(b"\n") if line.strip()]
        columns = zip(*rows, strict=True) if rows else ([] for _ in OBSERVATION_COLUMNS)
        yield pl.DataFrame([
            pl.Series(name, list(values), dtype=pl.Int64 if kind == TIME else pl.String).cast(kind)
            for (name, kind), values in zip(OBSERVATION_COLUMNS.items(), columns, strict=True)
        ])


def _row(line: bytes) -> tuple[object, ...]:
    """The values of the columns, in their order."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        found = None
    text = line.decode(errors="replace")
    if not isinstance(found, dict) or not (is_retired(found) or observation_from(found) is not None):
        return (None,) * (len(OBSERVATION_COLUMNS) - 1) + (text,)
    kind, received = text_at(found, "kind"), bounded(found.get("receivedTime"))
    if kind == _LOG:
        whole = found.keys() == _LOG_KEYS and format_instant(received or 0, 6) == found["receivedTime"]
        return (kind, received, None, None, None, text_at(found, "pod"), text_at(found, "container"),
                bounded(found.get("time")), text_at(found, "line"), None if whole else text)
    thing = at(found, "object", "metadata")
    return (kind, received, text_at(found, "type"), text_at(thing, "name"), text_at(thing, "uid"),
            text_at(found, "pod"), None, bounded(found.get("time")), None, text)


def read_observations(content: bytes | Path) -> tuple[list[Observation], int]:
    """(the observations in their order, lines that were not readable). Raises ColumnsError."""
    frame = read(content, {name: OBSERVATION_COLUMNS[name] for name in _PARSED}, _PARSED)
    frame = frame.with_columns(pl.col("receivedTime", "time").cast(pl.Int64))
    unreadable, found = 0, list[Observation]()
    for kind, received, pod, container, time, line, document in frame.iter_rows():
        seen = LogSeen(received, pod or "", container or "", time, line) if kind == _LOG and document is None else \
            _seen(kind, document)
        if seen is not None:
            found.append(seen)
        unreadable += kind is None
    return found, unreadable


def _seen(kind: str | None, document: str) -> Observation | None:
    return None if kind is None else observation_from(orjson.loads(document))


def observation_lines(path: Path) -> Iterator[bytes]:
    """The lines again, as they were appended, for a run that goes on after it was sealed."""
    frame = read(path, OBSERVATION_COLUMNS, _PARSED).with_columns(pl.col("receivedTime", "time").cast(pl.Int64))
    for row in frame.iter_rows(named=True):
        if row["document"] is not None:
            yield row["document"].encode() + b"\n"
        else:
            yield orjson.dumps({
                "kind": _LOG, "receivedTime": format_instant(row["receivedTime"], 6), "pod": row["pod"],
                "container": row["container"], "time": format_instant(row["time"], 9), "line": row["line"],
            }, option=orjson.OPT_APPEND_NEWLINE)


def span(path: Path) -> tuple[str | None, str | None]:
    """When the first and the last line were received, for the manifest; None where that line does not say."""
    times = read(path, {"receivedTime": TIME}, ("receivedTime",))["receivedTime"].cast(pl.Int64)
    if times.is_empty():
        return None, None
    first, last = (None if one is None else format_instant(one, 6) for one in (times[0], times[-1]))
    return first, last
