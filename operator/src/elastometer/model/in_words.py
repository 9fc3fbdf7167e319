"""Durations and counts in words, as sentences, pages and terminals all print them."""
from __future__ import annotations

from elastometer.model.estimates import Rate


def duration(milliseconds: float) -> str:
    """To three significant digits: 412 ms, 9.42 s, 11.2 s, 3 min 05 s."""
    if 0 < abs(milliseconds) < 10:
        return f"{milliseconds:.1f}".removesuffix(".0") + " ms"
    if abs(milliseconds) < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if abs(seconds) < 10:
        return f"{seconds:.2f} s"
    if abs(seconds) < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def bound(milliseconds: float) -> str:
    """A bound as the test states it: 500 ms, 2 s, 30 s."""
    return f"{milliseconds:g} ms" if milliseconds < 1000 else f"{milliseconds / 1000:g} s"


def count(value: float) -> str:
    """A whole number, with thousands separators."""
    return f"{value:,.0f}"


def plural(number: float, noun: str) -> str:
    """1 replica, 1,000 replicas, 7.4 requests."""
    shown = count(number) if number == round(number) else f"{number:,g}"
    return f"{shown} {noun}{'' if number == 1 else 's'}"


def share_interval(found: Rate) -> str:
    """The interval of a share; of none and of all, the one bound that is left."""
    low, high = found.interval.low, found.interval.high
    if found.hits == 0:
        return f"at most {percent(high)}"
    return f"at least {percent(low)}" if found.hits == found.count else f"{percent(low)} to {percent(high)}"


def percent(value: float) -> str:
    """Two decimals; a share too small for them is not rounded to nothing."""
    return f"{value:.2f} %" if value >= 0.01 else f"{value:.1g} %"
