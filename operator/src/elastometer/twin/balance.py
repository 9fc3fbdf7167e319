"""Who gets which request: by kube-proxy's chance, by a connection that is used again, or as it was recorded."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from functools import lru_cache
from heapq import heappop, heappush
from math import inf

from elastometer.twin.randomness import stream
from elastometer.twin.replica import Replica
from elastometer.twin.scenario import Balancing, Scenario

# The load generator does not use a connection again that was silent for longer.
IDLE_SECONDS = 4.0


@lru_cache(maxsize=8)
def _luck(seed: int, count: int) -> tuple[float, ...]:
    """Which replica each request gets, as a share of those that serve: the same for every candidate of one seed."""
    draw = stream(seed, "balance").random
    return tuple(draw() for _ in range(count))


class Balancer:
    """Picks replicas. `over` is when each request left the system, filled in while it is served, and `unserved` are
    those that did so without an answer: their connection goes with them."""

    def __init__(self, scenario: Scenario, over: Sequence[float], unserved: Set[int]) -> None:
        self._scenario = scenario
        self._over = over
        self._unserved = unserved
        self._luck = _luck(scenario.seed, len(scenario.arrivals))
        self._busy: list[tuple[float, float, int, Replica]] = []
        self._idle: list[tuple[float, float, Replica]] = []

    def picks(self, numbers: Sequence[int], instants: Sequence[float], serving: list[Replica]) -> Iterable[Replica]:
        """One for each request; to be asked for one after the other, each after the one before it was served."""
        recorded = self._scenario.recorded
        if recorded is not None and recorded.choices:
            return self._recorded(recorded.choices, numbers, serving)
        if self._scenario.balancing is Balancing.KEEP_ALIVE:
            return self._connected(numbers, instants, serving)
        luck, choices = self._luck, len(serving)
        drawn = luck[numbers.start:numbers.stop] if isinstance(numbers, range) else [luck[one] for one in numbers]
        return [serving[int(one * choices)] for one in drawn]

    def _chance(self, number: int, serving: list[Replica]) -> Replica:
        return serving[int(self._luck[number] * len(serving))]

    def _recorded(self, choices: Sequence[int], numbers: Sequence[int], serving: list[Replica]) -> list[Replica]:
        """The replica that had it in the record, where it serves."""
        there = {one.number: one for one in serving}
        return [there.get(choices[number]) or self._chance(number, serving) for number in numbers]

    def _connected(
        self, numbers: Sequence[int], instants: Sequence[float], serving: list[Replica],
    ) -> Iterator[Replica]:
        """The connection that was used last, while its replica serves; a new one goes to a replica by chance."""
        oldest = self._scenario.connection_seconds
        for number, at in zip(numbers, instants, strict=True):
            self._release(at)
            replica, opened = self._chance(number, serving), at
            while self._idle:
                since, born, kept = self._idle.pop()
                if at - since <= IDLE_SECONDS and at - born < oldest and kept.deleted == inf:
                    replica, opened = kept, born
                    break
            yield replica
            if number not in self._unserved:
                heappush(self._busy, (self._over[number], opened, number, replica))

    def _release(self, at: float) -> None:
        """Connections whose request was over by then are idle since."""
        while self._busy and self._busy[0][0] <= at:
            since, opened, _, replica = heappop(self._busy)
            self._idle.append((since, opened, replica))
