"""Reads a run: a finished bundle, its archive, or the directory of a run that is in progress or was killed.

A kill leaves a torn last line, which is dropped and counted. Any other line that cannot be read is counted too, and so
is what is dated outside the run. Nothing here judges.
"""
from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias, TypeVar

import orjson
import polars as pl

from elastometer.model.bundle import Bundle, series_from
from elastometer.model.bundle_files import (
    COLUMNS_OF,
    COMPRESSED,
    EXPECTED,
    GENERATOR,
    OBSERVATIONS,
    PLAN,
    PROVENANCE,
    RECORDS_SUFFIX,
    REQUESTS,
    SERIES,
    SPEC,
    START,
    SUMMARY_SUFFIX,
    WORKERS,
)
from elastometer.model.document import EMPTY, Document, instant_at
from elastometer.model.objectives import objective_flaws
from elastometer.model.observation import is_retired, observation_from
from elastometer.model.request import GeneratorSummary, generator_from
from elastometer.model.request_table import RequestRows, table_of
from elastometer.model.run_window import drop_outside_window
from elastometer.model.terms import terms_from
from elastometer.world.columns.observations import read_observations
from elastometer.world.columns.parquet import ColumnsError
from elastometer.world.columns.requests import read_lines, read_requests
from elastometer.world.columns.series import read_series
from elastometer.world.run_files import BundleError, RunFiles

__all__ = ["BundleError", "load_bundle"]

T = TypeVar("T")
R = TypeVar("R")
# Reads a Parquet file: what it holds, and how many of its rows could not be read.
Columns: TypeAlias = Callable[[Path | bytes], tuple[R, int]]


class _Reader:
    """The files of one run, and the number of lines in them that could not be read."""

    def __init__(self, files: RunFiles) -> None:
        self.files = files
        self.unreadable = 0

    def document(self, name: str) -> Document:
        """The JSON object of a file; an empty one when the file is missing or holds something else."""
        value = self._json(name)
        return value if isinstance(value, dict) else EMPTY

    def documents(self, name: str) -> list[Document]:
        value = self._json(name)
        return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

    def _json(self, name: str) -> object:
        if name not in self.files:
            return None
        try:
            return orjson.loads(self.files.content(name))
        except orjson.JSONDecodeError:
            self.unreadable += 1
            return None

    def lines(self, name: str, parse: Callable[[Document], T | None], columns: Columns[list[T]]) -> list[T]:
        """What the lines of a stream hold."""
        if (sealed := self._sealed(name)) is not None:
            return self._counted(sealed, columns)
        return [item for block in self._blocks(name) for item in self._parsed(block, parse)]

    def requests(self, names: Sequence[str]) -> pl.DataFrame:
        """The records of the workers, or else the merged ones."""
        if not names and (sealed := self._sealed(REQUESTS)) is not None:
            return self._counted(sealed, read_requests)
        parts = [table_of(())]
        for block in (block for name in names or [REQUESTS] for block in self._blocks(name)):
            table, unreadable = read_lines(block)
            self.unreadable += unreadable
            parts.append(table)
        return pl.concat(parts)

    def _sealed(self, name: str) -> str | None:
        """A kill may leave a stream plain and sealed; the plain file then has all lines."""
        return COLUMNS_OF[name] if name not in self.files and COLUMNS_OF[name] in self.files else None

    def _counted(self, name: str, read: Columns[R]) -> R:
        try:
            found, unreadable = read(self.files.columns(name))
        except ColumnsError as error:
            raise self.files.error(name, str(error)) from error
        self.unreadable += unreadable
        return found

    def _blocks(self, name: str) -> Iterator[bytes]:
        found = name if name in self.files else f"{name}{COMPRESSED}"
        return self.files.blocks(found) if found in self.files else iter(())

    def _parsed(self, block: bytes, parse: Callable[[Document], T | None]) -> Iterator[T]:
        for line in block.split(b"\n"):
            if not line.strip():
                continue
            try:
                value = orjson.loads(line)
            except orjson.JSONDecodeError:
                self.unreadable += 1
                continue
            item = parse(value) if isinstance(value, dict) else None
            if item is not None:
                yield item
            elif not (isinstance(value, dict) and is_retired(value)):
                self.unreadable += 1


