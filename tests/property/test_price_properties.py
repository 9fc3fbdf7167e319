"""What a run held is split without remainder, in worlds that nobody thought of; and no supply is cheaper than the
oracle's."""
from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elastometer.analysis.evidence.steps import Steps
from elastometer.analysis.price.oracle import Oracle, oracle
from elastometer.analysis.price.price import price
from elastometer.analysis.price.whole import PARTS, Whole, pieces, value_at
from elastometer.analysis.run import DerivedRun
from elastometer.model.price import Part, Price
from support.price_worlds import Replica, demand_of_steps, no_demand, request, run_of

END = 200.0
WORLDS = 1000


def drawn_replica(rng: random.Random) -> Replica:
    """A life to the millisecond that may begin before the load, skip any state and end at any time."""
    instants = sorted(round(rng.uniform(-80, END), 3) for _ in range(7))
    created, bound, ready, lost, again, deleted, gone = instants
    kind = rng.random()
    if kind < 0.1:  # it never got a node
        return Replica(created, deleted=deleted, gone=gone if rng.random() < 0.7 else None)
    if kind < 0.2:  # it was removed while it was starting
        return Replica(created, bound, deleted=ready, gone=lost)
    steps = ((lost, False), (again, True)) if rng.random() < 0.3 else ()
    leaves = rng.random() < 0.7
    return Replica(created, bound, ready, deleted if leaves else None, gone if leaves and rng.random() < 0.9 else None,
                   steps)


def drawn_world(seed: int) -> tuple[list[Replica], Price, DerivedRun]:
    rng = random.Random(seed)
    lives = [drawn_replica(rng) for _ in range(rng.randint(1, 12))]
    run = run_of(lives, END, requests=[request(0, 1, 1.5)])
    steps = [(round(rng.uniform(0, 190), 3), rng.randint(0, 8)) for _ in range(rng.randint(0, 9))]
    # A target that keeps one replica: where no work demands any, one is demanded all the same.
    demand = no_demand() if rng.random() < 0.1 else demand_of_steps(
        [(0, 1), *((at, max(1, level)) for at, level in steps)], end=END, work=[(0, 1), *steps])
    found = price(run, demand)
    assert found is not None
    return lives, found, run


def area(steps: Steps) -> int:
    """Replica-milliseconds under a curve of the timeline, whose instants are whole milliseconds."""
    points = [(round(time * 1000), round(value)) for time, value in steps.points]
    edges = sorted({0, round(END * 1000), *(at for at, _ in points if 0 < at < END * 1000)})
    return sum((right - left) * next((value for at, value in reversed(points) if at <= left), 0)
               for left, right in pairwise(edges))


def test_the_parts_of_a_thousand_drawn_worlds_add_up_exactly():
    seen = dict.fromkeys(Part, 0)
    for seed in range(WORLDS):
        lives, found, run = drawn_world(seed)
        parts = {one.part: one.replica_milliseconds for one in found.parts}
        assert sum(parts.values()) == found.held_replica_milliseconds == area(run.replicas.created), seed
        assert found.held_replica_milliseconds == sum(
            max(0, round(min(END, END if life.gone is None else life.gone) * 1000) - round(max(0, life.created) * 1000))
            for life in lives), seed
        assert found.paid_replica_milliseconds == area(run.replicas.held), seed
        assert found.paid_replica_milliseconds + parts[Part.PENDING] == found.held_replica_milliseconds, seed
        ready = sum(parts.get(part, 0) for part in (Part.USEFUL, Part.KEPT, Part.IDLE, Part.READY))
        assert ready == area(run.replicas.ready), seed
        assert sum(one.gpu_milliseconds or 0 for one in found.parts) == found.held_gpu_milliseconds, seed
        assert all(value >= 0 for value in parts.values()), seed
        for part, value in parts.items():
            seen[part] += value > 0
    assert min(seen.values()) > WORLDS // 20, f"each part must occur: {seen}"


needs = st.lists(st.integers(0, 3), min_size=4, max_size=9)


def as_steps(levels: list[int]) -> Whole:
    return tuple((1000 * second, level) for second, level in enumerate(levels))


def in_parts(whole: Whole) -> Whole:
    return tuple((at, PARTS * level) for at, level in whole)


@given(needs, st.integers(0, 4))
@settings(max_examples=150, deadline=None)
def test_no_supply_that_always_meets_the_demand_is_cheaper_than_the_oracle(levels: list[int], lead: int):
    found = oracle(in_parts(as_steps(levels)), 0, 3, 1000 * lead, 1000 * len(levels))
    assert found is not None
    assert found.replica_milliseconds == 1000 * cheapest(tuple(levels), lead)


