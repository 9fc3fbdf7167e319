"""One run's directory while the run lasts: observations are appended, small facts are written whole.

It survives a kill at any byte: a torn last line is cut and counted when the store is opened again. It knows the names
of the files (docs/data.md) but not their content. Names from outside are checked before they become part of a path.
"""
from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from elastometer.model.bundle_files import (
    BUNDLE,
    COLUMNS_OF,
    COMPRESSED,
    MANIFEST,
    OBSERVATIONS,
    RECORDS_SUFFIX,
    SERIES,
    START,
    SUMMARY_SUFFIX,
    TORN,
    WORKERS,
)
from elastometer.model.times import parse_instant
from elastometer.world.columns.blocks import blocks
from elastometer.world.columns.observations import observation_lines
from elastometer.world.columns.series import series_lines
from elastometer.world.journal import Journal, SmallFiles, disk_errors, synced_write, whole_size

INCARNATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")
MAX_WORKERS = 64


class RunStore(SmallFiles):
    """The only writer of one run directory."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        with disk_errors(directory):
            (directory / WORKERS).mkdir(parents=True, exist_ok=True)
        self._journals: dict[str, Journal] = {}
        for name in (OBSERVATIONS, SERIES):
            self._cut_torn_tail(name)

    @property
    def torn(self) -> dict[str, int]:
        """Torn last lines cut so far, by file."""
        return {name: int(cut["count"]) for name, cut in (self.read_json(TORN) or {}).items()}

    @property
    def start_time(self) -> datetime | None:
        """The start of the load, shared by all workers; None until the last of them has reported."""
        start = self.read_json(START)
        return parse_instant(start["startTime"]) if start else None

    @property
    def compacted(self) -> bool:
        """Whether the run has ended and its records are merged: no worker can add any more."""
        return (self.directory / MANIFEST).exists()

    @property
    def sealed(self) -> bool:
        """Whether the bundle is complete and can be fetched."""
        return (self.directory / BUNDLE).exists()

    def append_observation(self, observation: Mapping[str, Any]) -> None:
        """Hands one line to the kernel; `sync` brings it to the disk."""
        self._append(OBSERVATIONS, observation)

    def append_series(self, series: Mapping[str, Any]) -> None:
        """The result of one range query, as docs/data.md has it."""
        self._append(SERIES, series)

    def worker_path(self, index: int, incarnation: str, suffix: str = RECORDS_SUFFIX) -> Path:
        """The file with the records of one incarnation of one worker, or with its lines."""
        if not 0 <= index < MAX_WORKERS:
            raise ValueError(f"the index of a worker must be from 0 to {MAX_WORKERS - 1}, is {index}")
        if not INCARNATION.fullmatch(incarnation):
            raise ValueError(f"an incarnation must match {INCARNATION.pattern}, is {incarnation!r}")
        return self.directory / WORKERS / f"{index}-{incarnation}{suffix}"

    def worker_paths(self, suffix: str = RECORDS_SUFFIX) -> list[Path]:
        """All files of records, or all of lines, in a fixed order."""
        return sorted((self.directory / WORKERS).glob(f"*{suffix}"))

    def append_worker(self, index: int, incarnation: str, content: bytes, suffix: str = RECORDS_SUFFIX) -> int:
        """Appends the bytes as received; returns the file's new size once they are on the disk."""
        journal = Journal(self.worker_path(index, incarnation, suffix))
        try:
            journal.append(content)
        finally:
            journal.close()
        return journal.size

    def worker_size(self, index: int, incarnation: str, suffix: str = RECORDS_SUFFIX) -> int:
        """Bytes stored of one incarnation of one worker; 0 when nothing has arrived."""
        path = self.worker_path(index, incarnation, suffix)
        return path.stat().st_size if path.exists() else 0

    def write_summary(self, index: int, incarnation: str, summary: Mapping[str, Any]) -> None:
        """The worker's own summary; a second one replaces the first."""
        synced_write(self.worker_path(index, incarnation).with_suffix(SUMMARY_SUFFIX), orjson.dumps(summary))

    def sync(self) -> None:
        """Writes every appended line to the disk. Safe to call from another thread."""
        for journal in list(self._journals.values()):
            journal.sync()

    def close(self) -> None:
        """Syncs and closes the files; a later append opens them again."""
        while self._journals:
            _, journal = self._journals.popitem()
            journal.close()

    def remove(self) -> None:
        """Deletes the run and everything that was recorded of it."""
        self.close()
        if self.directory.exists():
            with disk_errors(self.directory):
                shutil.rmtree(self.directory)

    def _append(self, name: str, document: Mapping[str, Any]) -> None:
        if name not in self._journals:
            self._expand(name)
            self._journals[name] = Journal(self.path(name))
        self._journals[name].append(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))

    def _expand(self, name: str) -> None:
        """Before a line that comes after the compaction: a plain file, where there is one, always holds all lines."""
        plain, sealed, packed = (self.path(one) for one in (name, COLUMNS_OF[name], name + COMPRESSED))
        if not plain.exists() and (sealed.exists() or packed.exists()):
            again = observation_lines if name == OBSERVATIONS else series_lines
            lines = again(sealed) if sealed.exists() else blocks(packed)  # an earlier version left them packed
            with disk_errors(plain):
                temporary = plain.with_name(f".{name}.tmp")
                with temporary.open("wb") as target:
                    target.writelines(lines)
                temporary.rename(plain)

    def _cut_torn_tail(self, name: str) -> None:
        path = self.path(name)
        whole = whole_size(path)
        if not path.exists() or path.stat().st_size == whole:
            return
        torn = self.read_json(TORN) or {}
        before = torn.get(name, {"count": 0})
        # Counted before it is cut, with the place of the cut: a kill in between does not count the same line twice.
        if before.get("cutAtBytes") != whole:
            self.write_json(TORN, {**torn, name: {"count": before["count"] + 1, "cutAtBytes": whole}})
        with disk_errors(path):
            os.truncate(path, whole)
