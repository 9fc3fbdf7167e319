"""Instants, durations and sizes: the only place where units are converted.

An instant is a whole number of nanoseconds since 1970 UTC; a duration is a whole number of nanoseconds. Integers
keep differences exact, so that two runs which differ by a shift of the clock have the same durations to the digit.
"""
from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TypeAlias

Instant: TypeAlias = int
Nanoseconds: TypeAlias = int

SECOND: Nanoseconds = 1_000_000_000
MILLISECOND: Nanoseconds = 1_000_000
MEBIBYTE = 2 ** 20  # bytes
_WHOLE_LENGTH = len("2026-01-01T00:00:00")
_GO_UNITS = {"h": 3600 * SECOND, "m": 60 * SECOND, "s": SECOND, "ms": MILLISECOND, "us": 1000, "µs": 1000, "ns": 1}
_GO_DURATION = re.compile(r"(?:\d+(?:\.\d*)?(?:h|ms|m|us|µs|ns|s))+")
_GO_PART = re.compile(r"(\d+(?:\.\d*)?)(h|ms|m|us|µs|ns|s)")


# The instants of a bundle are close together: many share their whole second.
@lru_cache(maxsize=8192)
def _whole_seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def parse_instant(text: str) -> Instant:
    """RFC 3339 with any number of fraction digits; digits beyond nanoseconds are dropped. Raises ValueError."""
    if not text.endswith("Z"):
        return _parse_with_offset(text)
    fraction = text[_WHOLE_LENGTH:-1]
    if not fraction:
        return _whole_seconds(text[:_WHOLE_LENGTH]) * SECOND
    if fraction[0] != "." or not fraction[1:].isdigit():
        raise ValueError(f"instant must be RFC 3339, got '{text[:64]}'")
    return _whole_seconds(text[:_WHOLE_LENGTH]) * SECOND + int(fraction[1:10].ljust(9, "0"))


def _parse_with_offset(text: str) -> Instant:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"instant must carry a 'Z' or an offset, got '{text[:64]}'")
    return int(moment.replace(microsecond=0).timestamp()) * SECOND + moment.microsecond * 1000


def instant_or_none(value: object) -> Instant | None:
    """The instant, or None if the value is absent or not an instant."""
    if not isinstance(value, str):
        return None
    try:
        return parse_instant(value)
    except (ValueError, OverflowError):
        return None


def format_instant(instant: Instant, digits: int = 3) -> str:
    """RFC 3339 in UTC with `digits` digits of the second's fraction (not rounded)."""
    whole, rest = divmod(instant, SECOND)
    text = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{rest:09d}"[: len(text) + 1 + digits] + "Z" if digits else text + "Z"


def from_unix_seconds(seconds: float) -> Instant:
    """Prometheus' times, to the microsecond: a double near 2e9 is no more precise."""
    return round(seconds * 1_000_000) * 1000


def to_seconds(duration: Nanoseconds) -> float:
    """Seconds, to the millisecond: no two clocks of a run agree more closely."""
    return round(duration / SECOND, 3)


def to_milliseconds(duration: float) -> float:
    """Nanoseconds as milliseconds with one decimal. A float, since a mean need not be a whole number."""
    return round(duration / MILLISECOND, 1)


def go_duration_or_none(value: object) -> Nanoseconds | None:
    """A duration as Go prints it, such as `1m0.5s`; None if absent or not a duration. Parts below 1 ns are dropped."""
    if not isinstance(value, str) or _GO_DURATION.fullmatch(value) is None:
        return None
    return sum(int(Decimal(number) * _GO_UNITS[unit]) for number, unit in _GO_PART.findall(value))
