"""The run second by second, from its records: requests due, sent, ended and in flight, and durations. Pure."""

from array import array
from dataclasses import dataclass, field
from typing import Any

from elastometer_loadgen.base.measures import latency, nearest_rank, time_to_first_token
from elastometer_loadgen.base.record import Outcome, RequestRecord

MICROSECONDS = 1_000_000


@dataclass(slots=True)
class _Second:
    due: int = 0
    sent: int = 0
    succeeded: int = 0
    failed: int = 0
    first_tokens: "array[float]" = field(default_factory=lambda: array("d"))
    latencies: "array[float]" = field(default_factory=lambda: array("d"))


class Series:
    """Takes records in any order; seconds count from `start`, which is in microseconds since 1970."""

    def __init__(self, start: int) -> None:
        self.start = start
        self._seconds: dict[int, _Second] = {}

    def add(self, record: RequestRecord) -> None:
        """Adds a record; a duration belongs to the second in which it ended."""
        self._at(record.intended).due += 1
        self._at(record.send).sent += 1
        end = self._at(record.end)
        if record.outcome is Outcome.SUCCESS:
            end.succeeded += 1
        else:
            end.failed += 1
        took = latency(record)
        if took is not None:
            end.latencies.append(took)
        waited = time_to_first_token(record)
        if waited is not None and record.first_token is not None:
            self._at(record.first_token).first_tokens.append(waited)

    def document(self) -> dict[str, Any]:
        """Columns of equal length, one value per second: `inFlight` at its end, durations None where none ended."""
        if not self._seconds:
            return {"stepSeconds": 1, "firstSecond": 0}
        first, last = min(self._seconds), max(self._seconds)
        seconds = [self._seconds.get(number) or _Second() for number in range(first, last + 1)]
        flying, in_flight = 0, []
        for second in seconds:
            flying += second.sent - second.succeeded - second.failed
            in_flight.append(flying)
        return {
            "stepSeconds": 1,
            "firstSecond": first,
            "due": [second.due for second in seconds],
            "sent": [second.sent for second in seconds],
            "succeeded": [second.succeeded for second in seconds],
            "failed": [second.failed for second in seconds],
            "inFlight": in_flight,
            "timeToFirstTokenP50Milliseconds": [_at(second.first_tokens, 50) for second in seconds],
            "timeToFirstTokenP99Milliseconds": [_at(second.first_tokens, 99) for second in seconds],
            "latencyP50Milliseconds": [_at(second.latencies, 50) for second in seconds],
            "latencyP99Milliseconds": [_at(second.latencies, 99) for second in seconds],
        }

    def _at(self, instant: int) -> _Second:
        number = (instant - self.start) // MICROSECONDS
        second = self._seconds.get(number)
        if second is None:
            second = self._seconds[number] = _Second()
        return second


def _at(values: "array[float]", percent: float) -> float | None:
    value = nearest_rank(sorted(values), percent)
    return None if value is None else round(value / 1000, 3)
