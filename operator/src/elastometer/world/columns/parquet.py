"""Parquet files of a bundle: written piece by piece, so that memory stays bounded, and read with their version.

The same rows give the same bytes. A file of a newer schema is refused; columns that this version does not know are
passed over, and optional columns that are not there are null.
"""
from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from elastometer.model.bundle_files import SCHEMA_VERSION

VERSION_KEY = "elastometer.schemaVersion"
LEVEL = 3  # higher levels gain a few percent for many times the CPU
ROW_GROUP = 262_144
# A damaged file may make the reader panic instead of raising an error.
_FAILURES = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError)


class ColumnsError(Exception):
    """A Parquet file that cannot be read; says what must be true of it."""


def write(pieces: Callable[[], Iterator[pl.DataFrame]], columns: Mapping[str, Any], target: Path) -> None:
    """Writes the pieces, one after another, as one file; each must have exactly these columns."""
    schema = pl.DataFrame(schema=columns).schema

    def source(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        del with_columns, predicate, n_rows, batch_size  # the sink asks for everything
        yield from pieces()

    register_io_source(source, schema=schema).sink_parquet(
        target, compression="zstd", compression_level=LEVEL, row_group_size=ROW_GROUP, maintain_order=True,
        metadata={VERSION_KEY: str(SCHEMA_VERSION)})


def read(content: bytes | Path, columns: Mapping[str, Any], required: tuple[str, ...]) -> pl.DataFrame:
    """The columns, in the given types. Raises ColumnsError."""
    try:
        return _read(content, columns, required)
    except _FAILURES as error:
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise ColumnsError(f"must be a Parquet file as docs/data.md describes it: {first}") from error


def rows(path: Path) -> int:
    """How many rows a file has, by its footer."""
    found = pl.scan_parquet(path).select(pl.len()).collect().item()
    return int(found)


def _read(content: bytes | Path, columns: Mapping[str, Any], required: tuple[str, ...]) -> pl.DataFrame:
    _check_version(pl.read_parquet_metadata(_opened(content)).get(VERSION_KEY))
    there = pl.read_parquet_schema(_opened(content))
    if lacking := [name for name in required if name not in there]:
        raise ColumnsError(f"must have the columns {', '.join(required)}; {', '.join(lacking)} are absent")
    frame = pl.read_parquet(_opened(content), columns=[name for name in columns if name in there])
    absent = {name: pl.lit(None, dtype=kind) for name, kind in columns.items() if name not in there}
    known = pl.DataFrame([_typed(frame[name], kind) for name, kind in columns.items() if name in there])
    return known.with_columns(**absent).select(list(columns))


def _typed(found: pl.Series, kind: Any) -> pl.Series:
    if found.dtype == kind:
        return found
    try:
        return found.cast(kind)
    except pl.exceptions.PolarsError as error:
        raise ColumnsError(f"column {found.name} must be of type {kind}, is {found.dtype}") from error


def _check_version(stated: str | None) -> None:
    if stated is None or not stated.isdigit():
        raise ColumnsError(f"must state its schema as {VERSION_KEY} in its metadata, states {stated!r}")
    if int(stated) > SCHEMA_VERSION:
        raise ColumnsError(f"must have a schema of version {SCHEMA_VERSION} or older, has version {stated}; "
                           "judge it with the version of elastometer that wrote it, or a later one")


def _opened(content: bytes | Path) -> io.BytesIO | Path:
    return io.BytesIO(content) if isinstance(content, bytes) else content
