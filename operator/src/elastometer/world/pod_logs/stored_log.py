"""What of a server's log is stored: its beginning, and every warning, error and traceback of its whole life.

A server writes a line for each request. Those access lines are counted. Of the rest, what a start prints is kept up
to a limit that a start does not reach; behind it the other lines, such as the engine's own figures each 10 s, are
counted as well.
"""
from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import orjson

from elastometer.model.server_log import NOTABLE, LevelReader, LogLevel
from elastometer.model.times import format_seconds, parse_instant
from elastometer.world.watched import Json

MAX_LINES = 5_000  # per Pod: the start of vLLM takes hundreds
MAX_NOTABLE_LINES = 5_000  # per Pod and beside the former: a warning for each request must not fill the disk
# The API cuts `sinceTime` to whole seconds, and the lines of stdout and stderr may come out of order.
OVERLAP = timedelta(seconds=2)


class StoredLog:
    """What is stored of one Pod's log: numbers of lines, and the last seconds of them to recognize repetitions.

    `access_lines` and `other_lines` are those that were counted only.
    """

    def __init__(self) -> None:
        self.routine_lines, self.notable_lines = 0, 0
        self.access_lines, self.other_lines = 0, 0
        self.last: datetime | None = None
        self._counted_until: datetime | None = None
        self._resumed_at: datetime | None = None
        self._recent: dict[tuple[str, str], datetime] = {}
        self._levels = LevelReader()

    @property
    def seen(self) -> int:
        """All lines, stored or counted."""
        return self.routine_lines + self.notable_lines + self.access_lines + self.other_lines

    def is_stored(self, stamp: str, line: str) -> bool:
        """Takes the next line: whether it is to be stored. A repetition is not, and is not counted again."""
        instant = parse_instant(stamp)
        level = self._levels.level(line)
        if level is LogLevel.ACCESS:
            self._count_access(instant)
            return False
        if not self._is_new(stamp, line, instant):
            return False
        return self._take(level, instant)

    def resume(self, record: Json) -> None:
        """Goes on from what was written of this log: a line of it, or the numbers of those that were counted."""
        if record["kind"] == "LogCount":
            self.access_lines, self.other_lines = record["accessLines"], record["otherLines"]
            self._counted_until = self._resumed_at = parse_instant(record["time"])
            self._move_to(self._counted_until)
        elif "time" in record:
            self.is_stored(record["time"], record["line"])

    def since(self) -> dict[str, str]:
        """The query for the rest of the log, with an overlap; the whole log when nothing is stored."""
        if self.last is None:
            return {}
        return {"sinceTime": format_seconds(self.last - OVERLAP / 2)}

    def _take(self, level: LogLevel, instant: datetime) -> bool:
        if level in NOTABLE and self.notable_lines < MAX_NOTABLE_LINES:
            self.notable_lines += 1
            return True
        if level not in NOTABLE and self.routine_lines < MAX_LINES:
            self.routine_lines += 1
            return True
        if self._resumed_at is None or instant > self._resumed_at:
            self.other_lines += 1
        return False

    def _count_access(self, instant: datetime) -> None:
        """The lines of one process come in order, so that a repetition is not later than the last one counted."""
        if self._counted_until is None or instant > self._counted_until:
            self._counted_until = instant
            self.access_lines += 1
            self._move_to(instant)

    def _is_new(self, stamp: str, line: str, instant: datetime) -> bool:
        """Remembers the line; False when it was taken already, or is too old to be anything but a repetition."""
        if (stamp, line) in self._recent or (self.last and instant < self.last - OVERLAP):
            return False
        self._recent[stamp, line] = instant
        self._move_to(instant)
        return True

    def _move_to(self, instant: datetime) -> None:
        if self.last is None or instant > self.last:
            if self.last and int(instant.timestamp()) > int(self.last.timestamp()):
                self._recent = {key: at for key, at in self._recent.items() if at >= instant - 2 * OVERLAP}
            self.last = instant


def stored_logs(observations: Path) -> dict[str, StoredLog]:
    """What was stored before a restart of the operator, by Pod."""
    known: dict[str, StoredLog] = {}
    for record in _stored(observations):
        known.setdefault(record["pod"], StoredLog()).resume(record)
    return known


def _stored(observations: Path) -> Iterator[Json]:
    if observations.exists():
        with observations.open("rb") as file:
            # Only what the recorder itself wrote, with its order of keys: the other lines need not be decoded.
            yield from (orjson.loads(line) for line in file if line.startswith(b'{"kind":"Log'))
