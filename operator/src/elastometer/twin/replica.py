"""One replica: its life as the Kubernetes API tells it, and the queue that is its own.

A request's start and end are known as soon as it arrives: the queue is first come first served, and nobody who comes
later changes them. So the queue at any instant up to now is counted from the lists, and nothing is simulated for it.
"""
from __future__ import annotations

from bisect import bisect_left, bisect_right
from math import inf

from elastometer.hpa.sync import PodLook


class Replica:
    """`phase` is when in the period it is scraped, `place` that of its id among others, both as shares.

    `requests` are the arrivals' numbers it was given, `left` when each left the queue (started, or its client gave up),
    `busy` the heap of the ends of those that run, and an infinity so that it is never empty; the first `closed` of its
    requests were over long ago.
    """

    __slots__ = ("busy", "closed", "created", "deleted", "gone", "left", "name", "number", "phase", "place", "pod",
                 "pod_until", "ready", "requests", "running_from")

    def __init__(
        self, number: int, created: float, running_from: float, ready: float, phase: float, place: float,
    ) -> None:
        self.number = number
        self.name = f"replica-{number}"
        self.created = created
        self.running_from = running_from
        self.ready = ready
        self.phase = phase
        self.place = place
        self.deleted = inf
        self.gone = inf
        self.requests: list[int] = []
        self.left: list[float] = []
        self.busy: list[float] = [inf]
        self.closed = 0
        self.pod: PodLook | None = None
        self.pod_until = -inf

    def waiting(self, at: float, arrived: int) -> int:
        """Requests in its queue; `arrived` is how many of the scenario's had arrived by then."""
        return bisect_left(self.requests, arrived) - bisect_right(self.left, at)

    def look(self, at: float, requests: dict[str, int]) -> PodLook:
        """The Pod as the API shows it at `at`; made anew only when something about it changed."""
        if self.pod is None or at >= self.pod_until:
            self.pod, self.pod_until = self._pod(at, requests)
        return self.pod

    def forget_look(self) -> None:
        """Something changed that no clock told: it was deleted."""
        self.pod = None

    def _pod(self, at: float, requests: dict[str, int]) -> tuple[PodLook, float]:
        leaving = self.deleted <= at
        if at < self.running_from:
            return PodLook(self.name, "Pending", False, self.created, self.created, leaving, requests), \
                self.running_from
        if at < self.ready:
            return PodLook(self.name, "Running", False, self.created, self.created, leaving, requests), self.ready
        return PodLook(self.name, "Running", True, self.ready, self.created, leaving, requests), inf
