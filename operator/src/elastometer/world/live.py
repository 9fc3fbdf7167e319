"""What happens in a run right now, counted from its records as they arrive. For progress, never for a verdict."""
from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

import orjson

from elastometer.model.times import format_instant, parse_instant
from elastometer_loadgen.base.record import KEYS, Outcome

WINDOW = timedelta(seconds=10)
_STAGE, _OUTCOME, _INTENDED = KEYS["stage"], KEYS["outcome"], KEYS["intended"]
_FIRST_TOKEN, _END = KEYS["first_token"], KEYS["end"]
MAX_STAGES = 64  # as many as a test may have


@dataclass(frozen=True, slots=True)
class Live:
    """The run so far. A request counts once it is over; None is not known. Times are the workers' clocks."""

    sent: int
    succeeded: int
    failed: int
    ttft_p50_ms: float | None  # from the intended time to the first token, of requests that ended in the last 10 s
    offered_per_second: float | None  # requests by intended time over 10 s; those still open are not counted
    last_intended: datetime | None
    start_time: datetime | None
    workers_seen: int
    workers_finished: int
    stage_starts: Mapping[str, datetime]  # when the first request of each stage was intended


@dataclass(frozen=True, slots=True)
class _Ended:
    end: datetime
    intended: datetime
    ttft_ms: float | None


class Tally:
    """Counts the records of one run from their bytes, which arrive in pieces that may end anywhere."""

    def __init__(self) -> None:
        self.sent = 0
        self.succeeded = 0
        self.last_intended: datetime | None = None
        self.stage_starts: dict[str, datetime] = {}
        self._rests: dict[str, bytes] = {}
        self._window: deque[_Ended] = deque()
        self._newest_end: datetime | None = None

    def add(self, file: str, content: bytes) -> int:
        """Counts the lines that the piece completes, and returns how many. Each `file` has its own incomplete line."""
        *lines, self._rests[file] = (self._rests.get(file, b"") + content).split(b"\n")
        return sum(self._count(line) for line in lines)

    def ttft_p50_ms(self) -> float | None:
        """Median time to first token over the window; None when no request got a token in it."""
        values = [request.ttft_ms for request in self._window if request.ttft_ms is not None]
        return median(values) if values else None

    def offered_per_second(self) -> float | None:
        """Rate of intended sends over the window; None before the first."""
        if self.last_intended is None:
            return None
        start = self.last_intended - WINDOW
        return sum(request.intended > start for request in self._window) / WINDOW.total_seconds()

    def _count(self, line: bytes) -> bool:
        try:
            record = orjson.loads(line)
            end, intended = parse_instant(record[_END]), parse_instant(record[_INTENDED])
            ttft = _milliseconds(intended, record.get(_FIRST_TOKEN))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
            return False  # kept on disk as it came; the merge counts it as malformed
        self.sent += 1
        self.succeeded += record.get(_OUTCOME) == Outcome.SUCCESS
        self.last_intended = max(self.last_intended or intended, intended)
        self._newest_end = max(self._newest_end or end, end)
        self._note_stage(record.get(_STAGE), intended)
        self._window.append(_Ended(end, intended, ttft))
        # Records of several workers arrive in any order: a few may stay longer than the window, none leaves early.
        while self._window and self._window[0].end < self._newest_end - WINDOW:
            self._window.popleft()
        return True

    def _note_stage(self, stage: Any, intended: datetime) -> None:
        known = self.stage_starts.get(stage) if isinstance(stage, str) else None
        if known is not None or (isinstance(stage, str) and len(self.stage_starts) < MAX_STAGES):
            self.stage_starts[stage] = min(known or intended, intended)


def to_document(live: Live) -> dict[str, Any]:
    """As a watcher is answered."""
    return {"sent": live.sent, "succeeded": live.succeeded, "failed": live.failed,
            "timeToFirstTokenP50Milliseconds": live.ttft_p50_ms, "offeredRequestsPerSecond": live.offered_per_second,
            "lastIntendedTime": format_instant(live.last_intended) if live.last_intended else None,
            "startTime": format_instant(live.start_time) if live.start_time else None,
            "workersSeen": live.workers_seen, "workersFinished": live.workers_finished}


def _milliseconds(start: datetime, end: Any) -> float | None:
    return (parse_instant(end) - start) / timedelta(milliseconds=1) if end else None
