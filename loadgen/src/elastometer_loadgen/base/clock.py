"""The one clock of a worker: monotonic, tied to UTC once at its start.

Later corrections of the wall clock (NTP steps) cannot tear a request's stamps apart; their differences are
exact.
"""

import time
from collections.abc import Iterable

monotonic = time.monotonic


class Clock:
    """Turns monotonic seconds into microseconds since 1970 and back, by one anchor."""

    def __init__(self) -> None:
        before = time.monotonic_ns()
        wall = time.time_ns()
        after = time.monotonic_ns()
        self._offset_ns = wall - (before + after) // 2

    def instant(self, at: float) -> int:
        """Microseconds since 1970 of a monotonic instant."""
        return (round(at * 1e9) + self._offset_ns) // 1000

    def instants(self, stamps: Iterable[float | None]) -> list[int | None]:
        """The same of several; None for what was not seen."""
        offset = self._offset_ns
        return [None if at is None else (round(at * 1e9) + offset) // 1000 for at in stamps]

    def monotonic_of(self, instant: int) -> float:
        """The monotonic instant, in seconds, of microseconds since 1970."""
        return (instant * 1000 - self._offset_ns) / 1e9
