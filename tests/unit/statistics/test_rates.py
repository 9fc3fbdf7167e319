"""Rates: exact shares, bounds of 0 of n, and how often the interval holds the true rate."""

from __future__ import annotations

from random import Random

import pytest

from elastometer.model.estimates import Interval
from elastometer.statistics.rates import difference_of_rates, rate, truncated_percent

SAMPLES = 2000


def test_a_rate_is_in_percent_and_has_wilsons_interval() -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table I, method 3."""
    found = rate(81, 263)
    assert (found.hits, found.count, found.percent) == (81, 263, 30.7985)
    assert (found.interval.low, found.interval.high) == pytest.approx((25.53, 36.62), abs=0.005)


def test_none_of_n_is_an_upper_bound_and_all_of_n_a_lower_one() -> None:
    """z²/(n + z²) = 3.8415/103.8415."""
    assert rate(0, 100).interval == Interval(0.0, 3.6993)
    assert rate(100, 100).interval == Interval(96.3007, 100.0)


@pytest.mark.parametrize(("hits", "count", "percent"), [
    (0, 5, 0.0), (2, 3, 66.66), (999_999, 1_000_000, 99.99), (1, 1, 100.0), (19_999, 20_000, 99.99),
])
def test_a_share_is_truncated_and_never_rounded_up(hits: int, count: int, percent: float) -> None:
    assert truncated_percent(hits, count) == percent


@pytest.mark.parametrize(("share", "count"), [(0.3, 200), (0.033, 100), (0.99, 500)])
def test_the_interval_holds_the_true_rate_in_95_of_100_samples(share: float, count: int) -> None:
    """The second has 0 of n in 3.5 % of its samples, and its rate is near the bound that they get."""
    rng, held = Random(count), 0
    for _ in range(SAMPLES):
        found = rate(sum(rng.random() < share for _ in range(count)), count)
        held += found.interval.low <= 100 * share <= found.interval.high
    assert 0.93 <= held / SAMPLES <= 0.97


def test_the_difference_of_two_shares_has_newcombes_interval() -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table II, case (a), method 10: 56/70 and 48/80."""
    found = difference_of_rates(rate(48, 80), rate(56, 70))
    assert found.value == 20.0
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((5.24, 33.39), abs=0.01)


def test_no_hit_in_either_group_leaves_their_difference_open() -> None:
    """A bootstrap would call it 0 for certain."""
    assert difference_of_rates(rate(0, 100), rate(0, 100)).interval == Interval(-3.6993, 3.6993)


def test_the_difference_holds_the_true_one_in_95_of_100_samples() -> None:
    rng, held = Random(7), 0
    for _ in range(SAMPLES):
        first, second = (rate(sum(rng.random() < share for _ in range(150)), 150) for share in (0.1, 0.2))
        found = difference_of_rates(first, second).interval
        assert found is not None
        held += found.low <= 10 <= found.high
    assert 0.93 <= held / SAMPLES <= 0.97
