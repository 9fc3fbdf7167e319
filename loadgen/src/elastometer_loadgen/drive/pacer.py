"""Sends every arrival at its instant, come what may: open loop, absolute deadlines, nothing dropped.

What is due late is sent late, at once, and shows up as lateness; a slow server never slows the schedule.
"""

import asyncio
from collections.abc import Callable, Iterator

from elastometer_loadgen.base.clock import monotonic
from elastometer_loadgen.drive.timers import Alarm, Alarms
from elastometer_loadgen.plan.schedule import Arrival

# So many are sent before reads get their turn again; a backlog must not blind the client to what arrives.
LONGEST_BURST = 64


class Pacer:
    """Walks through arrivals in order of time. `begin` and all instants are monotonic seconds."""

    def __init__(
        self, arrivals: Iterator[Arrival], begin: float, send: Callable[[Arrival, float], None], alarms: Alarms
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._arrivals = arrivals
        self._begin = begin
        self._send = send
        self._alarms = alarms
        self._next: Arrival | None = None
        self._handle: asyncio.Handle | Alarm | None = None
        self._over: asyncio.Future[None] = self._loop.create_future()

    async def run(self) -> None:
        """Returns when the last arrival was sent or `stop` was called."""
        self._next = next(self._arrivals, None)
        self._send_due()
        await self._over

    def stop(self) -> None:
        """No more is sent."""
        self._next = None
        if self._handle is not None:
            self._handle.cancel()
        if not self._over.done():
            self._over.set_result(None)

    def _send_due(self) -> None:
        for _ in range(LONGEST_BURST):
            arrival = self._next
            if arrival is None:
                self.stop()
                return
            due = self._begin + arrival.at
            if due > monotonic():
                self._handle = self._alarms.call_at(due, self._send_due)
                return
            self._send(arrival, due)
            self._next = next(self._arrivals, None)
        self._handle = self._loop.call_soon(self._send_due)
