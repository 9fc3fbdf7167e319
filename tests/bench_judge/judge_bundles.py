"""Made-up sealed runs of any size, in the form that the operator writes: requests as columns, and real kinds of lines.

The world is that of `support.synthetic` (one to four replicas in 240 s); requests are drawn by arithmetic on their
number, so that the same size gives the same bundle, and observations beyond those of the world repeat its states later.
"""
from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from elastometer.model.bundle_files import COLUMNS_OF, REQUESTS
from elastometer.world.bundle_writer import compact
from elastometer.world.columns.parquet import write
from elastometer.world.columns.request_columns import RECORD_COLUMNS
from elastometer.world.run_store import RunStore
from elastometer_loadgen.base.record import INSTANTS, KEYS
from support.synthetic.run import write_run
from support.synthetic.script import STAGES, at, ready_times

MILLISECOND = 1_000_000
SECOND = 1000 * MILLISECOND
PIECE = 250_000
OBSERVATIONS = 100_000
# Of a hundred lines of a busy run; the rest are log lines.
SHARES = {"Event": 15, "Pod": 10, "EndpointSlice": 5, "Deployment": 4, "HorizontalPodAutoscaler": 3, "MetricsSeen": 2,
          "ClockSample": 1}


def write_bundle(directory: Path, requests: int, observations: int = OBSERVATIONS) -> Path:
    """A sealed run in a directory."""
    write_run(directory)
    for path in (directory / "workers").iterdir():
        if path.name.endswith(".summary.json"):
            path.unlink()
    shutil.rmtree(directory / "workers")
    summary = {"worker": 0, "incarnation": "a", "planned": requests, "sent": requests, "skipped": 0,
               "records": requests, "fellBehind": False, "boundMilliseconds": 50.0, "cpuShare": 0.4}
    (directory / "generator.json").write_bytes(orjson.dumps([summary, {**summary, "worker": 1, "sent": 0}]))
    with (directory / "observations.jsonl").open("ab") as file:
        file.writelines(_more_observations(directory / "observations.jsonl", observations))
    write(lambda: _requests(requests), RECORD_COLUMNS, directory / COLUMNS_OF[REQUESTS])
    compact(RunStore(directory))
    return directory


def _more_observations(path: Path, wanted: int) -> Iterator[bytes]:
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    gone = {_about(line) for line in lines if line.get("type") == "DELETED"}
    states = {_about(line): line for line in lines if _about(line) not in gone}
    last = {kind: cycle([line for line in states.values() if line["kind"] == kind]) for kind in (*SHARES, "Log")}
    known = {line["kind"] for line in states.values()}
    order = [kind for kind, share in SHARES.items() if kind in known for _ in range(share)]
    order += ["Log"] * (100 - len(order))
    for number in range(wanted - len(lines)):
        line: dict[str, Any] = dict(next(last[order[number * 37 % 100]]))
        seconds = 185 + 50 * number / wanted
        line["receivedTime"] = at(seconds)
        if line["kind"] == "Log":
            line |= {"time": at(seconds), "line": f"INFO 11-21 05:03:05 [loggers.py:{number}] Engine 000: Avg prompt"
                     f" throughput: {number % 977}.0 tokens/s, Running: {number % 5} reqs, Waiting: {number % 7} reqs"}
        elif "type" in line:
            line["type"] = "MODIFIED"
        yield orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def _about(line: dict[str, Any]) -> tuple[str, str]:
    """What a line shows a state of, of which the last one is repeated."""
    thing = line.get("object", {}).get("metadata", {})
    return line["kind"], thing.get("uid") or thing.get("name") or line.get("pod", "")


def _requests(count: int) -> Iterator[pl.DataFrame]:
    start = pl.Series([at(0)]).str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="ns").cast(pl.Int64).item()
    length = sum(stage["durationSeconds"] for stage in STAGES)
    step = length * SECOND // count
    for first in range(0, count, PIECE):
        numbers = pl.int_range(first, min(count, first + PIECE), dtype=pl.Int64)
        frame = pl.select(id=numbers).with_columns(since=pl.col("id") * step, noise=_noise(0), other=_noise(1))
        yield _records(frame, start)


def _noise(seed: int) -> pl.Expr:
    """From 0 to 1."""
    return (pl.col("id").hash(seed) % 1_000_000).cast(pl.Float64) / 1_000_000


def _records(frame: pl.DataFrame, start: int) -> pl.DataFrame:
    tokens = (30 + 20 * pl.col("other")).cast(pl.Int64)
    busy = pl.when(pl.col("since") // SECOND > 90).then(900).otherwise(60)
    wait = ((20 + busy * pl.col("noise") ** 4) * MILLISECOND).cast(pl.Int64)
    intended = pl.col("since") + start
    send = intended + (pl.col("noise") * MILLISECOND).cast(pl.Int64)
    token, last = intended + wait, intended + wait + tokens * 12 * MILLISECOND
    failed = pl.col("id") % 997 == 500
    values = {
        "id": pl.col("id"), "worker": pl.col("id") % 2, "stage": _stage(), "task": pl.lit("poem"), "intended": intended,
        "send": send, "connect": send + MILLISECOND, "first_byte": token - MILLISECOND, "first_token": token,
        "last_token": last, "end": last + MILLISECOND, "chunks": tokens, "prompt_tokens": pl.lit(14),
        "completion_tokens": tokens, "finish_reason": pl.lit("length"),
        "status": pl.when(failed).then(503).otherwise(200),
        "outcome": pl.when(failed).then(pl.lit("ServerError")).otherwise(pl.lit("Success")),
        "error": pl.when(failed).then(pl.lit("503 Service Unavailable")), "pod": _pod(),
        "address": pl.lit("10.96.0.40:8000"), "fingerprint": (pl.col("id") * 7919 % 65536).cast(pl.String),
        "attempts": pl.lit(1), "first_chunks": pl.lit(1),
    }
    return frame.select(_typed(field, values.get(field)).alias(key) for field, key in KEYS.items())


def _typed(field: str, value: pl.Expr | None) -> pl.Expr:
    kind = RECORD_COLUMNS[KEYS[field]]
    found = pl.lit(None) if value is None else value
    return found.cast(pl.Int64).cast(kind) if field in INSTANTS else found.cast(kind)


def _stage() -> pl.Expr:
    found, end = pl.lit(STAGES[-1]["name"]), sum(stage["durationSeconds"] for stage in STAGES)
    for stage in reversed(STAGES):
        found = pl.when(pl.col("since") < end * SECOND).then(pl.lit(stage["name"])).otherwise(found)
        end -= stage["durationSeconds"]
    return found


def _pod() -> pl.Expr:
    """One of the Pods that were Ready, in turns."""
    found = pl.lit(None, dtype=pl.String)
    for number, (name, ready, _) in enumerate(ready_times()):
        mine = (pl.col("since") >= int(ready * SECOND)) & (pl.col("id") % (number + 1) == 0)
        found = pl.when(mine).then(pl.lit(name)).otherwise(found)
    return found
