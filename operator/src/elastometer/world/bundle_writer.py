"""Makes a run's directory into a bundle: `compact` before judging, `seal` after it.

Both may be killed anywhere and run again: a file is replaced whole, and its sources are deleted only once it exists.
Memory stays bounded however long the run was. Both block: call them in a thread.
"""
from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
from zstandard import ZstdCompressor

from elastometer.model.bundle_files import (
    BUNDLE,
    BUNDLED,
    COLUMNS_OF,
    COMPRESSED,
    FILES,
    FINGERPRINTS,
    GENERATOR,
    HEARTBEAT,
    LINES_SUFFIX,
    MANIFEST,
    MERGED,
    OBSERVATIONS,
    REPORTS,
    REQUESTS,
    SCHEMA_VERSION,
    SERIES,
    SPEC,
    SUMMARY_SUFFIX,
    WORKERS,
)
from elastometer.model.document import instant_at
from elastometer.model.units import SECOND
from elastometer.world.columns.observations import seal_observations, span
from elastometer.world.columns.parquet import rows
from elastometer.world.columns.requests import merge
from elastometer.world.columns.series import seal_series
from elastometer.world.journal import disk_errors, sync_directory, synced_write
from elastometer.world.run_store import RunStore
from elastometer_loadgen.journal.merge import Dropped, merged

ARCHIVE_LEVEL = 1  # most members are compressed already
PIECE_BYTES = 1 << 20


def compact(store: RunStore) -> None:
    """Compresses what was recorded and merges the workers' records. Nothing may be recorded or received meanwhile."""
    store.close()
    with disk_errors(store.directory):
        for leftover in store.directory.glob(".sort-*"):
            shutil.rmtree(leftover)
        _seal_lines(store, OBSERVATIONS, seal_observations)
        _seal_lines(store, SERIES, seal_series)
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
def _replacing(path: Path) -> Iterator[Path]:
    """The path of a file to write, which replaces `path` once all of it is on the disk."""
    temporary = path.with_name(f".{path.name}.tmp")
    yield temporary
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.rename(path)
    sync_directory(path.parent)


def _seal_lines(store: RunStore, name: str, seal_as_columns: Callable[[Path, Path], None]) -> None:
    """A plain file has all lines, those of an earlier compaction included; an earlier version left a packed one."""
    plain, packed = store.path(name), store.path(name + COMPRESSED)
    if source := next((path for path in (plain, packed) if path.exists()), None):
        with _replacing(store.path(COLUMNS_OF[name])) as target:
            seal_as_columns(source, target)
    for path in (plain, packed):
        path.unlink(missing_ok=True)


def _merge_workers(store: RunStore) -> None:
    """Merges `workers/`, then renames it, so that a second merge after a kill sees all of it or nothing."""
    workers = store.directory / WORKERS
    done = store.directory / f".{WORKERS}.merged"
    if workers.is_dir() and any(workers.iterdir()):
        dropped = Dropped()
        with _replacing(store.path(COLUMNS_OF[REQUESTS])) as target:
            merge(store.worker_paths(), dropped, target, store.directory)
        _merge_lines(store)
        summaries = [orjson.loads(path.read_bytes()) for path in sorted(workers.glob(f"*{SUMMARY_SUFFIX}"))]
        store.write_json(GENERATOR, summaries)
        store.write_json(MERGED, asdict(dropped))
        shutil.rmtree(done, ignore_errors=True)
        # The rename is the instant from which the merge counts as done; the slow deletion may be cut anywhere.
        workers.rename(done)
    shutil.rmtree(done, ignore_errors=True)


def _merge_lines(store: RunStore) -> None:
    """The lines that the workers printed for their requests, as one file; none where the load asked for none."""
    if files := store.worker_paths(LINES_SUFFIX):
        with _replacing(store.path(FINGERPRINTS + COMPRESSED)) as target, target.open("wb") as file, \
                ZstdCompressor().stream_writer(file, closefd=False) as packed:
            for line in merged(files, Dropped(), store.directory):
                packed.write(line)


def _write_manifest(store: RunStore) -> None:
    """Lists what the bundle holds. It depends only on the files, so that the same run has the same manifest."""
    metadata = (store.read_json(SPEC) or {}).get("metadata") or {}
    files = [_described(store.path(name)) for name in BUNDLED if store.path(name).exists()]
    observations = store.path(COLUMNS_OF[OBSERVATIONS])
    first, last = span(observations) if observations.exists() else (None, None)
    dropped = Dropped(**(store.read_json(MERGED) or {}))
    store.write_json(MANIFEST, {
        "schemaVersion": SCHEMA_VERSION, "toolVersion": version("elastometer"),
        "namespace": metadata.get("namespace"), "test": metadata.get("name"), "uid": metadata.get("uid"),
        "startTime": first, "endTime": last, "files": files,
        "tornLines": {**store.torn, REQUESTS: dropped.torn_lines},
        "malformedRequests": dropped.malformed_lines, "duplicateRequests": dropped.duplicate_requests,
    })


def _described(path: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
    described: dict[str, Any] = {"name": path.name, "sha256": digest.hexdigest(), "bytes": path.stat().st_size}
    if path.name in COLUMNS_OF.values():
        described["rows"] = rows(path)
    return described


def _archive(store: RunStore) -> None:
    """The same files give the same archive, byte for byte: its entries carry the end of the run, not the time now."""
    top, end = store.directory.name, _end_of_run(store)
    with _replacing(store.path(BUNDLE)) as target, target.open("wb") as file, \
            ZstdCompressor(level=ARCHIVE_LEVEL).stream_writer(file, closefd=False) as packed, \
            tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for path in (store.path(name) for name in (MANIFEST, *BUNDLED)):
            if path.exists():
                # Not `archive.add`, which would store the operator's user, the file's mode and its time.
                entry = tarfile.TarInfo(f"{top}/{path.name}")
                entry.size = path.stat().st_size
                entry.mode = 0o644
                entry.mtime = end
                with path.open("rb") as member:
                    archive.addfile(entry, member)


def _end_of_run(store: RunStore) -> int:
    """Unix seconds of the last observation, else of the start of the load; 0 for a run of which neither is known."""
    ended = instant_at(store.read_json(MANIFEST), "endTime")
    if ended is not None:
        return ended // SECOND
    return 0 if store.start_time is None else int(store.start_time.timestamp())
