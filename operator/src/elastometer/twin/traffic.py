"""Requests on their way through the replicas: who gets which, when it starts, when it ends.

The one hot loop of the twin: about a microsecond a request.
"""
from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
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
    """`next` is the number of the first request that has not arrived yet; `held` are those an activator keeps."""

    def __init__(self, scenario: Scenario) -> None:
        arrivals, capacity = scenario.arrivals, scenario.capacity
        self.scenario = scenario
        demand = _taken_apart(_Demand(arrivals))
        self.at, self.further, self.prefill = demand.at, demand.further, demand.prefill(capacity)
        count = len(arrivals)
        self.first_token = array("d", [nan]) * count
        self.ended = array("d", [nan]) * count
        self.replica = array("l", [NOBODY]) * count
        # Seconds per further token, by how many others ran at the start.
        self._pace = [capacity.decode_seconds + beside * capacity.decode_seconds_per_neighbour
                      for beside in range(capacity.slots)]
        self.balancer = Balancer(scenario, self.ended)
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
        first_token, ended, served_by = self.first_token, self.ended, self.replica
        picks = self.balancer.picks(numbers, instants, serving)
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
                    replica.left.append(arrival + patience)
                    continue
                occupy, first = heapreplace, start + prefill[number] + refill
            replica.left.append(start)
            served_by[number] = replica.number
            end = first + further[number] * pace[beside]
            if end - arrival > timeout:
                end = arrival + timeout
                first_token[number] = first if first < end else nan
            else:
                first_token[number] = first
                ended[number] = end
            occupy(busy, end)

    def running(self, replica: Replica, at: float) -> int:
        """Requests that run on it."""
        return sum(self.over_at(number) > at for number in self._lately(replica, at))

    def progress(self, replica: Replica, at: float) -> Iterator[tuple[int, int]]:
        """(prompt tokens, tokens made) of each request that runs on it at `at`."""
        for number in self._lately(replica, at):
            end = self.over_at(number)
            if end > at:
                made = self._made(number, at, end)
                yield self.scenario.arrivals[number].prompt_tokens, floor(made)

    def tokens_between(self, replica: Replica, start: float, end: float) -> float:
        """Tokens that it made in (start, end]."""
        return sum(
            self._made(number, end, over) - self._made(number, start, over)
            for number in self._lately(replica, end) for over in (self.over_at(number),)
        )

    def _made(self, number: int, at: float, over: float) -> float:
        """Tokens of one request until `at`: the first at once, the others evenly until its end."""
        first = self.first_token[number]
        if first != first or at < first:
            return 0.0
        share = min(1.0, (at - first) / (over - first)) if over > first else 1.0
        return 1.0 + self.further[number] * share

    def _lately(self, replica: Replica, at: float) -> list[int]:
        """Its requests that left the queue by `at` and were not over long before, as far as any sample looks back."""
        self._close(replica, at - self._memory)
        return replica.requests[replica.closed:bisect_right(replica.left, at)]

    def _close(self, replica: Replica, at: float) -> None:
        requests, closed = replica.requests, replica.closed
        while closed < len(requests) and self.over_at(requests[closed]) <= at:
            closed += 1
        replica.closed = closed

    def over_at(self, number: int) -> float:
        """When a request left the system, served or not. Only for one that is not held."""
        end = self.ended[number]
        if end == end:
            return end
        return self.at[number] + min(self.scenario.patience_seconds, self.scenario.timeout_seconds)

    def forget_after(self, horizon: float) -> None:
        """What would happen later did not happen."""
        self.first_token = array("d", [one if one <= horizon else nan for one in self.first_token])
        self.ended = array("d", [one if one <= horizon else nan for one in self.ended])

    def lose(self, replica: Replica, at: float, deadline: float) -> float:
        """A replica told to go at `at` keeps its requests until `deadline`; when the last of them is over."""
        self._close(replica, at - self._memory)
        last, ended, first_token = at, self.ended, self.first_token
        for number in replica.requests[replica.closed:]:
            over = self.over_at(number)
            if over > deadline:
                ended[number] = nan
                if first_token[number] > deadline:
                    first_token[number] = nan
            last = max(last, min(over, deadline))
        return last
