"""Makes a run's directory into a bundle: `compact` before judging, `seal` after it.

Both may be killed anywhere and run again: a file is replaced whole, and its sources are deleted only once it exists.
Memory stays bounded however long the run was. Both block: call them in a thread.
"""
from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import orjson
from zstandard import ZstdCompressor, ZstdDecompressor

from elastometer.model.bundle_files import (
    BUNDLE,
    BUNDLED,
    COMPRESSED,
    FILES,
    GENERATOR,
    HEARTBEAT,
    MANIFEST,
    MERGED,
    OBSERVATIONS,
    REPORTS,
    REQUESTS,
    SERIES,
    SPEC,
    SUMMARY_SUFFIX,
    WORKERS,
)
from elastometer.model.document import instant_at
from elastometer.model.units import SECOND
from elastometer.world.journal import disk_errors, sync_directory, synced_write
from elastometer.world.run_store import RunStore
from elastometer_loadgen.journal.merge import Dropped, merged

SCHEMA_VERSION = 1
LEVEL = 6  # observations shrink about 30 times; higher levels gain a few percent for many times the CPU
ARCHIVE_LEVEL = 1  # most members are compressed already
PIECE_BYTES = 1 << 20


def compact(store: RunStore) -> None:
    """Compresses what was recorded and merges the workers' records. Nothing may be recorded or received meanwhile."""
    store.close()
    with disk_errors(store.directory):
        for leftover in store.directory.glob(".sort-*"):
            shutil.rmtree(leftover)
        for name in (OBSERVATIONS, SERIES):
            _pack(store.path(name))
        _merge_workers(store)
    _write_manifest(store)


def seal(store: RunStore, report_files: Mapping[str, bytes] | None = None) -> None:
    """Adds the report and archives everything. A file of the report must be one of REPORTS."""
    for name, content in (report_files or {}).items():
        if name not in REPORTS:
            raise ValueError(f"a file of the report must be one of {', '.join(REPORTS)}, is {name!r}")
        synced_write(store.path(name), content)
    _write_manifest(store)
    with disk_errors(store.directory):
        for name in (HEARTBEAT, FILES):
            store.path(name).unlink(missing_ok=True)
        _archive(store)


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, which replaces `path` once all of it is on the disk."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    sync_directory(path.parent)


def _pack(plain: Path) -> None:
    if plain.exists():
        with plain.open("rb") as source, _replacing(plain.with_name(plain.name + COMPRESSED)) as target:
            ZstdCompressor(level=LEVEL).copy_stream(source, target, size=plain.stat().st_size)
        plain.unlink()


def _merge_workers(store: RunStore) -> None:
    """Merges `workers/`, then renames it, so that a second merge after a kill sees all of it or nothing."""
    workers = store.directory / WORKERS
    done = store.directory / f".{WORKERS}.merged"
    if workers.is_dir() and any(workers.iterdir()):
        dropped = Dropped()
        with _replacing(store.path(REQUESTS + COMPRESSED)) as target:
            _write_compressed(merged(store.worker_paths(), dropped, store.directory), target)
        summaries = [orjson.loads(path.read_bytes()) for path in sorted(workers.glob(f"*{SUMMARY_SUFFIX}"))]
        store.write_json(GENERATOR, summaries)
        store.write_json(MERGED, asdict(dropped))
        shutil.rmtree(done, ignore_errors=True)
        # The rename is the instant from which the merge counts as done; the slow deletion may be cut anywhere.
        workers.rename(done)
    shutil.rmtree(done, ignore_errors=True)


def _write_compressed(lines: Iterable[bytes], target: IO[bytes]) -> None:
    with ZstdCompressor(level=LEVEL).stream_writer(target, closefd=False) as writer:
        for line in lines:
            writer.write(line)


def _write_manifest(store: RunStore) -> None:
    """Lists what the bundle holds. It depends only on the files, so that the same run has the same manifest."""
    metadata = (store.read_json(SPEC) or {}).get("metadata") or {}
    files = [_described(store.path(name)) for name in BUNDLED if store.path(name).exists()]
    first, last = _first_and_last(store.path(OBSERVATIONS + COMPRESSED))
    dropped = Dropped(**(store.read_json(MERGED) or {}))
    store.write_json(MANIFEST, {
        "schemaVersion": SCHEMA_VERSION, "toolVersion": version("elastometer"),
        "namespace": metadata.get("namespace"), "test": metadata.get("name"), "uid": metadata.get("uid"),
        "startTime": first.get("receivedTime"), "endTime": last.get("receivedTime"), "files": files,
        "tornLines": {**store.torn, REQUESTS: dropped.torn_lines},
        "malformedRequests": dropped.malformed_lines, "duplicateRequests": dropped.duplicate_requests,
    })


def _described(path: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
    described: dict[str, Any] = {"name": path.name, "sha256": digest.hexdigest(), "bytes": path.stat().st_size}
    if path.name.endswith(COMPRESSED):
        described["rows"] = sum(piece.count(b"\n") for piece in _pieces(path))
    return described


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file, ZstdDecompressor().stream_reader(file, read_across_frames=True) as reader:
        while piece := reader.read(PIECE_BYTES):
            yield piece


def _first_and_last(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The first and the last line; two empty objects for an empty or missing file."""
    first, rest = b"", b""
    for piece in _pieces(path) if path.exists() else ():
        rest += piece
        if not first and b"\n" in rest:
            first = rest[:rest.index(b"\n")]
        ended = rest.rstrip(b"\n")
        rest = rest[ended.rfind(b"\n") + 1:]
    return orjson.loads(first or b"{}"), orjson.loads(rest or b"{}")


def _archive(store: RunStore) -> None:
    """The same files give the same archive, byte for byte: its entries carry the end of the run, not the time now."""
    top, end = store.directory.name, _end_of_run(store)
    with _replacing(store.path(BUNDLE)) as target, \
            ZstdCompressor(level=ARCHIVE_LEVEL).stream_writer(target, closefd=False) as packed, \
            tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for path in (store.path(name) for name in (MANIFEST, *BUNDLED)):
            if path.exists():
                # Not `archive.add`, which would store the operator's user, the file's mode and its time.
                entry = tarfile.TarInfo(f"{top}/{path.name}")
                entry.size = path.stat().st_size
                entry.mode = 0o644
                entry.mtime = end
                with path.open("rb") as file:
                    archive.addfile(entry, file)


def _end_of_run(store: RunStore) -> int:
    """Unix seconds of the last observation, else of the start of the load; 0 for a run of which neither is known."""
    ended = instant_at(store.read_json(MANIFEST), "endTime")
    if ended is not None:
        return ended // SECOND
    return 0 if store.start_time is None else int(store.start_time.timestamp())
