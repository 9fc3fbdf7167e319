"""Quantities as the API machinery of Kubernetes 1.35 computes them; its own ParseQuantity printed the numbers."""

import pytest

from elastometer.hpa.quantity import approximate, milli_units, sign


@pytest.mark.parametrize(("text", "milli"), [
    ("0", 0), ("1", 1000), ("500m", 500), ("1.5", 1500), (".5", 500), ("5.", 5000), ("+2", 2000),
    ("2Gi", 2147483648000), ("1e3", 1000000), ("1E3", 1000000), ("1e-3", 1), ("0.1m", 1), ("1n", 1), ("-1.5m", -2),
    ("1k", 1000000), ("007", 7000), ("1.5Gi", 1610612736000),
])
def test_a_quantity_is_thousandths_rounded_up(text: str, milli: int):
    assert milli_units(text) == milli


@pytest.mark.parametrize(("text", "milli"), [
    ("9E", 0), ("+0859032091018843M", 4112994336600346112), ("-817948192612616.e3", -6291453369395728896),
    ("-56Pi", 4611686018428), ("85850177548659.160287e30", -3712859254005170176), ("1e30", 0), ("1e-30", 1),
    ("9223372036854775807m", 9223372036854775807), ("123456789012345678901", -7269072992350064888),
])
def test_what_overflows_is_as_wrong_as_in_the_controller(text: str, milli: int):
    assert milli_units(text) == milli


@pytest.mark.parametrize("text", [
    "", "x", "m", "1 k", "1kk", "e3", "+", ".", "1e", "--1", "1Eb", "１", "NaN", "1_0", " 7", "7 "])
def test_a_text_that_is_not_a_quantity_is_refused_with_the_rule(text: str):
    with pytest.raises(ValueError, match=r"must be a quantity such as 500m, 1\.5 or 2Gi"):
        milli_units(text)


def test_a_tolerance_is_the_float_of_its_canonical_form():
    assert [approximate(text) for text in ("0", "400m", "0.15", "1", "7m", "100u", "1500m")] == [
        0.0, 0.4, 0.15, 1.0, 7 * 0.001, 100 * 1e-6, 1.5]


def test_the_sign_of_a_quantity_too_fine_for_thousandths_is_kept():
    assert (sign("1n"), sign("-1n"), sign("0.000")) == (1, -1, 0)
