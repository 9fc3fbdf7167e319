"""Money and instants as the sentences of the story print them."""
from __future__ import annotations

from decimal import Decimal


def amount(value: str) -> str:
    """0.572, 1.13, 4,611.96: a decimal string to the cent, and less than 1 to three digits."""
    number = Decimal(value)
    return f"{number:,.2f}" if abs(number) >= 1 or number == 0 else f"{number:.3g}"


def seconds_text(value: float) -> str:
    """An instant in seconds from the start of the load."""
    return f"{value:+.0f} s"
