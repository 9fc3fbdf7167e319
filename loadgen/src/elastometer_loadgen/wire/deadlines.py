"""Time-outs of many things at once: two entries of dictionaries each, a tenth of what a timer of the loop costs.

Nothing is overdue early; what is overdue is told up to two ticks late. Looks only while something is watched.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from elastometer_loadgen.base.clock import monotonic

TICK_SECONDS = 0.05

Item = TypeVar("Item")


class Deadlines(Generic[Item]):
    """Calls `overdue` once with each item whose instant, in monotonic seconds, is past."""

    def __init__(self, overdue: Callable[[Item], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._overdue = overdue
        # By the number of the tick at which they are looked at; a dictionary is a set that keeps the order.
        self._due: dict[int, dict[Item, None]] = {}
        self._next = 0
        self._handle: asyncio.TimerHandle | None = None

    def watch(self, item: Item, due: float) -> int:
        """From now on the item has this instant; the result is for `forget`."""
        if self._handle is None:
            self._next = int(monotonic() / TICK_SECONDS)
            self._handle = self._loop.call_later(TICK_SECONDS, self._look)
        tick = max(int(due / TICK_SECONDS) + 1, self._next)
        watched = self._due.get(tick)
        if watched is None:
            watched = self._due[tick] = {}
        watched[item] = None
        return tick

    def forget(self, item: Item, tick: int) -> None:
        """The item is over."""
        watched = self._due.get(tick)
        if watched is not None:
            watched.pop(item, None)

    def close(self) -> None:
        """Nothing is watched any more."""
        self._due.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _look(self) -> None:
        now = int(monotonic() / TICK_SECONDS)
        ticks, self._next = range(self._next, now + 1), now + 1
        self._handle = self._loop.call_later(TICK_SECONDS, self._look)
        for tick in ticks:
            for item in self._due.pop(tick, {}):
                self._overdue(item)
        if not self._due:
            self.close()
