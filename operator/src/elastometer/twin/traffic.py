"""Requests on their way through the replicas: who gets which, when it starts, when it ends.

The one hot loop of the twin: about a microsecond a request.
"""
from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from heapq import heappop, heappush, heapreplace
from itertools import pairwise
from math import floor, nan

from elastometer.model.errors import SpecError
from elastometer.twin.balance import Balancer
from elastometer.twin.replica import Replica
from elastometer.twin.scenario import Arrival, Capacity, KpaController, Scenario

NOBODY = -1


class _Demand:
    """Arrivals as columns. A search asks with the same tuple a thousand times: it is known by its identity, since to
    compare it would cost as much as to take it apart. `prefill` is kept for the capacity that was asked for last."""

    __slots__ = ("_capacity", "_prefill", "arrivals", "at", "further", "prompt")

    def __init__(self, arrivals: tuple[Arrival, ...]) -> None:
        self.arrivals = arrivals
        self.at: list[float] = []
        self.prompt: list[int] = []
        self.further: list[int] = []
        self._capacity: Capacity | None = None
        self._prefill: list[float] = []

    def __hash__(self) -> int:
        return id(self.arrivals)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Demand) and other.arrivals is self.arrivals

    def prefill(self, capacity: Capacity) -> list[float]:
        """Seconds of each request's prefill."""
        if self._capacity is not capacity:
            base, per_token = capacity.prefill_seconds, capacity.prefill_seconds_per_token
            self._capacity, self._prefill = capacity, [base + per_token * tokens for tokens in self.prompt]
        return self._prefill


@lru_cache(maxsize=4)
def _taken_apart(demand: _Demand) -> _Demand:
    arrivals = demand.arrivals
    demand.at = [one.at for one in arrivals]
    if any(later < earlier for earlier, later in pairwise(demand.at)):
        raise SpecError("arrivals: must be in order of time")
    demand.prompt = [one.prompt_tokens for one in arrivals]
    demand.further = [max(0, one.output_tokens - 1) for one in arrivals]
    return demand


