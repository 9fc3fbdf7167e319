"""Request records of a run as columns: merged into `requests.parquet`, and read from there or from lines.

The merge is external: sorted runs on the disk, then ranges of ids, one after another, from all runs. Of several records
with one id the one that was sent first is kept: a worker that lost its spool sends its requests again.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from elastometer.model.request_table import COLUMNS, OUTCOMES
from elastometer.world.columns.blocks import blocks
from elastometer.world.columns.instants import LARGEST
from elastometer.world.columns.parquet import read, write
from elastometer.world.columns.request_columns import RECORD_COLUMNS
from elastometer.world.columns.request_lines import Malformed, frame_of
from elastometer_loadgen.base.record import INSTANTS, KEYS, REPEAT_KEYS
from elastometer_loadgen.journal.merge import Dropped

# What no record can lack.
_NEEDED = ("id", "intended", "outcome")
# Columns of the table that are fields of the record's first attempt.
_OF_FIRST_ATTEMPT = {"first_status": "status", "first_error": "error"}
_ID, _SEND = KEYS["id"], KEYS["send"]
# One of so many ids of a run is kept in memory, to cut the ranges by.
_SAMPLE = 2048
RANGE_ROWS = 262_144
# No number of a record is this large.
_BEYOND = LARGEST


@dataclass(frozen=True, slots=True)
class _Run:
    path: Path
    first: int
    last: int
    sample: tuple[int, ...]


def merge(files: Sequence[Path], dropped: Dropped, target: Path, scratch: Path) -> None:
    """Writes all records as one file, sorted by id, each id once; `dropped` counts what is left out."""
    with TemporaryDirectory(dir=scratch, prefix=".sort-") as directory:
        runs = list(_sorted_runs(files, dropped, Path(directory)))
        write(lambda: _merged(runs, dropped), RECORD_COLUMNS, target)


def _sorted_runs(files: Sequence[Path], dropped: Dropped, directory: Path) -> Iterator[_Run]:
    for path in files:
        for block in blocks(path):
            if not block.endswith(b"\n"):
                dropped.torn_lines += 1
                continue
            malformed = Malformed()
            every = frame_of(block, malformed)
            found = every.drop_nulls(_ID).sort(_ID, _SEND, maintain_order=True)
            dropped.malformed_lines += malformed.lines + every.height - found.height
            if found.height:
                yield _run(found, directory)


def _run(found: pl.DataFrame, directory: Path) -> _Run:
    ids = found[_ID]
    path = directory / f"{sum(1 for _ in directory.iterdir())}.arrow"
    found.write_ipc(path)
    return _Run(path, ids[0], ids[-1], tuple(ids.gather_every(_SAMPLE)))


def _merged(runs: Sequence[_Run], dropped: Dropped) -> Iterator[pl.DataFrame]:
    for low, high in pairwise([*_bounds(runs), _BEYOND]):
        parts = [_part(run, low, high) for run in runs if run.last >= low and run.first < high]
        if parts:
            together = pl.concat(parts).sort(_ID, _SEND, maintain_order=True)
            once = together.unique(_ID, keep="first", maintain_order=True)
            dropped.duplicate_requests += together.height - once.height
            yield once


def _bounds(runs: Sequence[_Run]) -> list[int]:
    """Where the ranges of ids begin, so that each has about RANGE_ROWS records."""
    ids = sorted(number for run in runs for number in run.sample)
    return sorted(set(ids[::max(1, RANGE_ROWS // _SAMPLE)]))


def _part(run: _Run, low: int, high: int) -> pl.DataFrame:
    return pl.scan_ipc(run.path).filter((pl.col(_ID) >= low) & (pl.col(_ID) < high)).collect()


def read_requests(content: bytes | Path) -> tuple[pl.DataFrame, int]:
    """(the table of a `requests.parquet`, rows that lack what no record can lack). Raises ColumnsError."""
    wanted = {KEYS[name]: RECORD_COLUMNS[KEYS[name]] for name in COLUMNS if name in KEYS}
    return table_from(read(content, wanted, tuple(KEYS[name] for name in _NEEDED)))


def read_lines(content: bytes) -> tuple[pl.DataFrame, int]:
    """The same for whole lines of JSON."""
    malformed = Malformed()
    table, lacking = table_from(frame_of(content, malformed))
    return table, lacking + malformed.lines


def table_from(frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Columns of records as the table of `model.request_table`."""
    table = frame.select(_column(name).alias(name) for name in COLUMNS)
    usable = table.drop_nulls(_NEEDED) if any(table[name].null_count() for name in _NEEDED) else table
    return usable, table.height - usable.height


def _column(name: str) -> pl.Expr:
    if name in _OF_FIRST_ATTEMPT:
        return pl.col(KEYS["first_attempt"]).struct.field(_OF_FIRST_ATTEMPT[name])
    found = pl.col(KEYS[name])
    if name in INSTANTS:
        return found.cast(pl.Int64)
    if name == "outcome":
        return found.cast(pl.String).cast(OUTCOMES, strict=False)
    if name == "first_attempt":
        return found.struct.field("outcome").cast(OUTCOMES, strict=False)
    if name == "repeat":
        return found.struct.rename_fields(list(REPEAT_KEYS))
    if name in ("worker", "chunks"):
        return found.fill_null(0)
    if name in ("stage", "task"):
        return found.fill_null(pl.lit("").cast(pl.Categorical))
    return found
