"""Numbers as the sentences of the story print them."""
from __future__ import annotations


def milliseconds(value: float) -> str:
    """412 ms, 9.4 s, 185 s."""
    return f"{value:.0f} ms" if abs(value) < 1000 else f"{value / 1000:.3g} s"


def count(value: float) -> str:
    """With thousands separators."""
    return f"{value:,.0f}"


def seconds_text(value: float) -> str:
    """An instant in seconds from the start of the load."""
    return f"{value:+.0f} s"