@contextmanager
def _without_collector() -> Iterator[None]:
    """Python's collector of reference cycles looks at every living object again and again as their number grows, and a
    run is millions of objects of JSON, which have no cycles: two thirds of the time of reading went there. What is read
    within is never looked at; it is still freed when nothing refers to it any more."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


@_without_collector()
def load_bundle(path: Path) -> Bundle:
    """The run at `path`, a directory or a `.tar.zst`. Raises BundleError when no file there belongs to a run, or when
    one of them cannot be trusted: its schema is newer, its checksum another, or its columns are damaged."""
    if not path.exists():
        raise BundleError(f"'{path}' must be the directory or the .tar.zst of a run; no such file exists")
    reader = _Reader(RunFiles(path))
    shards = _workers(reader, RECORDS_SUFFIX)
    if not any(_has(reader, name) for name in EXPECTED) and not shards:
        raise BundleError(f"'{path}' must be the directory or the .tar.zst of a run; it contains none of a run's files")
    return drop_outside_window(_bundle(reader, shards))


def _bundle(reader: _Reader, shards: Sequence[str]) -> Bundle:
    spec, plan = _test(reader), reader.document(PLAN)
    requests = reader.requests(shards)
    if requests.is_empty() and shards:
        requests = reader.requests(())
    parts = Bundle(
        terms=terms_from(spec, plan), manifest=reader.files.manifest, spec=spec,
        plan=plan, provenance=reader.document(PROVENANCE),
        start=instant_at(reader.document(START), "startTime"),
        observations=tuple(reader.lines(OBSERVATIONS, observation_from, read_observations)),
        requests=RequestRows(requests),
        series=tuple(reader.lines(SERIES, series_from, read_series)),
        generators=_generators(reader),
        missing=tuple(name for name in EXPECTED if not _has(reader, name)),
    )
    return replace(parts, torn_lines=reader.files.torn, unreadable_lines=reader.unreadable)


def _test(reader: _Reader) -> Document:
    """What was tested, where the record says it. A damaged file is not passed over as other files are: with it, the
    objectives would be gone, and the run would seem to have had none."""
    if SPEC not in reader.files:
        return EMPTY
    try:
        found = orjson.loads(reader.files.content(SPEC))
    except orjson.JSONDecodeError as error:
        raise reader.files.error(SPEC, f"must be one JSON object: {error}") from error
    if not isinstance(found, dict):
        raise reader.files.error(SPEC, f"must be one JSON object, is a {type(found).__name__}")
    if flaws := list(objective_flaws(found)):
        raise reader.files.error(f"{SPEC}:", "; ".join(flaws))
    return found


def _generators(reader: _Reader) -> tuple[GeneratorSummary, ...]:
    whole = reader.documents(GENERATOR)
    parts = [reader.document(name) for name in _workers(reader, SUMMARY_SUFFIX)]
    return tuple(generator_from(item) for item in whole or parts if item)


def _workers(reader: _Reader, ending: str) -> list[str]:
    return sorted(name for name in reader.files if name.startswith(f"{WORKERS}/") and name.endswith(ending))


def _has(reader: _Reader, name: str) -> bool:
    if name == REQUESTS and _workers(reader, RECORDS_SUFFIX):
        return True
    if name == GENERATOR and _workers(reader, SUMMARY_SUFFIX):
        return True
    also = [COLUMNS_OF[name], f"{name}{COMPRESSED}"] if name in COLUMNS_OF else []
    return any(one in reader.files for one in (name, *also))
