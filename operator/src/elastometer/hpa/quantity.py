"""Kubernetes quantities (`500m`, `1.5`, `2Gi`, `1e3`) as apimachinery/pkg/api/resource computes them.

A quantity of at most 18 digits is kept as an integer with a decimal exponent, a longer one as a big decimal. The two
round and overflow differently, and this module reproduces both.
"""
from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from elastometer.hpa.arithmetic import INT64_MAX, INT64_MIN, ceiling64, int64, quotient

RULE = "must be a quantity such as 500m, 1.5 or 2Gi"
_SHAPE = re.compile(r"([+-]?)(?=\.?[0-9])0*([0-9]*)(?:\.([0-9]*))?(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]?|[eE][+-]?[0-9]+)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_NANO = 9
_DIGITS = 18  # the most digits that always fit into 64 bits
_AT_ONCE = (0, 1, 2, 3, 6, 9)  # powers of ten that Go multiplies in one step; the others digit by digit
_EXPONENT_LIMIT = 1000  # beyond it, every number except 0 overflows or rounds to the smallest step


class _Amount(NamedTuple):
    """unscaled x 10^exponent. `big`: the API machinery would keep it as a big decimal."""

    unscaled: int
    exponent: int
    big: bool


# A trace repeats the same few quantities at every sync.
@lru_cache(maxsize=65536)
def milli_units(text: str) -> int:
    """Thousandths, rounded up. A value that overflows 64 bits is as wrong here as in the controller. Raises ValueError
    with the rule."""
    amount = _amount(text)
    return _big_milli(amount) if amount.big else _short_milli(amount)


def quantity(milli: int) -> str:
    """Thousandths as the API server formats them: 2, or 2500m."""
    return str(milli // 1000) if milli % 1000 == 0 else f"{milli}m"


def sign(text: str) -> int:
    """-1, 0 or 1."""
    unscaled = _amount(text).unscaled
    return (unscaled > 0) - (unscaled < 0)


def approximate(text: str) -> float:
    """The float that the controller makes of the canonical form: a whole number times a power of 1000."""
    unscaled, exponent, _ = _amount(text)
    if unscaled == 0:
        return 0.0
    while unscaled % 10 == 0:
        unscaled, exponent = unscaled // 10, exponent + 1
    unscaled, exponent = unscaled * 10 ** (exponent % 3), exponent - exponent % 3
    return float(unscaled) * float(f"1e{exponent}")


def _amount(text: str) -> _Amount:
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise ValueError(RULE)
    minus, whole, fraction, suffix = match.group(1) == "-", match.group(2) or "0", match.group(3) or "", match.group(4)
    if suffix in _BINARY:
        amount = _binary(whole, fraction, _BINARY[suffix])
    else:
        amount = _decimal(whole, fraction, _exponent(suffix))
    return amount._replace(unscaled=-amount.unscaled) if minus else amount


def _exponent(suffix: str) -> int:
    if suffix in _DECIMAL:
        return _DECIMAL[suffix]
    return max(-_EXPONENT_LIMIT, min(_EXPONENT_LIMIT, int(suffix[1:])))


def _decimal(whole: str, fraction: str, exponent: int) -> _Amount:
    unscaled, exponent = int(whole + fraction), exponent - len(fraction)
    if len(whole) + len(fraction) <= _DIGITS and exponent >= -_NANO:
        return _Amount(unscaled, exponent, False)
    return _in_nano(unscaled, exponent)


def _binary(whole: str, fraction: str, power: int) -> _Amount:
    if not fraction and len(whole) <= 14 - power * 3 // 10:
        value = int(whole) << power
        if value <= INT64_MAX:
            return _Amount(value, 0, False)
    amount = _in_nano(int(whole + fraction) << power, -len(fraction))
    if amount.unscaled > INT64_MAX * 10 ** max(0, -amount.exponent):
        return _Amount(INT64_MAX, 0, True)
    return amount


def _in_nano(unscaled: int, exponent: int) -> _Amount:
    """Billionths; anything finer is rounded up."""
    if exponent >= -_NANO:
        return _Amount(unscaled * 10 ** (exponent + _NANO), -_NANO, True)
    return _Amount(-(-unscaled // 10 ** (-_NANO - exponent)), -_NANO, True)


def _short_milli(amount: _Amount) -> int:
    """Rounded away from zero. A product that overflows wraps around if Go multiplies in one step, else it is 0."""
    unscaled, shift = amount.unscaled, amount.exponent + 3
    if shift >= 0:
        value: int = unscaled * 10**shift
        return int64(value) if INT64_MIN <= value <= INT64_MAX or shift in _AT_ONCE else 0
    value = -(-abs(unscaled) // int(10**-shift))
    return value if unscaled > 0 else -value


def _big_milli(amount: _Amount) -> int:
    """Rounded up, and wrapped around if it overflows."""
    unscaled, shift = amount.unscaled, amount.exponent + 3
    if shift >= 0:
        return int64(int64(unscaled) * ceiling64(float(f"1e{shift}")))
    divisor = int(10**-shift)
    if unscaled < INT64_MAX:
        unscaled = int64(unscaled)
        return quotient(unscaled, divisor) + (unscaled % divisor != 0)
    return int64(-(-unscaled // divisor))
