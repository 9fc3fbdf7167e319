"""The one place that reads a clock or waits for one; everything else is handed a `Clock`.

Instants are aware datetimes in UTC of the machine the operator runs on; durations are seconds.
"""
from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the operator knows of time."""

    def now(self) -> datetime:
        """This instant on the wall clock, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed instant; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed."""
        ...


class SystemClock:
    """The machine's clocks. The wall clock may be stepped by NTP, hence `monotonic` for durations."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
