"""Sends every arrival at its instant, whatever the server does: open loop, absolute deadlines, nothing is dropped.

A request that is due late is sent late, at once, and shows up as lateness; a slow server never slows the schedule down.
"""

import asyncio
from collections.abc import Callable, Iterator

from elastometer_loadgen.base.clock import monotonic
from elastometer_loadgen.drive.timers import ScheduledCall, Timers
from elastometer_loadgen.plan.schedule import Arrival

# After this many sends in a row the loop reads before it sends more: a backlog must not delay the stamps of answers.
MAX_BURST = 64


class Pacer:
    """Walks through arrivals in order of time. `begin` and all instants are monotonic seconds."""

    def __init__(
        self, arrivals: Iterator[Arrival], begin: float, send: Callable[[Arrival, float], None], timers: Timers
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._arrivals = arrivals
        self._begin = begin
        self._send = send
        self._timers = timers
        self._next: Arrival | None = None
        self._handle: asyncio.Handle | ScheduledCall | None = None
        self._over: asyncio.Future[None] = self._loop.create_future()

    async def run(self) -> None:
        """Returns when the last arrival was sent or `stop` was called."""
        self._next = next(self._arrivals, None)
        self._send_due()
        await self._over

    def stop(self) -> None:
        """Stops sending."""
        self._next = None
        if self._handle is not None:
            self._handle.cancel()
        if not self._over.done():
            self._over.set_result(None)

    def _send_due(self) -> None:
        for _ in range(MAX_BURST):
            arrival = self._next
            if arrival is None:
                self.stop()
                return
            # From the beginning of the run, never "one gap after the last send": errors would add up.
            due = self._begin + arrival.at
            if due > monotonic():
                self._handle = self._timers.call_at(due, self._send_due)
                return
            self._send(arrival, due)
            self._next = next(self._arrivals, None)
        self._handle = self._loop.call_soon(self._send_due)
