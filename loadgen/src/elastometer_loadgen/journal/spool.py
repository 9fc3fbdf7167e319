"""The worker's own file of records, and what a restarted worker finds there.

Records are handed to the operating system in the turn of the loop in which their requests end, so a killed process
loses none that ended earlier.
"""

from pathlib import Path
from typing import Any

import orjson

from elastometer_loadgen.base.record import KEYS, Outcome
from elastometer_loadgen.checks.rate import CheckTally
from elastometer_loadgen.journal.growing_file import GrowingFile

RECORDS_NAME = "requests.jsonl"
PACKED_NAME = "requests.jsonl.zst"
INCARNATION_NAME = "incarnation"
_ID, _STAGE, _TASK, _OUTCOME = KEYS["id"], KEYS["stage"], KEYS["task"], KEYS["outcome"]
_CHECKS, _CONVERSATION, _TURN, _END = KEYS["checks"], KEYS["conversation"], KEYS["turn"], KEYS["end"]


class SpoolError(Exception):
    """A spool that must not be written to."""


class Spool(GrowingFile):
    """The records of one incarnation.

    `ids` and `tally` are the requests and checks that an earlier process of the incarnation recorded; `conversations`
    has the last turn of each, and whether it was answered; `last_end` is when the last of its requests ended. `records`
    counts all records, including those of this process.
    """

    def __init__(self, directory: Path, incarnation: str | None = None) -> None:
        """Opens or continues a spool; a spool without an incarnation is never continued. Raises SpoolError."""
        directory.mkdir(parents=True, exist_ok=True)
        _claim(directory, directory / RECORDS_NAME, incarnation)
        super().__init__(directory / RECORDS_NAME)
        self.ids: set[int] = set()
        self.tally = CheckTally()
        self.conversations: dict[int, tuple[int, bool]] = {}
        self.last_end: str | None = None
        self.records = 0
        self._recover()

    def _count(self, lines: bytes) -> None:
        super()._count(lines)
        self.records += lines.count(b"\n")

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
        self.cut(whole)


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
