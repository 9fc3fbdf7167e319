"""What the generator knows about itself: whether it, and not the server, was the limit.

Lateness is send time minus intended time. Loop lag is how late a timer of the event loop fires. CPU share is
this process's CPU time over wall time: near 1.0 the one core is used up and every stamp is late.
"""

import asyncio
import math
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from elastometer_loadgen.clock import monotonic

HEARTBEAT_SECONDS = 0.1


def percentile(ordered: Sequence[float], percent: float) -> float | None:
    """Nearest rank of sorted values; None when there are none."""
    if not ordered:
        return None
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]


@dataclass(frozen=True, slots=True)
class VitalSigns:
    """Milliseconds, except for the share; None where nothing was measured."""

    lateness_p50: float | None
    lateness_p99: float | None
    lateness_maximum: float | None
    lag_p99: float | None
    lag_maximum: float | None
    cpu_share: float | None


class Vitals:
    """Measures from `start` on, at the cost of ten timers a second and one float per request."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lateness = array("d")
        self._lag = array("d")
        self._began: float | None = None
        self._cpu_began = 0.0
        self._handle: asyncio.TimerHandle | None = None
        self.client_exhausted = False

    def start(self) -> None:
        """Begins to watch the loop and the CPU."""
        self._began = monotonic()
        self._cpu_began = time.process_time()
        self._beat(self._began)

    def sent(self, lateness_seconds: float) -> None:
        """One request was sent this late."""
        self._lateness.append(lateness_seconds * 1000)

    def stop(self) -> VitalSigns:
        """Ends the watch and sums up."""
        if self._handle is not None:
            self._handle.cancel()
        late, lag = sorted(self._lateness), sorted(self._lag)
        wall = None if self._began is None else monotonic() - self._began
        cpu = time.process_time() - self._cpu_began
        return VitalSigns(
            lateness_p50=percentile(late, 50),
            lateness_p99=percentile(late, 99),
            lateness_maximum=percentile(late, 100),
            lag_p99=percentile(lag, 99),
            lag_maximum=percentile(lag, 100),
            cpu_share=cpu / wall if wall else None,
        )

    def _beat(self, due: float) -> None:
        now = monotonic()
        self._lag.append(max(now - due, 0.0) * 1000)
        self._handle = self._loop.call_later(HEARTBEAT_SECONDS, self._beat, now + HEARTBEAT_SECONDS)
