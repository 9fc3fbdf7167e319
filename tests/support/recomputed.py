"""The numbers of a report computed again with numpy from the records of requests, by other code than the report's.

Percentiles are numpy's `inverted_cdf`, which is nearest rank. Nothing of the analysis is used: only the records as the
load generator wrote them, and the spans of the rows as the report states them.
"""
from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import zstandard

from elastometer.world.columns.series import series_lines

Json = Mapping[str, Any]
PERCENTS = (50, 90, 95, 99)
SECOND, MILLISECOND = 1_000_000_000, 1_000_000
# Reports round milliseconds and tokens per second to 0.1, and rates to 0.001. They state the span of a row to 1 ms,
# by which a rate over ten seconds or more is off by at most this share.
TOLERANCE_MILLISECONDS, TOLERANCE_RATE, TOLERANCE_TOKENS = 0.0501, 0.00051, 0.0502
SPAN_SHARE = 1e-4


@dataclass(frozen=True, slots=True)
class Differs:
    """A number of the report that numpy does not find again."""

    row: str
    field: str
    reported: Any
    recomputed: Any


def records_in(bundle: Path) -> list[Json]:
    """Every record, with instants in nanoseconds; of a sealed bundle from its columns, else from its lines."""
    sealed = bundle / "requests.parquet"
    if sealed.exists():
        return [_in_nanoseconds(row) for row in pl.read_parquet(sealed).rows(named=True)]
    packed = (bundle / "requests.jsonl.zst").read_bytes()
    lines = zstandard.ZstdDecompressor().stream_reader(packed).read().splitlines()
    return [_in_nanoseconds(json.loads(line)) for line in lines]


def differences(report: Json, records: Sequence[Json]) -> tuple[Differs, ...]:
    """Every number of the tables of load, of levels and by input that is not what the records say."""
    origin = _nanoseconds(report["loadStart"])
    return (*_of_load(report, records), *_of_levels(report, records, origin), *_of_lengths(report, records))


def counters_in(bundle: Path) -> dict[str, float]:
    """The last value of each of the servers' own counters, of all Pods together, by its name in the bundle."""
    found: dict[str, float] = {}
    for line in map(json.loads, series_lines(bundle / "series.parquet")):
        values = [[float(value) for _, value in one["samples"] if value is not None] for one in line["series"]]
        if line["name"].endswith("_total") and any(values):
            found[line["name"]] = sum(max(one, default=0.0) for one in values)
    return found


def counter_differences(bundle: Path, records: Sequence[Json]) -> tuple[Differs, ...]:
    """Where the servers' counters are not the sums of the records, of a run in which every Pod was scraped after its
    last request."""
    counted = counters_in(bundle)
    sums = {"requests_finished_total": len(_served(records)),
            "prompt_tokens_total": sum(one["promptTokens"] or 0 for one in records),
            "generation_tokens_total": sum(one["completionTokens"] or 0 for one in records)}
    return tuple(Differs("servers", name, counted.get(name), wanted) for name, wanted in sums.items()
                 if counted.get(name) != wanted)


def checked_rows(report: Json) -> int:
    """How many rows are computed again: none would prove nothing."""
    return len(_stage_rows(report)) + len(report.get("levels") or ()) + len(_length_rows(report))


def _of_load(report: Json, records: Sequence[Json]) -> Iterator[Differs]:
    for row in _stage_rows(report):
        mine = [one for one in records if one["stage"] == row["stage"]]
        name = f"load {row['stage']}"
        yield from _same(name, "count", row["count"], len(mine))
        yield from _durations(name, row, mine)


