"""A file that only grows, by whole lines, and that is read while it grows.

Lines are handed to the operating system at once, so a killed process loses none of them. What a full disk or a crash of
the machine left of a last line is cut off when the file is opened again; readers only ever see complete lines.
"""

import os
from pathlib import Path


class GrowingFile:
    """Append-only; `size` is the number of bytes that readers may see."""

    def __init__(self, path: Path) -> None:
        """Opens or continues a file; raises OSError."""
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self.size = os.fstat(self._file).st_size

    def append(self, lines: bytes) -> None:
        """Adds complete lines with their newlines; raises OSError when the disk does not take all of them."""
        # No fsync: the kernel keeps what was written when the process is killed, and a sync would stall the loop for
        # milliseconds. Only `close` syncs.
        written = os.write(self._file, lines)
        if written != len(lines):
            # A full disk: the complete lines stay, and the torn rest of one goes.
            whole = lines.rfind(b"\n", 0, written) + 1
            os.ftruncate(self._file, self.size + whole)
            self._count(lines[:whole])
            raise OSError(f"{self.path}: the disk took {written} of {len(lines)} bytes")
        self._count(lines)

    def read(self, offset: int, limit: int) -> bytes:
        """At most `limit` bytes from `offset`, up to the last line end in them if there is one."""
        data = os.pread(self._file, min(limit, self.size - offset), offset)
        return data[: data.rfind(b"\n") + 1] or data

    def cut(self, size: int) -> None:
        """Drops what comes after so many bytes."""
        os.ftruncate(self._file, size)
        self.size = size

    def close(self) -> None:
        """Makes the file durable and closes it."""
        os.fsync(self._file)
        os.close(self._file)

    def _count(self, lines: bytes) -> None:
        self.size += len(lines)
