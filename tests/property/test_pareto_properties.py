"""The Pareto front, whatever the points are."""
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from elastometer.twin.search.score.pareto import dominates, front
from support.reach import reached, reaches

POINTS = st.lists(st.tuples(*[st.integers(0, 6).map(float)] * 3), max_size=40)


def itself(point: tuple[float, ...]) -> tuple[float, ...]:
    return point


@reaches({"two members": 12})
@given(POINTS)
def test_no_member_dominates_another(points: list[tuple[float, ...]]):
    found = front(points, itself)
    reached("two members", len(found) > 1)
    assert not any(dominates(member, other) for member in found for other in found)


@reaches({"a dropped point": 50})
@given(POINTS)
def test_what_was_dropped_is_dominated_by_a_member_or_equal_to_one(points: list[tuple[float, ...]]):
    found = front(points, itself)
    reached("a dropped point", len(points) - len(found))
    for point in points:
        assert point in found or any(dominates(member, point) for member in found)


@given(POINTS, st.randoms(use_true_random=False))
def test_the_front_does_not_depend_on_the_order(points: list[tuple[float, ...]], rng):
    shuffled = list(points)
    rng.shuffle(shuffled)
    assert front(shuffled, itself) == front(points, itself)


@given(POINTS)
def test_a_front_is_its_own_front(points: list[tuple[float, ...]]):
    found = front(points, itself)
    assert front(found, itself) == found
    assert bool(found) == bool(points)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20))
def test_of_equals_the_first_stays(costs: list[int]):
    numbered = list(enumerate(costs))
    assert front(numbered, lambda pair: (float(pair[1]),)) == [(costs.index(min(costs)), min(costs))]
