"""The only place that reads a clock or waits for one; everything else is given a `Clock`.

Instants are aware datetimes in UTC of the machine the operator runs on; durations are seconds.
"""
from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the operator needs of time; tests move one by hand."""

    def now(self) -> datetime:
        """This instant on the wall clock, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed instant; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Returns when so many seconds have passed."""
        ...


class SystemClock:
    """The machine's clocks. NTP may step the wall clock, so durations are measured with `monotonic`."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
