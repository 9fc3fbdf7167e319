"""The worker's own file of records, and what a restarted worker finds there.

Records are handed to the operating system in the turn of the loop in which their requests end, so a killed process
loses none that ended earlier. A torn last line, left by a full disk or a crash of the machine, is cut off when the file
is opened again. Readers only ever see complete lines.
"""

import os
from pathlib import Path
from typing import Any

import orjson

from elastometer_loadgen.base.record import KEYS, Outcome
from elastometer_loadgen.checks.rate import CheckTally

RECORDS_NAME = "requests.jsonl"
PACKED_NAME = "requests.jsonl.zst"
INCARNATION_NAME = "incarnation"
_ID, _STAGE, _TASK, _OUTCOME = KEYS["id"], KEYS["stage"], KEYS["task"], KEYS["outcome"]
_CHECKS, _CONVERSATION, _TURN, _END = KEYS["checks"], KEYS["conversation"], KEYS["turn"], KEYS["end"]


class SpoolError(Exception):
    """A spool that must not be written to."""


class Spool:
    """Append-only; `size` is the number of bytes that readers may see.

    `ids` and `tally` are the requests and checks that an earlier process of the incarnation recorded; `conversations`
    has the last turn of each, and whether it was answered; `last_end` is when the last of its requests ended. `records`
    counts all records, including those of this process.
    """

    def __init__(self, directory: Path, incarnation: str | None = None) -> None:
        """Opens or continues a spool; a spool without an incarnation is never continued. Raises SpoolError."""
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / RECORDS_NAME
        _claim(directory, self.path, incarnation)
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self.ids: set[int] = set()
        self.tally = CheckTally()
        self.conversations: dict[int, tuple[int, bool]] = {}
        self.last_end: str | None = None
        self.records = 0
        self._recover()
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

    def _count(self, lines: bytes) -> None:
        self.size += len(lines)
        self.records += lines.count(b"\n")

    def read(self, offset: int, limit: int) -> bytes:
        """At most `limit` bytes from `offset`, up to the last line end in them if there is one."""
        data = os.pread(self._file, min(limit, self.size - offset), offset)
        return data[: data.rfind(b"\n") + 1] or data

    def close(self) -> None:
        """Makes the file durable and closes it."""
        os.fsync(self._file)
        os.close(self._file)

    def _recover(self) -> None:
        whole = 0
        with self.path.open("rb") as lines:
            for line in lines:
                record = _record_in(line)
                if record is None:
                    break
                self.ids.add(record[_ID])
                if record.get(_CHECKS):
                    self.tally.add(record[_STAGE], record[_TASK], record[_CHECKS])
                if record.get(_TURN):
                    last = (record[_TURN], record[_OUTCOME] == Outcome.SUCCESS)
                    number = record[_CONVERSATION]
                    self.conversations[number] = max(last, self.conversations.get(number, last))
                self.last_end = max(self.last_end or "", record.get(_END) or "") or None
                whole += len(line)
                self.records += 1
        os.ftruncate(self._file, whole)


def _record_in(line: bytes) -> dict[str, Any] | None:
    """None for a line that is torn, or that a crash of the machine left as something else."""
    try:
        record = orjson.loads(line) if line.endswith(b"\n") else None
    except orjson.JSONDecodeError:
        return None
    return record if isinstance(record, dict) and _ID in record else None


def _claim(directory: Path, records: Path, incarnation: str | None) -> None:
    marker = directory / INCARNATION_NAME
    packed = directory / PACKED_NAME
    if packed.exists():
        raise SpoolError(f"--out must name a directory without records of another run; {packed} holds some")
    if not records.exists() or records.stat().st_size == 0:
        marker.write_text(f"{incarnation or ''}\n")
        return
    found = marker.read_text().strip() if marker.exists() else ""
    if incarnation is None or found != incarnation:
        raise SpoolError(
            f"--out must name a directory without records of another run; {records} holds some"
            + (f" of incarnation '{found}'" if found else "")
        )
