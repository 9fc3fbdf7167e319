"""Variation beyond chance: what chance makes of counts is taken off, and how often the interval holds the truth."""
from __future__ import annotations

from math import sqrt
from random import Random

import pytest

from elastometer.statistics.variation import chi_square_quantile, variation_beyond_chance, variation_interval

SAMPLES = 2000


def test_counts_that_vary_as_chance_does_have_no_variation_of_their_own() -> None:
    """Mean 100 and variance 100: nothing is left. Equal counts vary less than chance would make them."""
    assert variation_beyond_chance([90, 110, 90, 110, 100, 100, 100, 100]) == 0.0
    assert variation_beyond_chance([100] * 8) == 0.0


def test_what_is_left_is_the_variation_of_the_rate_in_percent() -> None:
    """Mean 100, variance 30,000 / 7: √(0.42857 − 0.01)."""
    counts = [150, 50, 150, 50, 150, 50, 100 + 50, 100 - 50]
    assert variation_beyond_chance(counts) == pytest.approx(100 * sqrt(20_000 / 7 / 10_000 - 0.01))


def test_fewer_than_six_bins_have_no_interval() -> None:
    assert variation_interval([100, 120, 90, 80, 130]) is None
    assert variation_interval([100, 120, 90, 80, 130, 90]) is not None


@pytest.mark.parametrize(("freedom", "low", "high"), [
    (5, 0.8312, 12.8325), (10, 3.2470, 20.4832), (59, 39.6619, 82.1174)])
def test_the_quantiles_are_near_those_of_the_tables(freedom: int, low: float, high: float) -> None:
    assert chi_square_quantile(freedom, -1.959964) == pytest.approx(low, rel=0.05)
    assert chi_square_quantile(freedom, 1.959964) == pytest.approx(high, rel=0.002)


@pytest.mark.parametrize("bins", [12, 60])
def test_the_interval_holds_the_true_variation_in_95_of_100_samples(bins: int) -> None:
    """Rates that vary by 20 % around 400 a bin, and counts that chance adds to them."""
    rng, held = Random(bins), 0
    for _ in range(SAMPLES):
        counts = []
        for _ in range(bins):
            rate = rng.gauss(400, 80)
            counts.append(max(0, round(rng.gauss(rate, sqrt(max(1.0, rate))))))
        found = variation_interval(counts)
        assert found is not None
        held += found.low <= 20 <= found.high
    assert 0.93 <= held / SAMPLES <= 0.97
