"""The chance that a part of a whole holds so many of something."""
from __future__ import annotations

from itertools import combinations
from math import comb

import pytest

from elastometer.statistics.drawn import hypergeometric_at_least


def test_the_chance_of_three_hits_of_three_is_the_product_of_the_shares() -> None:
    assert hypergeometric_at_least(3, 3, 32, 240) == pytest.approx(32 * 31 * 30 / (240 * 239 * 238), rel=1e-9)


@pytest.mark.parametrize("hits", [0, 1, 2, 3])
def test_it_counts_as_many_draws_as_there_are(hits: int) -> None:
    """Every way to draw 3 of 8 things of which the first 4 are marked."""
    draws = list(combinations(range(8), 3))
    assert len(draws) == comb(8, 3)
    counted = sum(sum(one < 4 for one in draw) >= hits for draw in draws) / len(draws)
    assert hypergeometric_at_least(hits, 3, 4, 8) == pytest.approx(counted)


def test_what_must_be_so_has_the_chance_of_one() -> None:
    assert hypergeometric_at_least(0, 3, 4, 8) == 1.0
    assert hypergeometric_at_least(3, 3, 8, 8) == 1.0
    assert hypergeometric_at_least(2, 6, 4, 8) == 1.0, "of 6 of 8 things at least 2 are among any 4"


def test_large_counts_neither_overflow_nor_become_negative() -> None:
    assert 0.0 <= hypergeometric_at_least(900, 1000, 40_000, 500_000) < 1e-12
