"""Numbers as the sentences of the story print them."""
from __future__ import annotations

from decimal import Decimal


def milliseconds(value: float) -> str:
    """412 ms, 9.4 s, 185 s."""
    return f"{value:.0f} ms" if abs(value) < 1000 else f"{value / 1000:.3g} s"


def count(value: float) -> str:
    """With thousands separators."""
    return f"{value:,.0f}"


def plural(number: float, noun: str) -> str:
    """1 replica, 1,000 replicas, 7.4 requests."""
    shown = f"{number:,.0f}" if number == round(number) else f"{number:,g}"
    return f"{shown} {noun}{'' if number == 1 else 's'}"


def amount(value: str) -> str:
    """0.572, 1.13, 4,611.96: a decimal string to the cent, and less than 1 to three digits."""
    number = Decimal(value)
    return f"{number:,.2f}" if abs(number) >= 1 or number == 0 else f"{number:.3g}"


def seconds_text(value: float) -> str:
    """An instant in seconds from the start of the load."""
    return f"{value:+.0f} s"
