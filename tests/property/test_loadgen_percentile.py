"""Percentiles are values that were seen, by nearest rank, and never rounded to a key."""

import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from elastometer_loadgen.base.measures import nearest_rank


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=400), st.integers(1, 100))
def test_a_percentile_is_the_least_value_seen_that_so_many_do_not_exceed(values: list[float], percent: int) -> None:
    found = nearest_rank(sorted(values), percent)
    assert found in values
    needed = math.ceil(Fraction(len(values) * percent, 100))
    assert sum(value <= found for value in values) >= needed
    assert sum(value < found for value in values) < needed


def test_values_that_others_store_under_one_key_stay_apart() -> None:
    assert [nearest_rank([float(value)], 99) for value in (1951, 2000, 2049)] == [1951.0, 2000.0, 2049.0]
