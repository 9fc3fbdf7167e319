"""A property that never takes its branch fails, although none of its asserts does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.reach import reached, reaches


@settings(max_examples=20, database=None)
@given(st.integers(0, 9))
def halves(number: int) -> None:
    if number % 2 == 0:
        reached("even")


@settings(max_examples=20, database=None)
@given(st.integers(0, 9))
def never(number: int) -> None:
    if number > 9:
        reached("above nine")


def test_a_branch_that_is_taken_often_enough_passes() -> None:
    reaches({"even": 1})(halves)()


def test_a_branch_that_is_never_taken_fails_the_property() -> None:
    with pytest.raises(AssertionError, match=r"above nine.*0 of 1"):
        reaches({"above nine": 1})(never)()


def test_each_run_of_a_test_counts_from_zero() -> None:
    counted = reaches({"even": 1})(halves)
    counted()
    with pytest.raises(AssertionError, match="0 of 1"):
        reaches({"even": 1})(never)()
