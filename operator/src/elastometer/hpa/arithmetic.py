"""Numbers as Go computes them: integers of 64 and 32 bits that wrap around, division toward zero, IEEE floats.

A float that no integer can hold becomes the smallest integer, as on amd64. A float divided by zero has a value.
"""
from __future__ import annotations

import math

INT32_MAX = 2**31 - 1
INT32_MIN = -(2**31)
INT64_MAX = 2**63 - 1
INT64_MIN = -(2**63)


def int64(value: int) -> int:
    """The value wrapped around to 64 bits."""
    return value if INT64_MIN <= value <= INT64_MAX else (value + 2**63) % 2**64 - 2**63


def int32(value: int) -> int:
    """The value wrapped around to 32 bits."""
    return value if INT32_MIN <= value <= INT32_MAX else (value + 2**31) % 2**32 - 2**31


def quotient(dividend: int, divisor: int) -> int:
    """Integer division toward zero."""
    if dividend >= 0 < divisor:
        return dividend // divisor
    whole = abs(dividend) // abs(divisor)
    return int64(whole if (dividend < 0) == (divisor < 0) else -whole)


def divide(dividend: float, divisor: float) -> float:
    """Division of floats. Division by zero gives an infinity, 0/0 gives NaN."""
    if divisor:
        return dividend / divisor
    if dividend == 0 or math.isnan(dividend):
        return math.nan
    return math.copysign(math.inf, dividend) * math.copysign(1.0, divisor)


def truncated32(value: float) -> int:
    """The float's whole part as 32 bits."""
    return int(value) if -2147483649.0 < value < 2147483648.0 else INT32_MIN


def ceiling32(value: float) -> int:
    """The float rounded up, as 32 bits."""
    return math.ceil(value) if -2147483649.0 < value <= 2147483647.0 else INT32_MIN


def ceiling64(value: float) -> int:
    """The float rounded up, as 64 bits."""
    return math.ceil(value) if -9.3e18 < value < 9.223372036854775807e18 else INT64_MIN


# Instants are floats in seconds, but the controller compares whole nanoseconds: two instants that differ by less than
# half a nanosecond are equal. Without this, the edge of a window would depend on the rounding of a float.
SAME_INSTANT = 0.5e-9
