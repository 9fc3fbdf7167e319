"""One replica: its life cycle as the Kubernetes API shows it, and its own queue of requests.

The start and the end of a request are known as soon as it arrives: the queue is first come, first served, and later
arrivals change nothing. So the queue at any past instant can be counted from the lists, without simulating it.
"""
from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from math import inf
from typing import TypeAlias

from elastometer.hpa.sync import PodInput

# What the whole Pod requests, and what each container does.
Requests: TypeAlias = tuple[Mapping[str, int], Mapping[str, Mapping[str, int]] | None]


class Replica:
    """`phase` is when in the scrape period it is scraped, `uid_share` the place of its uid among others, both from 0 to
    1.

    `requests` are the numbers of the arrivals that it was given, `left_queue` when each left the queue (because it
    started, or because its client gave up), `busy` the heap of the ends of the requests that are running. That heap
    ends with an infinity so that it is never empty. The first `finished` of the requests ended long ago.
    """

    __slots__ = ("busy", "created", "deleted", "finished", "gone", "left_queue", "name", "number", "phase", "pod",
                 "pod_until", "ready", "requests", "running_from", "uid_share")

    def __init__(
        self, number: int, created: float, running_from: float, ready: float, phase: float, uid_share: float,
    ) -> None:
        self.number = number
        self.name = f"replica-{number}"
        self.created = created
        self.running_from = running_from
        self.ready = ready
        self.phase = phase
        self.uid_share = uid_share
        self.deleted = inf
        self.gone = inf
        self.requests: list[int] = []
        self.left_queue: list[float] = []
        self.busy: list[float] = [inf]
        self.finished = 0
        self.pod: PodInput | None = None
        self.pod_until = -inf

    def waiting(self, at: float, arrived: int) -> int:
        """Requests in its queue at `at`; the first `arrived` requests of the scenario had arrived by then."""
        return bisect_left(self.requests, arrived) - bisect_right(self.left_queue, at)

    def pod_at(self, at: float, requests: Requests) -> PodInput:
        """The Pod as the API shows it at `at`; built again only when something about it has changed."""
        if self.pod is None or at >= self.pod_until:
            self.pod, self.pod_until = self._pod(at, requests)
        return self.pod

    def forget_pod(self) -> None:
        """Drops the cached Pod after a change that `pod_until` could not foresee: the deletion."""
        self.pod = None

    def _pod(self, at: float, requests: Requests) -> tuple[PodInput, float]:
        leaving = self.deleted <= at
        if at < self.running_from:
            return PodInput(self.name, "Pending", False, self.created, self.created, leaving, *requests), \
                self.running_from
        if at < self.ready:
            return PodInput(self.name, "Running", False, self.created, self.created, leaving, *requests), self.ready
        return PodInput(self.name, "Running", True, self.ready, self.created, leaving, *requests), inf
