"""Calls at instants, to a fraction of a millisecond: what a schedule is worth hangs on it.

uvloop's own timers know whole milliseconds and fire early, and whoever then asks for the rest of one keeps the loop
spinning until it is over. The kernel's timer (timerfd, of Linux) wakes the loop within a tenth of a millisecond and
costs nothing while it waits. On other systems and loops the loop's own timers are used.
"""

import asyncio
import ctypes
import heapq
import math
import os
import struct
from collections.abc import Callable
from typing import Any, Protocol

import uvloop

from elastometer_loadgen.base.clock import monotonic

# Of Linux, and what Python's monotonic clock is there.
CLOCK_MONOTONIC, ABSOLUTE = 1, 1
FLAGS = os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0)
# struct itimerspec: no period, and the instant in seconds and nanoseconds.
SPEC = struct.Struct("@4l")
EXPIRATIONS_BYTES = 8


class Alarm:
    """One call to come."""

    __slots__ = ("arguments", "callback")

    def __init__(self, callback: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        self.callback: Callable[..., None] | None = callback
        self.arguments = arguments

    def cancel(self) -> None:
        """It does not come."""
        self.callback = None


class Alarms:
    """All calls to come of one loop; instants are monotonic seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = _timer_of(loop, self._ring)
        # Of equal instants the first one set comes first.
        self._heap: list[tuple[float, int, Alarm]] = []
        self._set = 0
        self._rings_at = math.inf

    def call_at(self, at: float, callback: Callable[..., None], *arguments: Any) -> Alarm:
        """Calls once, never before the instant, and never within this call."""
        alarm = Alarm(callback, arguments)
        self._set += 1
        heapq.heappush(self._heap, (at, self._set, alarm))
        if at < self._rings_at:
            self._rings_at = at
            self._timer.set(at)
        return alarm

    def close(self) -> None:
        """No call comes any more."""
        self._heap.clear()
        self._timer.close()

    def _ring(self) -> None:
        heap, now = self._heap, monotonic()
        # What is set meanwhile must not set the timer too: that is done once, at the end.
        self._rings_at = -math.inf
        try:
            while heap and heap[0][0] <= now:
                alarm = heapq.heappop(heap)[2]
                if alarm.callback is not None:
                    alarm.callback(*alarm.arguments)
        finally:
            self._rings_at = heap[0][0] if heap else math.inf
            if heap:
                self._timer.set(self._rings_at)


class Timer(Protocol):
    """Rings once at the instant that was set last, or before."""

    def set(self, at: float) -> None:
        """This instant, in the place of any other."""

    def close(self) -> None:
        """It does not ring any more."""


class KernelTimer:
    """A timerfd; raises OSError where the kernel has none."""

    def __init__(self, loop: uvloop.Loop, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._library = ctypes.CDLL(None, use_errno=True)
        self._descriptor: int = self._library.timerfd_create(CLOCK_MONOTONIC, FLAGS)
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        loop.add_reader(self._descriptor, self._expired)

    def set(self, at: float) -> None:
        """See Timer; an instant that is past rings at the loop's next turn."""
        # Up to the next nanosecond: what rings early must be set again. What was before this machine's start is past.
        seconds, nanoseconds = divmod(int(max(at, 0.0) * 1e9) + 1, 1_000_000_000)
        spec = SPEC.pack(0, 0, seconds, nanoseconds)
        if self._library.timerfd_settime(self._descriptor, ABSOLUTE, spec, None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def close(self) -> None:
        """See Timer."""
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def _expired(self) -> None:
        try:
            os.read(self._descriptor, EXPIRATIONS_BYTES)
        except BlockingIOError:
            # It was set anew between the kernel's word and this one.
            return
        self._ring()


class LoopTimer:
    """The loop's own timers."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._handle: asyncio.TimerHandle | None = None

    def set(self, at: float) -> None:
        """See Timer."""
        self.close()
        self._handle = self._loop.call_later(max(at - monotonic(), 0.0), self._ring)

    def close(self) -> None:
        """See Timer."""
        if self._handle is not None:
            self._handle.cancel()


def _timer_of(loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> Timer:
    if isinstance(loop, uvloop.Loop) and hasattr(ctypes.CDLL(None), "timerfd_create"):
        try:
            return KernelTimer(loop, ring)
        except OSError:
            # A kernel, or a sandbox, without it.
            return LoopTimer(loop, ring)
    return LoopTimer(loop, ring)
