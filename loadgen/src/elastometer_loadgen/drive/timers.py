"""Calls at instants, accurate to a fraction of a millisecond: the value of a schedule depends on it.

uvloop's own timers have a resolution of one millisecond and fire early; code that then asks for the rest of the
millisecond keeps the loop spinning until it is over (https://docs.libuv.org/en/v1.x/timer.html). The kernel's timer
(timerfd, on Linux) wakes the loop within a tenth of a millisecond and costs nothing while it waits. On other systems
and with other loops the loop's own timers are used.
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

# Constants of Linux (https://man7.org/linux/man-pages/man2/timerfd_create.2.html). Python's monotonic clock is
# CLOCK_MONOTONIC there, so its instants can be handed to the kernel as they are.
CLOCK_MONOTONIC, ABSOLUTE = 1, 1
FLAGS = os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0)
# struct itimerspec: the interval (0: the timer fires once), then the instant, each as seconds and nanoseconds.
SPEC = struct.Struct("@4l")
EXPIRATIONS_BYTES = 8


class ScheduledCall:
    """A scheduled call; `callback` is None once it was cancelled."""

    __slots__ = ("arguments", "callback")

    def __init__(self, callback: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        self.callback: Callable[..., None] | None = callback
        self.arguments = arguments

    def cancel(self) -> None:
        """Cancels the call."""
        # The heap keeps the entry until its instant: taking it out of the middle would cost more than skipping it.
        self.callback = None


class Timers:
    """All scheduled calls of one loop, on a single wake-up timer; instants are monotonic seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._wakeup = _wakeup_timer(loop, self._call_due)
        # The number breaks ties: of equal instants the call that was scheduled first comes first.
        self._heap: list[tuple[float, int, ScheduledCall]] = []
        self._scheduled = 0
        self._wakes_at = math.inf

    def call_at(self, at: float, callback: Callable[..., None], *arguments: Any) -> ScheduledCall:
        """Calls once, never before the instant, and never from within this method."""
        call = ScheduledCall(callback, arguments)
        self._scheduled += 1
        heapq.heappush(self._heap, (at, self._scheduled, call))
        if at < self._wakes_at:
            self._wakes_at = at
            self._wakeup.set(at)
        return call

    def close(self) -> None:
        """Cancels all calls."""
        self._heap.clear()
        self._wakeup.close()

    def _call_due(self) -> None:
        heap, now = self._heap, monotonic()
        # Calls that are scheduled by the callbacks below must not set the wake-up timer: it is set once, at the end.
        self._wakes_at = -math.inf
        try:
            while heap and heap[0][0] <= now:
                call = heapq.heappop(heap)[2]
                if call.callback is not None:
                    call.callback(*call.arguments)
        finally:
            # Also after a callback that failed: otherwise no later call would be made.
            self._wakes_at = heap[0][0] if heap else math.inf
            if heap:
                self._wakeup.set(self._wakes_at)


class WakeupTimer(Protocol):
    """Wakes once, at the instant that was set last or at an earlier one."""

    def set(self, at: float) -> None:
        """Sets the instant and replaces any other."""

    def close(self) -> None:
        """Stops the timer."""


class KernelTimer:
    """A timerfd; raises OSError where the kernel has none."""

    def __init__(self, loop: uvloop.Loop, wake: Callable[[], None]) -> None:
        self._loop = loop
        self._wake = wake
        # By ctypes, since Python offers timerfd only from 3.13 on (os.timerfd_create).
        self._library = ctypes.CDLL(None, use_errno=True)
        self._descriptor: int = self._library.timerfd_create(CLOCK_MONOTONIC, FLAGS)
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        loop.add_reader(self._descriptor, self._expired)

    def set(self, at: float) -> None:
        """See WakeupTimer; an instant in the past wakes in the loop's next turn."""
        # Rounded up to the next nanosecond: a timer that fires early would have to be set again. It is at least 1 ns,
        # since the kernel refuses negative instants (before this machine was started) and 0 would disarm the timer.
        seconds, nanoseconds = divmod(int(max(at, 0.0) * 1e9) + 1, 1_000_000_000)
        spec = SPEC.pack(0, 0, seconds, nanoseconds)
        if self._library.timerfd_settime(self._descriptor, ABSOLUTE, spec, None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def close(self) -> None:
        """See WakeupTimer."""
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def _expired(self) -> None:
        try:
            os.read(self._descriptor, EXPIRATIONS_BYTES)
        except BlockingIOError:
            # The timer was set again after the kernel had reported it and before this read.
            return
        self._wake()


class LoopTimer:
    """The loop's own timers."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
        self._loop = loop
        self._wake = wake
        self._handle: asyncio.TimerHandle | None = None

    def set(self, at: float) -> None:
        """See WakeupTimer."""
        self.close()
        self._handle = self._loop.call_later(max(at - monotonic(), 0.0), self._wake)

    def close(self) -> None:
        """See WakeupTimer."""
        if self._handle is not None:
            self._handle.cancel()


def _wakeup_timer(loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> WakeupTimer:
    if isinstance(loop, uvloop.Loop) and hasattr(ctypes.CDLL(None), "timerfd_create"):
        try:
            return KernelTimer(loop, wake)
        except OSError:
            # An old kernel, or a sandbox that forbids the call.
            return LoopTimer(loop, wake)
    return LoopTimer(loop, wake)
