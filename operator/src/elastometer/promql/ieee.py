"""Arithmetic of IEEE 754, as Go computes queries and formulas, where Python raises an exception."""
from __future__ import annotations

from math import ceil, copysign, floor, inf, isfinite, isnan, nan


def divided(left: float, right: float) -> float:
    """left / right; by zero it is an infinity, or NaN where there is nothing to divide."""
    if right:
        return left / right
    if not left or isnan(left):
        return nan
    return copysign(inf, left) * copysign(1.0, right)


def ceiling(value: float) -> float:
    """The next whole number; what is not finite stays."""
    return float(ceil(value)) if isfinite(value) else value


def flooring(value: float) -> float:
    """The whole number before it; what is not finite stays."""
    return float(floor(value)) if isfinite(value) else value
