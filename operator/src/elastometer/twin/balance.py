"""Which replica gets which request: a random one as with kube-proxy, the one of a connection that is reused, the one
with the fewest requests in flight, or the recorded one."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import lru_cache
from heapq import heappop, heappush
from math import inf

from elastometer.twin.randomness import stream
from elastometer.twin.replica import Replica
from elastometer.twin.scenario import Balancing, Scenario

# The load generator does not reuse a connection that was silent for longer.
IDLE_SECONDS = 4.0


@lru_cache(maxsize=8)
def _random_shares(seed: int, count: int) -> tuple[float, ...]:
    """A random number per request; multiplied by the number of serving replicas it gives the one that is chosen.

    All candidates of one seed get the same numbers, so that they differ by their settings and not by their draws.
    """
    draw = stream(seed, "balance").random
    return tuple(draw() for _ in range(count))


class Balancer:
    """Picks replicas. `done_at` is when each request left the system, filled in while requests are served. `unserved`
    are those that left without an answer: their connections close with them. `shares` is a random number per request,
    `choices` the replica that it went to in a record."""

    def __init__(self, scenario: Scenario, done_at: Sequence[float], unserved: Set[int]) -> None:
        self._scenario = scenario
        self._done_at = done_at
        self._unserved = unserved
        self.shares: Sequence[float] = _random_shares(scenario.seed, len(scenario.arrivals))
        self.choices: Sequence[int] = () if scenario.recorded is None else scenario.recorded.choices
        self._busy: list[tuple[float, float, int, Replica]] = []
        self._idle: list[tuple[float, float, Replica]] = []
        self._ends: list[tuple[float, int]] = []
        self._in_flight: dict[int, int] = defaultdict(int)
        self._turns: dict[int, int] = defaultdict(int)

    def picks(self, numbers: Sequence[int], instants: Sequence[float], serving: list[Replica]) -> Iterable[Replica]:
        """One replica per request. The caller must take them one by one and serve each request before the next, since a
        connection is free only once its request has ended."""
        if self.choices:
            return self._pick_recorded(self.choices, numbers, serving)
        if self._scenario.balancing is Balancing.BY_CONNECTION:
            return self._pick_connected(numbers, instants, serving)
        if self._scenario.balancing is Balancing.LEAST_IN_FLIGHT:
            return self._pick_least_busy(numbers, instants, serving)
        shares, choices = self.shares, len(serving)
        # A slice is faster than looking up each number, and arrivals come in ranges except after a release.
        drawn = shares[numbers.start:numbers.stop] if isinstance(numbers, range) else [
            shares[number] for number in numbers]
        return [serving[int(share * choices)] for share in drawn]

    def _pick_at_random(self, number: int, serving: list[Replica]) -> Replica:
        return serving[int(self.shares[number] * len(serving))]

    def _pick_recorded(self, choices: Sequence[int], numbers: Sequence[int], serving: list[Replica]) -> list[Replica]:
        """The replica that got the request in the record, if it is serving; otherwise a random one."""
        by_number = {replica.number: replica for replica in serving}
        return [by_number.get(choices[number]) or self._pick_at_random(number, serving) for number in numbers]

    def _pick_connected(
        self, numbers: Sequence[int], instants: Sequence[float], serving: list[Replica],
    ) -> Iterator[Replica]:
        """The connection that was used last, as long as its replica serves; a new one goes to a random replica."""
        oldest = self._scenario.connection_seconds
        for number, at in zip(numbers, instants, strict=True):
            self._release(at)
            replica, opened = self._pick_at_random(number, serving), at
            while self._idle:
                since, opened_at, kept = self._idle.pop()
                if at - since <= IDLE_SECONDS and at - opened_at < oldest and kept.deleted == inf:
                    replica, opened = kept, opened_at
                    break
            yield replica
            if number not in self._unserved:
                heappush(self._busy, (self._done_at[number], opened, number, replica))

    def _pick_least_busy(
        self, numbers: Sequence[int], instants: Sequence[float], serving: list[Replica],
    ) -> Iterator[Replica]:
        """The replica with the fewest requests in flight, waiting or running; of equals the one whose last request is
        longest ago, as the load generator's SpreadOverPods does."""
        in_flight, turns, ends = self._in_flight, self._turns, self._ends
        for turn, (number, at) in enumerate(zip(numbers, instants, strict=True), 1 + max(turns.values(), default=0)):
            while ends and ends[0][0] <= at:
                in_flight[heappop(ends)[1]] -= 1
            replica = min(serving, key=lambda one: (in_flight[one.number], turns[one.number]))
            yield replica
            in_flight[replica.number] += 1
            turns[replica.number] = turn
            heappush(ends, (self._done_at[number], replica.number))

    def _release(self, at: float) -> None:
        """Makes the connections idle whose requests have ended by `at`."""
        while self._busy and self._busy[0][0] <= at:
            since, opened, _, replica = heappop(self._busy)
            self._idle.append((since, opened, replica))
