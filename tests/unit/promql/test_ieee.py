"""Division as Go has it, for queries and for formulas alike."""
from __future__ import annotations

from math import copysign, inf, isnan, nan

import pytest

from elastometer.promql.ieee import ceiling, divided, flooring


@pytest.mark.parametrize(("left", "right", "quotient"), [
    (6.0, 4.0, 1.5), (1.0, 0.0, inf), (-1.0, 0.0, -inf), (1.0, -0.0, -inf), (-1.0, -0.0, inf), (inf, 0.0, inf),
])
def test_by_zero_the_signs_decide_which_infinity_it_is(left: float, right: float, quotient: float) -> None:
    assert divided(left, right) == quotient


@pytest.mark.parametrize("left", [0.0, -0.0, nan])
def test_nothing_by_zero_is_no_number(left: float) -> None:
    assert isnan(divided(left, 0.0))


@pytest.mark.parametrize("value", [inf, -inf])
def test_what_is_not_finite_has_no_whole_number_beside_it(value: float) -> None:
    assert (ceiling(value), flooring(value)) == (value, value)


def test_whole_numbers_beside_a_value() -> None:
    assert (ceiling(-1.5), flooring(-1.5), copysign(1.0, ceiling(-0.5))) == (-1.0, -2.0, 1.0)
