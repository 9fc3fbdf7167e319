"""Knative's autoscaler (KPA): concurrency averaged over a stable and a panic window, and no scale-in during a panic.

Rules as in Knative Serving 0.51 (pkg/autoscaler/scaling/autoscaler.go). While no replica serves, its activator keeps
the requests, and the first of them wakes the autoscaler. Weighted averages, burst capacity and initial scale are not
modelled.
"""
from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from math import ceil, floor

from elastometer.twin.controllers import ControlLoop, Recommendation
from elastometer.twin.fleet import Fleet
from elastometer.twin.scenario import KpaController
from elastometer.twin.traffic import Traffic

# Queue proxies and activator report once per second, and the windows consist of such buckets.
BUCKET_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Panic:
    """When the panic threshold was last crossed (None: no panic), and the most replicas wanted since it began."""

    at: float | None = None
    most: int = 0


def decide(
    controller: KpaController, panic: Panic, at: float, *, stable: float, surge: float, ready: int,
) -> tuple[int, Panic]:
    """(wanted replicas, panic from now on). `stable` and `surge` are the concurrencies of all replicas together,
    averaged over the stable and the panic window."""
    counted = max(1, ready)
    most = ceil(controller.max_scale_up_rate * counted)
    least = floor(counted / controller.max_scale_down_rate)
    by_surge = ceil(surge / controller.target)
    calm = min(max(ceil(stable / controller.target), least), most)
    alarmed = min(max(by_surge, least), most)
    # The surge counts before the rate limits: a panic is about the demand, not about what may be added at once.
    if by_surge / counted >= controller.panic_threshold:
        panic = replace(panic, at=at)
    elif panic.at is not None and panic.at + controller.stable_window_seconds < at:
        panic = Panic()
    if panic.at is None:
        return calm, panic
    panic = replace(panic, most=max(panic.most, calm, alarmed))
    return panic.most, panic


class Concurrency:
    """Requests in flight, averaged over each second: those that wait, run or are kept by the activator."""

    def __init__(self, traffic: Traffic, start: float, buckets: int) -> None:
        self._traffic = traffic
        self._at = start
        self._next = 0
        self._open = 0
        self._ends: list[float] = []
        self._unknown: list[int] = []
        self._buckets: deque[float] = deque(maxlen=buckets)

    def advance(self, at: float) -> None:
        """Closes the bucket that ends at `at`; every arrival before `at` must have been admitted."""
        traffic, since = self._traffic, self._at
        if at <= since:
            return
        load = self._open * (at - since)
        for number in range(self._next, traffic.next):
            load += at - max(since, traffic.at[number])
            self._open += 1
            self._unknown.append(number)
        self._next, self._at = traffic.next, at
        held = set(traffic.held)
        for number in self._unknown:
            if number not in held:
                heappush(self._ends, traffic.done_at[number])
        self._unknown = [number for number in self._unknown if number in held]
        while self._ends and self._ends[0] <= at:
            load -= at - max(since, heappop(self._ends))
            self._open -= 1
        self._buckets.append(load / (at - since))

    def average(self, buckets: int) -> float:
        """The average over the newest buckets, or over as many as there are."""
        newest = list(self._buckets)[-buckets:]
        # Knative rounds to six digits too (pkg/autoscaler/aggregation): without it, the error of a sum could cross the
        # next whole number of replicas.
        return round(sum(newest) / len(newest), 6) if newest else 0.0


class Kpa:
    """The autoscaler, ticking in its loop."""

    def __init__(self, controller: KpaController, fleet: Fleet, traffic: Traffic) -> None:
        self._controller = controller
        self._fleet = fleet
        self._traffic = traffic
        stable = max(1, ceil(controller.stable_window_seconds / BUCKET_SECONDS))
        self._windows = stable, max(1, ceil(controller.panic_window_seconds / BUCKET_SECONDS))
        self._concurrency = Concurrency(traffic, fleet.scenario.start_seconds, stable)
        # Like an autoscaler that has just restarted, it has no averages yet and begins in a panic, so that nothing is
        # removed too early.
        start = fleet.scenario.start_seconds
        self._panic = Panic(start, fleet.size) if fleet.size > 1 else Panic()
        self._delayed: deque[tuple[float, int]] = deque()
        self._idle_since: float | None = None

    def loops(self) -> tuple[ControlLoop, ...]:
        """A bucket every second, which also wakes a service at zero replicas, and the tick itself."""
        phase = self._controller.phase_seconds
        return (ControlLoop(phase, BUCKET_SECONDS, self._count),
                ControlLoop(phase, self._controller.period_seconds, self.tick))

    def _count(self, at: float) -> Recommendation | None:
        self._concurrency.advance(at)
        return self.tick(at) if self._fleet.size == 0 and self._traffic.held else None

    def tick(self, at: float) -> Recommendation:
        """One pass: averages, panic, limits, and the way to zero."""
        controller, (stable, surge) = self._controller, self._windows
        size, self._panic = decide(
            controller, self._panic, at, stable=self._concurrency.average(stable),
            surge=self._concurrency.average(surge), ready=len(self._fleet.serving),
        )
        size = min(max(self._after_delay(at, size), controller.minimum), controller.maximum)
        return Recommendation(self._rests(at) if size == 0 else self._works(size))

    def _works(self, size: int) -> int:
        self._idle_since = None
        return size

    def _rests(self, at: float) -> int:
        """The last replica stays until the activator is certain to be in the request path."""
        self._idle_since = at if self._idle_since is None else self._idle_since
        rested = at - self._idle_since >= self._controller.zero_grace_seconds
        return 0 if rested or self._fleet.size == 0 else 1

    def _after_delay(self, at: float, size: int) -> int:
        """The highest number wanted within the scale-down delay."""
        delay, delayed = self._controller.scale_down_delay_seconds, self._delayed
        if delay <= 0:
            return size
        # A queue of descending numbers: the first is the maximum of the window, as in Knative's max.TimeWindow.
        while delayed and (delayed[-1][1] <= size or delayed[0][0] <= at - delay):
            delayed.pop() if delayed[-1][1] <= size else delayed.popleft()
        delayed.append((at, size))
        return delayed[0][1]
