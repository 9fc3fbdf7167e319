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


def printed(instant: datetime) -> str:
    """RFC 3339 in UTC with microseconds and a `Z`, as every file of a run has it."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parsed(text: str) -> datetime:
    """The instant of an RFC 3339 text; raises ValueError when it is none, or names no offset."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"a time must end in `Z` or an offset, is {text!r}")
    return instant.astimezone(UTC)
