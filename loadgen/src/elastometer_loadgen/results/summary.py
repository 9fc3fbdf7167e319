"""The summary that a worker writes at its end, and the one that an earlier incarnation of the same worker left."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from elastometer_loadgen.base.record import format_instant
from elastometer_loadgen.gauges.vitals import Spread, VitalSigns

SUMMARY_NAME = "summary.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Counts of requests and records, instants in microseconds since 1970, and the generator's own health.

    planned = sent + skipped + unsent. Unsent are the requests that a stopped worker left, and the `unsent_turns` that
    follow a lost turn. sent - records is what the worker itself cut off in flight. Late sends are those beyond the
    bound; they count as sent.
    """

    worker: int
    incarnation: str
    planned: int
    sent: int
    skipped: int
    records: int
    start: int
    end: int
    signs: VitalSigns
    client_exhausted: bool
    bound_milliseconds: int
    checks: list[dict[str, Any]]
    url: str | None = None
    warnings: list[str] = field(default_factory=list)
    knees: list[dict[str, Any]] = field(default_factory=list)
    unsent_turns: int = 0
    capped_users: int = 0
    interruptions: list[dict[str, str | None]] = field(default_factory=list)
    lines_left_out: int = 0

    @property
    def fell_behind(self) -> bool:
        """True when the generator, and not the server, was the limit."""
        late = self.signs.lateness.p99
        return self.client_exhausted or (late is not None and late > self.bound_milliseconds)

    def document(self) -> dict[str, Any]:
        """The summary as it is written and sent."""
        signs = self.signs
        return {
            "worker": self.worker,
            "incarnation": self.incarnation,
            "url": self.url,
            **({"warnings": self.warnings} if self.warnings else {}),
            "planned": self.planned,
            "sent": self.sent,
            "skipped": self.skipped,
            "records": self.records,
            "startTime": format_instant(self.start),
            "endTime": format_instant(self.end),
            "unsent": self.planned - self.sent - self.skipped,
            "unsentTurns": self.unsent_turns,
            "cappedUsers": self.capped_users,
            "late": signs.late,
            "lateness": _spread(signs.lateness),
            "loopLag": _spread(signs.lag),
            "cpuShare": _rounded(signs.cpu_share),
            "garbageCollection": {
                "pauses": signs.collection.pauses,
                "totalMilliseconds": _rounded(signs.collection.total),
                "maximumMilliseconds": _rounded(signs.collection.maximum),
            },
            "openSockets": signs.open_sockets,
            "fellBehind": self.fell_behind,
            "boundMilliseconds": self.bound_milliseconds,
            "checks": self.checks,
            **({"knees": self.knees} if self.knees else {}),
            **({"interruptions": self.interruptions} if self.interruptions else {}),
            **({"fingerprintsLeftOut": self.lines_left_out} if self.lines_left_out else {}),
        }

    def save(self, directory: Path) -> bytes:
        """Writes the file next to the records; returns its content."""
        data = orjson.dumps(self.document(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        (directory / SUMMARY_NAME).write_bytes(data)
        return data


@dataclass(frozen=True, slots=True)
class Finished:
    """The summary of an incarnation that had sent everything; only its report may be missing."""

    data: bytes
    fell_behind: bool


def finished_earlier(directory: Path, incarnation: str | None) -> Finished | None:
    """The summary of an earlier process of this incarnation that had finished; None without one."""
    path = directory / SUMMARY_NAME
    if incarnation is None or not path.exists():
        return None
    data = path.read_bytes()
    try:
        found = orjson.loads(data)
        over = found["sent"] + found["skipped"] + found.get("unsentTurns", 0)
        # Requests that were sent and have no record were cut off: the next process counts them as skipped.
        is_complete = over == found["planned"] and found["records"] == found["sent"]
        is_finished = found["incarnation"] == incarnation and is_complete
        return Finished(data, bool(found["fellBehind"])) if is_finished else None
    except (orjson.JSONDecodeError, KeyError, TypeError):
        # It was cut off while it was written, and will be written again.
        return None


def _spread(spread: Spread) -> dict[str, float | None]:
    return {
        "p50Milliseconds": _rounded(spread.p50),
        "p99Milliseconds": _rounded(spread.p99),
        "maximumMilliseconds": _rounded(spread.maximum),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
