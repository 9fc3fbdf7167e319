"""Means by blocks: exact numbers, the fewest values, and how often the interval holds the true mean."""

from __future__ import annotations

from random import Random

import pytest

from elastometer.statistics.distributions import regularized_beta, student_quantile
from elastometer.statistics.means import NEEDS, block_edges, mean_by_blocks
from support.drawn import dependent

SAMPLES = 2000


def test_ten_blocks_of_two_give_the_interval_of_their_means() -> None:
    """The blocks' means are 1.5, 19.5, 3.5, 17.5 ..., whose standard deviation is √(110/3); t for 9 is 2.2622."""
    low, high = range(1, 11, 2), range(19, 9, -2)
    values = [start + step for pair in zip(low, high, strict=True) for start in pair for step in (0, 1)]
    found = mean_by_blocks([float(value) for value in values])
    assert (found.count, found.value, found.needs) == (20, 10.5, None)
    assert found.plus_minus == pytest.approx(2.2622 * (110 / 3) ** 0.5 / 10**0.5, rel=1e-4)


def test_neighbouring_blocks_that_are_alike_are_joined() -> None:
    """Of rising values five blocks are left: means 2.5, 6.5 ... 18.5, standard deviation √40, t for 4 is 2.7764."""
    found = mean_by_blocks([float(value) for value in range(1, 21)])
    assert found.value == 10.5
    assert found.plus_minus == pytest.approx(2.7764 * 40**0.5 / 5**0.5, rel=1e-4)


def test_equal_values_have_no_spread() -> None:
    assert mean_by_blocks([3.0] * 40).plus_minus == 0.0


def test_too_few_values_have_a_mean_but_no_interval() -> None:
    found = mean_by_blocks([1.0] * (NEEDS - 1))
    assert (found.value, found.plus_minus, found.needs) == (1.0, None, NEEDS)
    assert mean_by_blocks([]).value is None


@pytest.mark.parametrize("count", [1, 19, 20, 99, 150, 207, 5000])
def test_blocks_cover_all_values_and_differ_by_one_at_most(count: int) -> None:
    edges = block_edges(count)
    assert [number for left, right in edges for number in range(left, right)] == list(range(count))
    sizes = [right - left for left, right in edges]
    assert max(sizes) - min(sizes) <= 1
    assert len(edges) == (1 if count < 20 else 10 if count < 110 else min(20, count // 10))


@pytest.mark.parametrize(("freedom", "value"), [(1, 12.7062), (2, 4.3027), (9, 2.2622), (19, 2.0930), (120, 1.9799)])
def test_students_quantiles_are_the_published_ones(freedom: int, value: float) -> None:
    """Abramowitz and Stegun, table 26.10, 0.975."""
    assert student_quantile(freedom) == pytest.approx(value, abs=5e-5)


def test_the_incomplete_beta_function_is_exact_where_it_is_known() -> None:
    assert regularized_beta(0.3, 1.0, 1.0) == pytest.approx(0.3, abs=1e-13)
    assert regularized_beta(0.3, 2.0, 1.0) == pytest.approx(0.09, abs=1e-13)
    assert regularized_beta(0.5, 7.0, 7.0) == pytest.approx(0.5, abs=1e-13)
    assert (regularized_beta(0.0, 2.0, 3.0), regularized_beta(1.0, 2.0, 3.0)) == (0.0, 1.0)


@pytest.mark.parametrize(("count", "dependence"), [(50, 0.0), (1000, 0.5), (1000, 0.9)])
def test_the_interval_holds_the_true_mean_in_95_of_100_samples(count: int, dependence: float) -> None:
    rng, hits = Random(count), 0
    for _ in range(SAMPLES):
        found = mean_by_blocks(dependent(rng, count, dependence))
        assert found.value is not None
        assert found.plus_minus is not None
        hits += abs(found.value) <= found.plus_minus
    assert 0.93 <= hits / SAMPLES <= 0.97