def _of_levels(report: Json, records: Sequence[Json], origin: int) -> Iterator[Differs]:
    for row in report.get("levels") or ():
        begin, end = (origin + round(row[key] * SECOND) for key in ("startSeconds", "endSeconds"))
        of_stage = [one for one in records if one["stage"] == row["stage"]]
        due = [one for one in of_stage if begin <= one["intendedTime"] < end]
        name = f"level {row['stage']} {row['level']}"
        yield from _same(name, "requests", row["requests"], len(due))
        yield from _same(name, "errors", row["errors"] and row["errors"]["hits"], len(due) - len(_served(due)) or
                         (0 if due else None))
        yield from _durations(name, row, due)
        shares = np.array([_share(one, begin, end) for one in _served(of_stage)])
        tokens = np.array([one["completionTokens"] or 0 for one in _served(of_stage)])
        seconds = (end - begin) / SECOND
        yield from _near(name, "requestsPerSecond", row["requestsPerSecond"], shares.sum() / seconds, TOLERANCE_RATE)
        if row["outputTokensPerSecond"] is not None:
            yield from _near(name, "outputTokensPerSecond", row["outputTokensPerSecond"],
                             (shares * tokens).sum() / seconds, TOLERANCE_TOKENS)


def _of_lengths(report: Json, records: Sequence[Json]) -> Iterator[Differs]:
    for row in _length_rows(report):
        mine = [one for one in records if one["stage"] == row["stage"] and one["task"] == row["label"]]
        yield from _same(f"length {row['label']}", "requests", row["requests"], len(mine))
        yield from _durations(f"length {row['label']}", row, mine)


def _stage_rows(report: Json) -> list[Json]:
    """Of whole stages; the last row is of the whole load."""
    return [row for row in report["load"][:-1] if row["task"] is None]


def _length_rows(report: Json) -> list[Json]:
    return [row for row in report.get("byInput") or () if row["by"] == "Length"]


def _durations(name: str, row: Json, mine: Sequence[Json]) -> Iterator[Differs]:
    latency = _milliseconds(one["endTime"] - one["intendedTime"] for one in _served(mine))
    first = _milliseconds(one["firstTokenTime"] - one["intendedTime"] for one in mine
                          if one["firstTokenTime"] is not None)
    for field, values in (("latency", latency), ("timeToFirstToken", first)):
        found = row[field]
        yield from _same(name, f"{field}.count", found["count"], len(values))
        for percent in PERCENTS if len(values) else ():
            wanted = np.percentile(values, percent, method="inverted_cdf")
            yield from _near(name, f"{field}.p{percent}", found[f"p{percent}"], wanted, TOLERANCE_MILLISECONDS)
        if len(values):
            yield from _near(name, f"{field}.mean", found["mean"], values.mean(), TOLERANCE_MILLISECONDS)


def _served(records: Sequence[Json]) -> list[Json]:
    return [one for one in records if one["outcome"] == "Success"]


def _share(record: Json, begin: int, end: int) -> float:
    """The share of a request's time, from send to end, that lies within."""
    sent, ended = record["sendTime"], record["endTime"]
    if ended == sent:
        return float(begin <= ended < end)
    return float(max(0, min(ended, end) - max(sent, begin)) / (ended - sent))


def _milliseconds(values: Iterator[int]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.fromiter(values, dtype=np.float64) / MILLISECOND


def _same(row: str, field: str, reported: Any, recomputed: Any) -> Iterator[Differs]:
    if reported != recomputed:
        yield Differs(row, field, reported, recomputed)


def _near(row: str, field: str, reported: float | None, recomputed: float, tolerance: float) -> Iterator[Differs]:
    share = 0.0 if tolerance == TOLERANCE_MILLISECONDS else SPAN_SHARE * abs(recomputed)
    if reported is None or abs(reported - recomputed) > tolerance + share:
        yield Differs(row, field, reported, float(recomputed))


def _in_nanoseconds(record: Json) -> Json:
    return {name: _nanoseconds(value) if name.endswith("Time") else value for name, value in record.items()}


def _nanoseconds(value: Any) -> Any:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        return value
    known = value if value.tzinfo else value.replace(tzinfo=UTC)
    whole = known - datetime(1970, 1, 1, tzinfo=UTC)
    return (whole.days * 86_400 + whole.seconds) * SECOND + whole.microseconds * 1000
