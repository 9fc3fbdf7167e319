"""Reads a run: a finished bundle, its archive, or the directory of a run that is in progress or was killed.

A kill leaves a torn last line, which is dropped and counted. Any other line that cannot be read is counted too, and so
is what is dated outside the run. Nothing here judges.
"""
from __future__ import annotations

import gc
import io
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import orjson
import zstandard

from elastometer.model.bundle import Bundle, series_from
from elastometer.model.bundle_files import (
    COMPRESSED,
    EXPECTED,
    GENERATOR,
    MANIFEST,
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
from elastometer.model.request import GeneratorSummary, generator_from, request_from
from elastometer.model.run_window import drop_outside_window
from elastometer.model.terms import terms_from

T = TypeVar("T")


class BundleError(Exception):
    """The path does not hold a run."""


class _Reader:
    """The files of one run, and the number of lines in them that could not be read."""

    def __init__(self, files: Mapping[str, Callable[[], bytes]]) -> None:
        self.files = files
        self.torn = 0
        self.unreadable = 0
        self.missing: list[str] = []

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
            return orjson.loads(self.files[name]())
        except orjson.JSONDecodeError:
            self.unreadable += 1
            return None

    def lines(self, name: str, parse: Callable[[Document], T | None]) -> list[T]:
        """The parsed lines of a file. A kill may leave it plain and compacted; the plain one then has all lines."""
        found = name if name in self.files else f"{name}{COMPRESSED}"
        if found not in self.files:
            return []
        content = self.files[found]()
        if found.endswith(COMPRESSED):
            content = self._decompress(content)
        return self._parse(content, parse)

    def _parse(self, content: bytes, parse: Callable[[Document], T | None]) -> list[T]:
        *whole, last = content.split(b"\n")
        self.torn += bool(last.strip())
        parsed: list[T] = []
        for line in whole:
            if not line.strip():
                continue
            try:
                value = orjson.loads(line)
            except orjson.JSONDecodeError:
                self.unreadable += 1
                continue
            item = parse(value) if isinstance(value, dict) else None
            if item is not None:
                parsed.append(item)
            elif not (isinstance(value, dict) and is_retired(value)):
                self.unreadable += 1
        return parsed

    def _decompress(self, content: bytes) -> bytes:
        """All zstd frames. A frame that was cut short yields its whole blocks and counts as torn."""
        pieces: list[bytes] = []
        while content:
            frame = zstandard.ZstdDecompressor().decompressobj()
            try:
                pieces.append(frame.decompress(content))
            except zstandard.ZstdError:
                self.torn += 1
                break
            self.torn += not frame.eof
            content = frame.unused_data
        return b"".join(pieces)


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
    """The run at `path`, a directory or a `.tar.zst`. Raises BundleError when no file there belongs to a run."""
    if not path.exists():
        raise BundleError(f"'{path}' must be the directory or the .tar.zst of a run; no such file exists")
    reader = _Reader(_directory(path) if path.is_dir() else _archive(path))
    if not any(_has(reader, name) for name in EXPECTED) and not _workers(reader, RECORDS_SUFFIX):
        raise BundleError(f"'{path}' must be the directory or the .tar.zst of a run; it contains none of a run's files")
    spec, plan = _test(reader, path), reader.document(PLAN)
    shards = _workers(reader, RECORDS_SUFFIX)
    requests = [record for name in shards for record in reader.lines(name, request_from)]
    return drop_outside_window(Bundle(
        terms=terms_from(spec, plan), manifest=reader.document(MANIFEST), spec=spec,
        plan=plan, provenance=reader.document(PROVENANCE),
        start=instant_at(reader.document(START), "startTime"),
        observations=tuple(reader.lines(OBSERVATIONS, observation_from)),
        requests=tuple(requests or reader.lines(REQUESTS, request_from)),
        series=tuple(reader.lines(SERIES, series_from)),
        generators=_generators(reader),
        missing=tuple(name for name in EXPECTED if not _has(reader, name)),
        torn_lines=reader.torn, unreadable_lines=reader.unreadable,
    ))


def _test(reader: _Reader, path: Path) -> Document:
    """What was tested, where the record says it. A damaged file is not passed over as other files are: with it, the
    objectives would be gone, and the run would seem to have had none."""
    if SPEC not in reader.files:
        return EMPTY
    try:
        found = orjson.loads(reader.files[SPEC]())
    except orjson.JSONDecodeError as error:
        raise BundleError(f"'{path}': {SPEC} must be one JSON object: {error}") from error
    if not isinstance(found, dict):
        raise BundleError(f"'{path}': {SPEC} must be one JSON object, is a {type(found).__name__}")
    if flaws := list(objective_flaws(found)):
        raise BundleError(f"'{path}': {SPEC}: {'; '.join(flaws)}")
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
    return name in reader.files or f"{name}{COMPRESSED}" in reader.files


def _directory(path: Path) -> dict[str, Callable[[], bytes]]:
    found = [*path.glob("*.json*"), *path.glob(f"{WORKERS}/*.json*")]
    return {file.relative_to(path).as_posix(): file.read_bytes for file in found if file.is_file()}


def _archive(path: Path) -> dict[str, Callable[[], bytes]]:
    """The members by their names below the archive's top directory, if it has one."""
    files: dict[str, Callable[[], bytes]] = {}
    try:
        with path.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream, \
                tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isfile() else None
                if content is not None:
                    files[_below_top(member.name)] = io.BytesIO(content.read()).getvalue
    except (tarfile.TarError, zstandard.ZstdError, EOFError) as error:
        if not files:
            raise BundleError(f"'{path}' must be a .tar.zst of a run: {error}") from error
    return files


def _below_top(name: str) -> str:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    kept = parts[-2:] if len(parts) > 1 and parts[-2] == WORKERS else parts[-1:]
    return "/".join(kept)
