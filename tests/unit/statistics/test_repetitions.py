"""Means of repetitions: intervals as scipy computes them, and what equal values say about noise."""
from __future__ import annotations

from random import Random

import pytest
from scipy import stats

from elastometer.model.estimates import Interval
from elastometer.statistics.distributions import student_quantile
from elastometer.statistics.repetitions import interval_of_difference, interval_of_mean, sample_of


@pytest.mark.parametrize("freedom", [1, 1.3, 2, 2.5, 3.99, 4, 7.3, 18, 58, 999, 100_000])
def test_the_quantile_of_student_is_that_of_scipy_for_whole_and_fractional_freedom(freedom: float):
    assert student_quantile(freedom) == pytest.approx(float(stats.t.ppf(0.975, freedom)), rel=1e-9)


@pytest.mark.parametrize("count", [2, 3, 5, 10, 30])
def test_the_interval_of_a_mean_is_that_of_scipy(count: int):
    rng = Random(count)
    values = [rng.gauss(50, 9) for _ in range(count)]
    expected = stats.ttest_1samp(values, 0).confidence_interval()
    found = interval_of_mean(sample_of(values))
    assert found is not None
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize(("first", "second", "spread"), [(2, 2, 1), (3, 3, 1), (3, 3, 8), (2, 7, 3), (10, 4, 0.1)])
def test_the_interval_of_a_difference_is_that_of_scipy_with_one_variance_for_equal_counts_else_two(
    first: int, second: int, spread: float,
):
    rng = Random(first * 100 + second)
    before, after = [rng.gauss(5, 1) for _ in range(first)], [rng.gauss(6, spread) for _ in range(second)]
    expected = stats.ttest_ind(after, before, equal_var=first == second).confidence_interval()
    found = interval_of_difference(sample_of(before), sample_of(after))
    assert found is not None
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_one_value_has_a_mean_and_no_interval():
    alone, three = sample_of([4.0]), sample_of([1.0, 2.0, 3.0])
    assert (alone.mean, alone.variance, interval_of_mean(alone)) == (4.0, None, None)
    assert interval_of_difference(alone, three) is None
    assert interval_of_difference(three, alone) is None


def test_equal_values_are_taken_to_scatter_as_one_that_is_on_two_points_of_its_grid_equally_often():
    """The half-width of 5, 5, 5 on whole numbers: t of 2 degrees of freedom times 0.5 / √3."""
    found = interval_of_mean(sample_of([5.0, 5.0, 5.0], step=1.0))
    half = 4.302652729911275 * 0.5 / 3**0.5
    assert found is not None
    assert (found.low, found.high) == pytest.approx((5 - half, 5 + half))
    assert interval_of_mean(sample_of([5.0, 5.0, 5.0])) == Interval(5.0, 5.0)


def test_a_grid_finer_than_the_noise_changes_no_interval():
    values = [1.0, 4.0, 7.0]
    assert interval_of_mean(sample_of(values, step=1.0)) == interval_of_mean(sample_of(values))


def test_equal_values_have_exactly_their_mean_however_many_there_are():
    assert {sample_of([0.1] * count).mean for count in range(1, 60)} == {0.1}


def test_groups_without_any_noise_differ_by_exactly_their_difference():
    assert interval_of_difference(sample_of([1.0, 1.0]), sample_of([3.0, 3.0])) == Interval(2.0, 2.0)


def test_the_smallest_variances_of_floats_are_no_division_by_zero():
    found = interval_of_difference(sample_of([0.0, 1e-160]), sample_of([0.0, 1e-160]))
    assert found is not None
    assert found.low < 0 < found.high