class Traffic:
    """`next` is the number of the first request that has not arrived yet; `held` are those an activator keeps.

    `over` is when each request left the system, NaN while it has not come or is held; those in `unserved` left it
    without an answer. `replica` is who served it, or had it when it failed.
    """

    def __init__(self, scenario: Scenario) -> None:
        arrivals, capacity = scenario.arrivals, scenario.capacity
        self.scenario = scenario
        demand = _taken_apart(_Demand(arrivals))
        self.at, self.further, self.prefill = demand.at, demand.further, demand.prefill(capacity)
        count = len(arrivals)
        self.first_token = [nan] * count
        self.over = [nan] * count
        self.replica = [NOBODY] * count
        self.unserved: set[int] = set()
        # Seconds per further token, by how many others ran at the start.
        self._pace = [capacity.decode_seconds + beside * capacity.decode_seconds_per_neighbour
                      for beside in range(capacity.slots)]
        self.balancer = Balancer(scenario, self.over, self.unserved)
        self.next = 0
        self.held: list[int] = []
        path = scenario.resource_path or scenario.path
        self._memory = path.window_seconds + path.scrape_seconds + path.delay_seconds
        self._keeps = isinstance(scenario.controller, KpaController)

    def serve(self, until: float, serving: list[Replica]) -> None:
        """Lets every request arrive that is due before `until`; meanwhile the same replicas serve."""
        begin, self.next = self.next, bisect_left(self.at, until, self.next)
        if serving:
            self._admit(range(begin, self.next), self.at[begin:self.next], serving)
        elif self._keeps:
            self.held.extend(range(begin, self.next))

    def release(self, at: float, serving: list[Replica]) -> None:
        """What the activator kept goes to the first replicas that serve."""
        held, self.held = self.held, []
        self._admit(held, [at] * len(held), serving)

    def _admit(self, numbers: Sequence[int], instants: list[float], serving: list[Replica]) -> None:
        scenario, capacity, pace = self.scenario, self.scenario.capacity, self._pace
        slots, join = capacity.slots, capacity.join_seconds
        refill, timeout = capacity.refill_seconds if slots > 1 else 0.0, scenario.timeout_seconds
        patience = min(scenario.patience_seconds, timeout)
        prefill, further = self.prefill, self.further
        first_token, over, served_by = self.first_token, self.over, self.replica
        picks = self.balancer.picks(numbers, instants, serving)
        occupy: Callable[[list[float], float], object]
        for number, arrival, replica in zip(numbers, instants, picks, strict=True):
            busy = replica.busy
            while busy[0] <= arrival:
                heappop(busy)
            beside, start = len(busy) - 1, arrival
            replica.requests.append(number)
            if beside < slots:
                occupy, first = heappush, start + prefill[number] + (join if beside else 0.0)
            else:
                beside, start = slots - 1, busy[0]
                if start - arrival > patience:
                    over[number] = arrival + patience
                    replica.left.append(over[number])
                    self.unserved.add(number)
                    continue
                occupy, first = heapreplace, start + prefill[number] + refill
            replica.left.append(start)
            end = first + further[number] * pace[beside]
            if end - arrival > timeout:
                end = arrival + timeout
                self.unserved.add(number)
            first_token[number] = first
            over[number] = end
            served_by[number] = replica.number
            occupy(busy, end)

    def running(self, replica: Replica, at: float) -> int:
        """Requests that run on it."""
        over = self.over
        return len([number for number in self._lately(replica, at) if over[number] > at])

    def progress(self, replica: Replica, at: float) -> Iterator[tuple[int, int]]:
        """(prompt tokens, tokens made) of each request that runs on it at `at`."""
        for number in self._lately(replica, at):
            if self.over[number] > at:
                yield self.scenario.arrivals[number].prompt_tokens, floor(self._made(number, at))

    def tokens_between(self, replica: Replica, start: float, end: float) -> float:
        """Tokens that it made in (start, end]."""
        return sum([self._made(number, end) - self._made(number, start) for number in self._lately(replica, end)])

    def _made(self, number: int, at: float) -> float:
        """Tokens of one request until `at`: the first at once, the others evenly until its end."""
        first, over = self.first_token[number], self.over[number]
        if not first <= at:
            return 0.0
        share = min(1.0, (at - first) / (over - first)) if over > first else 1.0
        return 1.0 + self.further[number] * share

    def _lately(self, replica: Replica, at: float) -> list[int]:
        """Its requests that left the queue by `at` and were not over long before, as far as any sample looks back."""
        self._close(replica, at - self._memory)
        return replica.requests[replica.closed:bisect_right(replica.left, at)]

    def _close(self, replica: Replica, at: float) -> None:
        requests, closed, over = replica.requests, replica.closed, self.over
        while closed < len(requests) and over[requests[closed]] <= at:
            closed += 1
        replica.closed = closed

    def lose(self, replica: Replica, at: float, deadline: float) -> float:
        """A replica told to go at `at` keeps its requests until `deadline`; when the last of them is over."""
        self._close(replica, at - self._memory)
        last, over = at, self.over
        for number in replica.requests[replica.closed:]:
            if over[number] > deadline:
                over[number] = deadline
                self.unserved.add(number)
            last = max(last, over[number])
        return last

    def outcome(self, horizon: float) -> tuple[array[float], array[float], array[int]]:
        """First token, end and replica of each request: NaN and nobody where it was not served before the horizon; a
        first token may have come to one that failed later."""
        over, first_token, replica = self.over, self.first_token, self.replica
        ended, first = array("d", over), array("d", first_token)
        late = [number for number, end in enumerate(over) if end > horizon]
        for number in (*self.unserved, *late):
            ended[number] = nan
            if first[number] >= min(over[number], horizon):
                first[number] = nan
        return first, ended, array("l", replica)
