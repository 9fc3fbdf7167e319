"""What the generator measures about itself: whether it, and not the server, was the limit.

Lateness is send time minus intended time, for every send. Loop lag is how late a timer of the event loop fires. CPU
share is this process's CPU time divided by wall time: near 1.0 its one core is used up and every timestamp is late.
While the garbage collector runs, nothing else does.
"""

import asyncio
import gc
import math
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass

from elastometer_loadgen.base.clock import monotonic
from elastometer_loadgen.base.measures import nearest_rank

HEARTBEAT_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Milliseconds; None where nothing was measured."""

    p50: float | None
    p99: float | None
    maximum: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GarbageCollection:
    """Pauses of this process for the garbage collector, in milliseconds."""

    pauses: int
    total: float
    maximum: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalSigns:
    """`late` counts sends that were later than the bound; `open_sockets` is the largest number seen at a time."""

    lateness: Spread
    late: int
    lag: Spread
    cpu_share: float | None
    collection: GarbageCollection
    open_sockets: int


class Vitals:
    """Measures from `start` on, at the cost of ten timers per second and one float per request."""

    def __init__(self, bound_milliseconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._bound = bound_milliseconds
        self._open_sockets: Callable[[], int] = int
        self._max_open_sockets = 0
        self._lateness = array("d")
        self._lag = array("d")
        self._pauses = array("d")
        self._pause_began = 0.0
        self._began: float | None = None
        self._cpu_began = 0.0
        self._handle: asyncio.TimerHandle | None = None
        self.late = 0
        self.client_exhausted = False

    def start(self, open_sockets: Callable[[], int]) -> None:
        """Begins to measure the loop, the CPU, the garbage collector and the sockets."""
        self._open_sockets = open_sockets
        self._began = monotonic()
        self._cpu_began = time.process_time()
        gc.callbacks.append(self._collecting)
        self._beat(self._began)

    def sent(self, lateness_seconds: float) -> None:
        """One request was sent this late."""
        lateness = lateness_seconds * 1000
        self._lateness.append(lateness)
        if lateness > self._bound:
            self.late += 1

    def stop(self) -> VitalSigns:
        """Ends the measurement and sums up."""
        if self._handle is not None:
            self._handle.cancel()
            gc.callbacks.remove(self._collecting)
        wall = None if self._began is None else monotonic() - self._began
        cpu = time.process_time() - self._cpu_began
        return VitalSigns(
            lateness=_spread(self._lateness),
            late=self.late,
            lag=_spread(self._lag),
            cpu_share=cpu / wall if wall else None,
            collection=GarbageCollection(
                pauses=len(self._pauses), total=math.fsum(self._pauses), maximum=max(self._pauses, default=0.0)
            ),
            open_sockets=self._max_open_sockets,
        )

    def _beat(self, due: float) -> None:
        now = monotonic()
        self._lag.append(max(now - due, 0.0) * 1000)
        self._max_open_sockets = max(self._max_open_sockets, self._open_sockets())
        # A timer of the loop on purpose, and not one of `drive.timers`: its lag is what is measured.
        self._handle = self._loop.call_later(HEARTBEAT_SECONDS, self._beat, now + HEARTBEAT_SECONDS)

    def _collecting(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._pause_began = monotonic()
        else:
            self._pauses.append((monotonic() - self._pause_began) * 1000)


def _spread(values: "array[float]") -> Spread:
    ordered = sorted(values)
    return Spread(p50=nearest_rank(ordered, 50), p99=nearest_rank(ordered, 99), maximum=nearest_rank(ordered, 100))
