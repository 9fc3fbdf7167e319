"""The one clock of a worker: monotonic, and anchored to UTC once at its start.

Later corrections of the wall clock (NTP steps) therefore cannot move the timestamps of a request relative to each
other: their differences are exact.
"""

import time
from collections.abc import Iterable

monotonic = time.monotonic


class Clock:
    """Converts monotonic seconds to microseconds since 1970 and back, by one anchor."""

    def __init__(self) -> None:
        # The wall clock is read between two readings of the other: the anchor is off by less than half their distance.
        before = time.monotonic_ns()
        wall = time.time_ns()
        after = time.monotonic_ns()
        self._offset_ns = wall - (before + after) // 2

    def instant(self, at: float) -> int:
        """Microseconds since 1970 of a monotonic instant."""
        return (round(at * 1e9) + self._offset_ns) // 1000

    def instants(self, stamps: Iterable[float | None]) -> list[int | None]:
        """The same for several instants; None for one that was not observed."""
        offset = self._offset_ns
        return [None if at is None else (round(at * 1e9) + offset) // 1000 for at in stamps]

    def monotonic_of(self, instant: int) -> float:
        """The monotonic instant, in seconds, for microseconds since 1970."""
        return (instant * 1000 - self._offset_ns) / 1e9
