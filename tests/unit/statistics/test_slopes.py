"""Theil and Sen: known slopes, outliers, ties, and how often the interval holds the true slope."""

from __future__ import annotations

from random import Random

import pytest

from elastometer.model.estimates import Interval
from elastometer.statistics.slopes import NEEDS, POINTS, theil_sen

SAMPLES = 2000


def test_points_on_a_line_have_its_slope_and_no_width() -> None:
    found = theil_sen([0.0, 1.0, 3.0, 4.0, 7.0], [5.0, 7.0, 11.0, 13.0, 19.0])
    assert found is not None
    assert (found.value, found.at_start, found.interval) == (2.0, 5.0, Interval(2.0, 2.0))


def test_the_interval_has_the_ranks_of_the_published_formula() -> None:
    """Ten pairs of five points: C = 1.96 √(5·4·15/18) = 8.0, so that ranks 1 and 10 of the slopes bound it."""
    found = theil_sen([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 4.0, 2.0, 8.0, 5.0])
    assert found is not None
    assert found.value == 1.25  # of -3, -2, 1/3, 1/2, 1, 3/2, 2, 7/3, 3, 6
    assert found.interval == Interval(-3.0, 6.0)


def test_one_outlier_does_not_move_the_slope() -> None:
    values = [2.0 * time for time in range(20)]
    values[7] = 1e9
    found = theil_sen(range(20), values)
    assert found is not None
    assert found.value == 2.0


def test_too_few_points_have_a_slope_but_no_interval() -> None:
    found = theil_sen([0, 1, 2, 3], [0.0, 1.0, 2.0, 3.0])
    assert found is not None
    assert (found.value, found.interval, found.needs) == (1.0, None, NEEDS)


def test_one_instant_has_no_slope() -> None:
    assert theil_sen([4.0, 4.0], [1.0, 2.0]) is None
    assert theil_sen([], []) is None


def test_a_constant_has_a_slope_of_exactly_zero() -> None:
    found = theil_sen(range(30), [7.0] * 30)
    assert found is not None
    assert (found.value, found.interval) == (0.0, Interval(0.0, 0.0))


def test_many_points_are_thinned_and_keep_their_trend() -> None:
    rng = Random(5)
    count = 25 * POINTS + 3
    found = theil_sen(range(count), [0.25 * time + rng.gauss(0, 3) for time in range(count)])
    assert found is not None
    assert found.count == count
    assert found.interval is not None
    assert found.interval.low <= 0.25 <= found.interval.high
    assert found.interval.high - found.interval.low < 1e-3


@pytest.mark.parametrize("count", [10, 30])
def test_the_interval_holds_the_true_slope_in_95_of_100_samples(count: int) -> None:
    rng, hits = Random(count), 0
    for _ in range(SAMPLES):
        found = theil_sen(range(count), [3.0 * time + rng.gauss(0, 5) for time in range(count)])
        assert found is not None
        assert found.interval is not None
        hits += found.interval.low <= 3.0 <= found.interval.high
    assert 0.93 <= hits / SAMPLES <= 0.97
