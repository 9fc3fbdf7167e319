"""The fingerprint lines of a worker's requests, kept beside its records: one JSON object with `id` and `line` each.

They are written before the records of the same turn of the loop, so a request that has a record has its line. A request
that is sent again after a restart has two lines, of which the merge keeps one.
"""

from pathlib import Path

import orjson

from elastometer_loadgen.journal.growing_file import GrowingFile

FINGERPRINTS_NAME = "fingerprints.jsonl"
PACKED_FINGERPRINTS_NAME = "fingerprints.jsonl.zst"
# About half a million lines of the default length: more would fill the disk of an operator that keeps many runs.
MAX_BYTES = 128 << 20


class FingerprintFile(GrowingFile):
    """`left_out` counts the lines that came after the file had reached its limit."""

    def __init__(self, directory: Path, limit: int = MAX_BYTES) -> None:
        """Opens or continues the file in the directory of a spool; raises OSError."""
        super().__init__(directory / FINGERPRINTS_NAME)
        self._limit = limit
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self.left_out = 0
        self.cut(_whole_bytes(self.path))

    def add(self, number: int, line: str) -> None:
        """Takes the line of a request; `flush` writes it."""
        data = orjson.dumps({"id": number, "line": line}, option=orjson.OPT_APPEND_NEWLINE)
        if self.size + self._waiting_bytes + len(data) > self._limit:
            self.left_out += 1
            return
        self._waiting.append(data)
        self._waiting_bytes += len(data)

    def flush(self) -> None:
        """Writes what was added; raises OSError."""
        if self._waiting:
            lines = b"".join(self._waiting)
            self._waiting.clear()
            self._waiting_bytes = 0
            self.append(lines)


def _whole_bytes(path: Path) -> int:
    """Up to the end of the last line that is one."""
    whole = 0
    with path.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"}\n"):
                break
            whole += len(line)
    return whole
