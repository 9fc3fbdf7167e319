"""Instants as datetimes, in RFC 3339: what the API server serves, and what this machine's clock gives.

The only place in the operator that reads or writes the text of a datetime. Analysis compares instants as integers of
nanoseconds (`model.units`), and the load generator, which stands alone, writes integers of microseconds (its
`base.record`): all three read each other's text. Text without an offset from UTC names no instant and is refused.
"""
from __future__ import annotations

from datetime import UTC, datetime


def parse_instant(text: str) -> datetime:
    """The instant of an RFC 3339 text, in UTC; raises ValueError when it is not one, or names no offset."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"a time must end in `Z` or an offset, is {text!r}")
    return instant.astimezone(UTC)


def format_instant(instant: datetime) -> str:
    """In UTC with microseconds and a `Z`, as every file of a run has it."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def format_seconds(instant: datetime) -> str:
    """In UTC in whole seconds, as the API server has it (metav1.Time)."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
