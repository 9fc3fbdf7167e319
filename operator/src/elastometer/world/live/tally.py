"""What happens in a run right now, counted from its records as they arrive. For progress, never for a verdict.

Records are added in a thread while the loop reads, so every reader takes a copy of a collection before it looks at it.
"""
from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

import orjson

from elastometer.model.times import parse_instant
from elastometer.world.live.history import History, Point
from elastometer_loadgen.base.measures import nearest_rank
from elastometer_loadgen.base.record import KEYS, Outcome

WINDOW = timedelta(seconds=10)
DELIVERY = timedelta(seconds=3)  # records of an end this long ago have arrived: a worker sends several times a second
_STAGE, _OUTCOME, _INTENDED, _STATUS = KEYS["stage"], KEYS["outcome"], KEYS["intended"], KEYS["status"]
_FIRST_TOKEN, _END = KEYS["first_token"], KEYS["end"]
MAX_STAGES = 64  # as many as a test may have
MAX_LOSSES = 16  # more kinds of loss than this are no longer a view


@dataclass(frozen=True, slots=True)
class Loss:
    """Requests that were lost in one way. `status` is None where no answer began."""

    outcome: str
    status: int | None
    count: int


@dataclass(frozen=True, slots=True)
class Recent:
    """The last 10 s, of which the first ones of a run have fewer. Latencies from the intended time, of those served."""

    served_per_second: float | None = None
    latency_p50_ms: float | None = None
    latency_p95_ms: float | None = None


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
    recent: Recent = Recent()
    losses: tuple[Loss, ...] = ()  # the most frequent first
    history: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class _Ended:
    end: datetime
    intended: datetime
    ttft_ms: float | None
    latency_ms: float
    is_served: bool


class Tally:
    """Counts the records of one run from their bytes, which arrive in pieces that may end anywhere."""

    def __init__(self) -> None:
        self.sent = 0
        self.succeeded = 0
        self.last_intended: datetime | None = None
        self.stage_starts: dict[str, datetime] = {}
        self.history = History()
        self._losses: Counter[tuple[str, int | None]] = Counter()
        self._first_intended: datetime | None = None
        self._rests: dict[str, bytes] = {}
        self._window: deque[_Ended] = deque()
        self._newest_end: datetime | None = None

    def add(self, file: str, content: bytes) -> int:
        """Counts the lines that the piece completes, and returns how many. Each `file` has its own incomplete line."""
        *lines, self._rests[file] = (self._rests.get(file, b"") + content).split(b"\n")
        return sum(self._count(line) for line in lines)

    def ttft_p50_ms(self) -> float | None:
        """Median time to first token over the window; None when no request got a token in it."""
        values = [request.ttft_ms for request in tuple(self._window) if request.ttft_ms is not None]
        return median(values) if values else None

    def offered_per_second(self) -> float | None:
        """Rate of intended sends over the window; None before the first."""
        if self.last_intended is None:
            return None
        start = self.last_intended - WINDOW
        return sum(request.intended > start for request in tuple(self._window)) / WINDOW.total_seconds()

    def recent(self, now: datetime) -> Recent:
        """What was served lately. Once records stop arriving, the window moves on with `now`, and empties."""
        if self._newest_end is None or self._first_intended is None:
            return Recent()
        until = max(self._newest_end, now - DELIVERY)
        since = max(until - WINDOW, self._first_intended)
        seconds = (until - since).total_seconds()
        served = sorted(request.latency_ms for request in tuple(self._window)
                        if request.is_served and since < request.end <= until)
        return Recent(len(served) / seconds if seconds > 0 else None, nearest_rank(served, 50),
                      nearest_rank(served, 95))

    def losses(self) -> tuple[Loss, ...]:
        """How requests were lost, by outcome and HTTP status; the most frequent first."""
        return tuple(Loss(outcome, status, count)
                     for (outcome, status), count in self._losses.copy().most_common(MAX_LOSSES))

    def _count(self, line: bytes) -> bool:
        try:
            record = orjson.loads(line)
            end, intended = parse_instant(record[_END]), parse_instant(record[_INTENDED])
            ttft = _milliseconds(intended, record.get(_FIRST_TOKEN))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
            return False  # kept on disk as it came; the merge counts it as malformed
        self.sent += 1
        self.last_intended = max(self.last_intended or intended, intended)
        self._first_intended = min(self._first_intended or intended, intended)
        self._newest_end = max(self._newest_end or end, end)
        self._note_stage(record.get(_STAGE), intended)
        ended = _Ended(end, intended, ttft, (end - intended) / timedelta(milliseconds=1),
                       record.get(_OUTCOME) == Outcome.SUCCESS)
        self._note_outcome(ended, record)
        self._window.append(ended)
        # Records of several workers arrive in any order: a few may stay longer than the window, none leaves early.
        while self._window and self._window[0].end < self._newest_end - WINDOW:
            self._window.popleft()
        return True

    def _note_outcome(self, ended: _Ended, record: Mapping[str, Any]) -> None:
        self.succeeded += ended.is_served
        self.history.add(ended.end, ended.latency_ms if ended.is_served else None)
        if not ended.is_served:
            status = record.get(_STATUS)
            self._losses[str(record.get(_OUTCOME)), status if isinstance(status, int) else None] += 1

    def _note_stage(self, stage: Any, intended: datetime) -> None:
        known = self.stage_starts.get(stage) if isinstance(stage, str) else None
        if known is not None or (isinstance(stage, str) and len(self.stage_starts) < MAX_STAGES):
            self.stage_starts[stage] = min(known or intended, intended)


def _milliseconds(start: datetime, end: Any) -> float | None:
    return (parse_instant(end) - start) / timedelta(milliseconds=1) if end else None
