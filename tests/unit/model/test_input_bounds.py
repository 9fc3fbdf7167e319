"""Bounds of the groups by input length: what a test may state, and what it is refused for."""
from __future__ import annotations

from typing import Any

import pytest

from elastometer.model.input_bounds import input_bound_flaws, input_character_bounds


def spec(bounds: Any) -> dict[str, Any]:
    return {"measurement": {"inputCharacterBounds": bounds}}


def test_rising_bounds_are_taken_as_stated() -> None:
    assert input_character_bounds(spec([15, 30, 60])) == (15, 30, 60)
    assert list(input_bound_flaws(spec([15, 30, 60]))) == []
    assert input_character_bounds({}) == ()


@pytest.mark.parametrize("bounds", [[30, 15], [15, 15, 30]])
def test_bounds_that_do_not_rise_are_refused_with_all_of_them(bounds: list[int]) -> None:
    (flaw,) = input_bound_flaws(spec(bounds))
    assert flaw == ("spec.measurement.inputCharacterBounds: each must be greater than the one before it, is "
                    + ", ".join(map(str, bounds)))
