"""Time-outs for many requests at a time: two dictionary entries each, a tenth of the cost of a timer of the loop.

Nothing is reported early; what is overdue is reported up to two ticks late. Ticks only while something is watched.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from elastometer_loadgen.base.clock import monotonic

# Time-outs are whole seconds, so two ticks are at most a tenth of one.
TICK_SECONDS = 0.05

Item = TypeVar("Item")


class Deadlines(Generic[Item]):
    """Calls `overdue` once with each item whose instant, in monotonic seconds, has passed."""

    def __init__(self, overdue: Callable[[Item], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._overdue = overdue
        # By the number of the tick that checks them; the inner dictionary is a set that keeps its order.
        self._due: dict[int, dict[Item, None]] = {}
        self._next = 0
        self._handle: asyncio.TimerHandle | None = None

    def watch(self, item: Item, due: float) -> int:
        """Watches the item until this instant; the result is for `forget`."""
        if self._handle is None:
            self._next = int(monotonic() / TICK_SECONDS)
            self._handle = self._loop.call_later(TICK_SECONDS, self._check)
        tick = max(int(due / TICK_SECONDS) + 1, self._next)
        watched = self._due.get(tick)
        if watched is None:
            watched = self._due[tick] = {}
        watched[item] = None
        return tick

    def forget(self, item: Item, tick: int) -> None:
        """Stops watching the item."""
        watched = self._due.get(tick)
        if watched is not None:
            watched.pop(item, None)

    def close(self) -> None:
        """Stops watching everything."""
        self._due.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _check(self) -> None:
        now = int(monotonic() / TICK_SECONDS)
        # Every tick since the last call: a loop that was held up may have missed some.
        ticks, self._next = range(self._next, now + 1), now + 1
        self._handle = self._loop.call_later(TICK_SECONDS, self._check)
        for tick in ticks:
            for item in self._due.pop(tick, {}):
                self._overdue(item)
        if not self._due:
            self.close()
