"""Files whose writer may be killed at any byte: one that only grows, by whole lines, and small ones, replaced whole.

A line is handed to the kernel in one write. What a kill left of the last line is cut and counted when the file is
opened again. Nothing here interprets the lines.
"""
from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from elastometer.model.errors import WorldError

FILE_NAME = re.compile(r"[a-z]+(\.[a-z]+)+")
TAIL_BYTES = 1 << 20  # read at a time, backwards, in search of the last whole line


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turns an OSError into a WorldError that names the file and, for a full disk, what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise WorldError(f"no space is left to write {path}: enlarge the operator's volume, or delete old tests, "
                             "which deletes their runs") from error
        raise WorldError(f"cannot write {path}: {error.strerror or error}") from error


def synced_write(path: Path, content: bytes) -> None:
    """Replaces the file, whole or not at all, even after a power cut."""
    with disk_errors(path):
        temporary = path.with_name(f".{path.name}.tmp")
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        sync_directory(path.parent)


class SmallFiles:
    """The small files of a directory, each a JSON document."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write_json(self, name: str, document: Any) -> None:
        """Replaces a small file, whole or not at all."""
        synced_write(self.path(name), orjson.dumps(document))

    def read_json(self, name: str) -> Any | None:
        """A small file's document; None when it was not written. Raises WorldError when it is not JSON."""
        try:
            return orjson.loads(self.path(name).read_bytes())
        except FileNotFoundError:
            return None
        except orjson.JSONDecodeError as error:
            raise WorldError(f"{self.path(name)} must be JSON, is not ({error}); restore or delete the file") from error

    def path(self, name: str) -> Path:
        """The path of a file. Raises ValueError for anything but a plain file name."""
        if not FILE_NAME.fullmatch(name):
            raise ValueError(f"the name of a run's file must match {FILE_NAME.pattern}, is {name!r}")
        return self.directory / name


def sync_directory(directory: Path) -> None:
    """Makes renames in the directory survive a power cut: fsync of a file does not cover its name."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def whole_size(path: Path) -> int:
    """Bytes up to the end of the last whole line: one that ends and is JSON (a power cut may leave zeros)."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            start = _line_start(file.fileno(), end)
            line = os.pread(file.fileno(), end - start, start)
            if line.endswith(b"\n") and _is_json(line):
                return end
            end = start
    return 0


def _line_start(handle: int, end: int) -> int:
    """Where the line that ends (or breaks off) at `end` begins."""
    upper = end - 1  # the newline at `end` belongs to this line
    while upper > 0:
        lower = max(0, upper - TAIL_BYTES)
        found = os.pread(handle, upper - lower, lower).rfind(b"\n")
        if found >= 0:
            return lower + found + 1
        upper = lower
    return 0


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


class Journal:
    """Appends to one file. It has one owner: `append` is for one thread, `sync` may be called from another."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with disk_errors(path):
            self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
            self.size = os.fstat(self._handle).st_size
            if not self.size:
                sync_directory(path.parent)
        self._unsynced = True

    def append(self, content: bytes) -> None:
        """Appends all bytes or none: what a full disk cut short is removed again."""
        with disk_errors(self.path):
            try:
                written = 0
                while written < len(content):
                    written += os.write(self._handle, content[written:] if written else content)
            except OSError:
                os.ftruncate(self._handle, self.size)
                raise
        self.size += len(content)
        self._unsynced = True

    def sync(self) -> None:
        """Everything appended before the call is on the disk when it returns."""
        # Cleared before fsync and not after it: bytes that are appended meanwhile may not be covered by this call.
        if self._unsynced:
            self._unsynced = False
            with disk_errors(self.path):
                os.fsync(self._handle)

    def close(self) -> None:
        """Syncs and closes the file."""
        self.sync()
        os.close(self._handle)