def cheapest(levels: tuple[int, ...], lead: int) -> int:
    """The least replica-seconds of any set of replicas, each ordered and removed at some second, of which enough are
    Ready in every second. Found by trying all: the first second that lacks a replica must get one."""
    best = [len(levels) * max(levels) + 1]

    def search(missing: list[int], cost: int) -> None:
        if cost >= best[0]:
            return
        first = next((second for second, lacks in enumerate(missing) if lacks > 0), None)
        if first is None:
            best[0] = cost
            return
        for ready, removed in replicas(first):
            rest = [lacks - (ready <= second < removed) for second, lacks in enumerate(missing)]
            search(rest, cost + removed - max(0, ready - lead))

    def replicas(first: int) -> Iterator[tuple[int, int]]:
        """It must serve in the second `first`; being Ready earlier would help nobody, as all earlier ones are met."""
        return ((first, removed) for removed in range(len(levels), first, -1))

    search(list(levels), 0)
    return best[0]


worlds = st.tuples(
    st.lists(st.tuples(st.integers(0, 90_000), st.integers(0, 8)), min_size=1, max_size=12),
    st.integers(0, 2), st.integers(0, 4), st.integers(0, 30_000))


@given(worlds)
@settings(max_examples=300, deadline=None)
def test_the_oracle_meets_the_demand_within_its_bounds_and_never_removes_a_starting_replica(
    world: tuple[list[tuple[int, int]], int, int, int],
):
    points, minimum, more, lead = world
    maximum, end = max(1, minimum + more), 100_000
    arrival = tuple((round(at * 1000), round(value)) for at, value in Steps.of(
        (at / 1000, float(value)) for at, value in [(0, 1), *points]).points)
    found = oracle(in_parts(arrival), minimum, maximum, lead, end)
    assert found is not None
    for left, right, (demand, ready, size) in pieces([arrival, found.ready, found.size], 0, end):
        assert minimum <= ready <= maximum
        assert ready >= min(demand, maximum)
        over = any(start <= left and right <= stop for start, stop in found.overloaded)
        assert over or demand <= maximum
        assert not over or ready == maximum
        assert size >= ready
    assert found.replica_milliseconds == sum(
        (right - left) * size for left, right, (size,) in pieces([found.size], 0, end))
    removals_while_starting(found)


def removals_while_starting(found: Oracle) -> None:
    """A scale-in removes a replica that is not Ready first, so that none may happen while one is starting."""
    for before, after in pairwise(found.size):
        if after[1] < before[1] and after[0] < found.end:
            assert value_at(found.ready, after[0] - 1) == before[1], "a replica was starting"


@pytest.mark.parametrize("minimum", [0, 1, 3])
def test_without_any_load_the_oracle_keeps_the_minimum(minimum: int):
    found = oracle((), minimum, 5, 10_000, 60_000)
    assert found is not None
    assert (found.replica_milliseconds, found.starts) == (60_000 * minimum, 0)


def test_an_oracle_of_nothing_needs_no_cold_start():
    found = oracle(((0, 0),), 0, 5, None, 60_000)
    assert found is not None
    assert (found.size, found.replica_milliseconds) == ((), 0)


@given(worlds)
@settings(max_examples=300, deadline=None)
def test_the_oracle_is_overloaded_for_as_long_as_a_queue_at_the_maximum_would_last(
    world: tuple[list[tuple[int, int]], int, int, int],
):
    """Loads in quarters of a replica. The queue is worked through millisecond by millisecond, in quarters too."""
    points, minimum, more, lead = world
    maximum, end = max(1, minimum + more), 10_000
    load = tuple((round(at * 1000), round(value)) for at, value in Steps.of(
        (at // 9 / 1000, float(value)) for at, value in [(0, 1), *points]).points)
    found = oracle(tuple((at, PARTS * quarters // 4) for at, quarters in load), minimum, maximum, lead, end)
    assert found is not None
    queue, expected = 0, set[int]()
    for left, right, (quarters,) in pieces([load], 0, end):
        for at in range(left, right):
            if queue or quarters > 4 * maximum:
                expected.add(at)
            queue = max(0, queue + quarters - 4 * maximum)
    assert {at for start, stop in found.overloaded for at in range(start, stop)} == expected
