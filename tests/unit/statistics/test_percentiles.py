"""Percentiles: exact ranks, the fewest values for an interval, and how often it holds the true percentile."""

from __future__ import annotations

from math import comb
from random import Random
from statistics import NormalDist

import pytest

from elastometer.model.estimates import Interval
from elastometer.statistics.percentiles import Ranks, least_count, percentile, ranks

SAMPLES = 2000


@pytest.mark.parametrize(("percent", "count"), [(50, 6), (90, 36), (95, 72), (99, 368), (10, 36), (1, 368)])
def test_the_fewest_values_are_those_whose_extremes_lie_beyond_with_97_5_percent(percent: int, count: int) -> None:
    share = max(percent, 100 - percent) / 100
    assert share**count <= 0.025 < share ** (count - 1)
    assert least_count(percent) == count
    assert ranks(count, percent).low is not None
    assert ranks(count - 1, percent).low is None


def test_the_maximum_has_no_interval_at_any_count() -> None:
    assert least_count(100) is None
    found = percentile([1.0, 2.0, 3.0], 100)
    assert (found.value, found.interval, found.needs) == (3.0, None, None)


def test_the_p99_of_40_values_states_what_it_needs() -> None:
    found = percentile([float(value) for value in range(40)], 99)
    assert (found.count, found.value, found.interval, found.needs) == (40, 39.0, None, 368)


def test_no_values_have_no_percentile() -> None:
    found = percentile([], 95)
    assert (found.count, found.value, found.interval, found.needs) == (0, None, None, 72)


def test_the_median_of_a_hundred_has_the_published_ranks() -> None:
    """Ranks 40 and 61, as in the tables of W. J. Conover, Practical Nonparametric Statistics (1999), table A3."""
    assert ranks(100, 50) == Ranks(49, 39, 60)
    found = percentile([float(value) for value in range(1, 101)], 50)
    assert (found.value, found.interval) == (50.0, Interval(40.0, 61.0))


def tail(count: int, share: float, most: int) -> float:
    """P(X <= most) for X ~ Bin(count, share), summed."""
    return sum(comb(count, hits) * share**hits * (1 - share) ** (count - hits) for hits in range(most + 1))


@pytest.mark.parametrize("count", [6, 37, 100, 368, 999])
@pytest.mark.parametrize("percent", [5, 50, 90, 95, 99])
def test_each_tail_is_as_large_as_it_may_be(count: int, percent: int) -> None:
    found = ranks(count, percent)
    if found.low is None or found.high is None:
        assert count < (least_count(percent) or 0)
        return
    share = percent / 100
    assert tail(count, share, found.low) <= 0.025 < tail(count, share, found.low + 1)
    beyond = count - found.high - 1
    assert tail(count, 1 - share, beyond) <= 0.025 < tail(count, 1 - share, beyond + 1)


@pytest.mark.parametrize("count", [1_000_000, 10_000_000])
def test_ranks_of_many_values_are_near_the_normal_approximation(count: int) -> None:
    found = ranks(count, 99)
    half = 1.96 * (count * 0.99 * 0.01) ** 0.5
    assert found.low == pytest.approx(0.99 * count - half, abs=3)
    assert found.high == pytest.approx(0.99 * count + half, abs=3)


@pytest.mark.parametrize(("percent", "count"), [(50, 200), (95, 400)])
def test_the_interval_holds_the_true_percentile_in_95_of_100_samples(percent: int, count: int) -> None:
    """Lognormal, as latencies are; the nominal coverage of both pairs is 95 to 96 %."""
    rng, hits, true = Random(percent), 0, 2.718281828459045 ** NormalDist().inv_cdf(percent / 100)
    for _ in range(SAMPLES):
        found = percentile(sorted(rng.lognormvariate(0, 1) for _ in range(count)), percent)
        assert found.interval is not None
        hits += found.interval.low <= true <= found.interval.high
    assert 0.93 <= hits / SAMPLES <= 0.97
