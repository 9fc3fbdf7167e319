"""Differences: what they are, the fewest values, and how often the interval holds the true difference."""

from __future__ import annotations

from random import Random
from statistics import fmean, median

import pytest

from elastometer.model.estimates import Interval
from elastometer.statistics.differences import MOST, difference, difference_of_means, difference_of_percentiles
from elastometer.statistics.means import NEEDS
from support.drawn import dependent

SAMPLES = 2000
RESAMPLES = 200


def test_a_difference_is_the_second_statistic_minus_the_first() -> None:
    first, second = [1.0] * 30, [3.0] * 40
    found = difference_of_means(first, second)
    assert (found.value, found.interval, found.is_beyond_noise) == (2.0, Interval(2.0, 2.0), True)
    assert difference_of_percentiles(second, first, 95).value == -2.0


def test_a_group_that_is_too_small_has_no_interval_and_proves_nothing() -> None:
    found = difference_of_means([1.0] * (NEEDS - 1), [9.0] * 100)
    assert (found.value, found.interval, found.needs, found.is_beyond_noise) == (8.0, None, NEEDS, False)
    assert difference([1.0], [2.0] * 100, median).interval is None


def test_the_same_seed_gives_the_same_interval_and_another_seed_nearly_the_same() -> None:
    rng = Random(1)
    groups = dependent(rng, 200, 0.3), dependent(rng, 200, 0.3)
    found, again, other = (difference_of_percentiles(*groups, 90, seed=seed) for seed in (7, 7, 8))
    assert found == again
    assert found.interval is not None
    assert other.interval is not None
    width = found.interval.high - found.interval.low
    assert found.interval != other.interval
    assert abs(found.interval.low - other.interval.low) < 0.2 * width


def test_both_ways_to_the_difference_of_means_agree() -> None:
    rng = Random(2)
    groups = dependent(rng, 300, 0.5), [1 + value for value in dependent(rng, 200, 0.5)]
    fast, slow = difference_of_means(*groups), difference(*groups, fmean)
    assert fast.value == pytest.approx(slow.value)
    assert fast.interval is not None
    assert slow.interval is not None
    assert fast.interval.low == pytest.approx(slow.interval.low, abs=1e-9)
    assert fast.interval.high == pytest.approx(slow.interval.high, abs=1e-9)


def test_longer_groups_are_thinned_for_percentiles_and_keep_their_value() -> None:
    rng = Random(3)
    first = [rng.random() for _ in range(3 * MOST)]
    found = difference_of_percentiles(first, [value + 1 for value in first], 50, resamples=RESAMPLES)
    assert found.value == pytest.approx(1.0)
    assert found.interval is not None
    assert found.interval.low < 1 < found.interval.high
    assert found.interval.high - found.interval.low < 0.1


def test_the_interval_of_means_holds_the_true_difference_in_95_of_100_samples() -> None:
    rng, hits = Random(4), 0
    for sample in range(SAMPLES):
        groups = dependent(rng, 100, 0.5), [value + 3 for value in dependent(rng, 100, 0.5)]
        found = difference_of_means(*groups, seed=sample, resamples=RESAMPLES).interval
        assert found is not None
        hits += found.low <= 3.0 <= found.high
    assert 0.93 <= hits / SAMPLES <= 0.97


def test_the_interval_of_medians_holds_the_true_difference_in_95_of_100_samples() -> None:
    rng, hits = Random(5), 0
    for sample in range(SAMPLES):
        groups = dependent(rng, 40, 0.5), [value + 3 for value in dependent(rng, 40, 0.5)]
        found = difference_of_percentiles(*groups, 50, seed=sample, resamples=100).interval
        assert found is not None
        hits += found.low <= 3.0 <= found.high
    assert 0.93 <= hits / SAMPLES <= 0.97
