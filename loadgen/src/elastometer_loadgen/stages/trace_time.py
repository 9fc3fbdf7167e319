"""The times of recorded requests: dates, or numbers that count seconds or parts of one, and what they look like.

A format has its unit, but files of others are converted by many programs, and a trace in seconds that is read as
milliseconds is a thousand times too fast. Such a file is read as its format says, with a warning. Pure.
"""

import math
import re
from array import array
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from elastometer_loadgen.base.fields import shown
from elastometer_loadgen.base.files import FileFault

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
DATE_RULE = "must be a date and time such as 2023-11-16 18:15:46.6805900"
# 2001 to 2099 in seconds since 1970.
EPOCH_SECONDS = (978_307_200, 4_102_444_800)
# Less than this between any two requests is a rate that few recordings have, and a common one in seconds.
SHORT_GAP_SECONDS = 0.01
# As much between all requests of a trace is a quarter of an hour without any load.
LONG_GAP_SECONDS = 1000.0


class TimeUnit(StrEnum):
    """What the numbers of a file count."""

    SECONDS = "Seconds"
    MILLISECONDS = "Milliseconds"
    MICROSECONDS = "Microseconds"
    NANOSECONDS = "Nanoseconds"

    @property
    def per_second(self) -> int:
        """How many of them are a second."""
        return int(1000 ** list(TimeUnit).index(self))


class Time(NamedTuple):
    """A time as a number of `unit`, or a date in seconds since 1970, where there is none."""

    value: Decimal
    unit: TimeUnit | None

    def seconds_after(self, other: "Time") -> float:
        """How much later it is than one of the same unit."""
        return float((self.value - other.value) / (1 if self.unit is None else self.unit.per_second))


class Doubt(NamedTuple):
    """A unit that the times rather seem to have, and why."""

    unit: TimeUnit
    reason: str


def read_time(value: object, where: str, column: str, unit: TimeUnit | None) -> Time:
    """A date, or a number of `unit`; raises FileFault."""
    number = plain_number(value)
    if number is not None and unit is not None:
        return Time(checked_number(value, where, column, unit.lower()), unit)
    if number is not None:
        raise FileFault(f"{where}: {column} {DATE_RULE}, or timeUnit must say what numbers count; got {shown(value)}")
    at = _date(value) if isinstance(value, str) else None
    if at is not None:
        return Time(at, None)
    if unit is None:
        raise FileFault(f"{where}: {column} {DATE_RULE}; got {shown(value)}")
    raise FileFault(f"{where}: {column} must be a number of {unit.lower()} of at least 0; got {shown(value)}")


def checked_number(value: object, where: str, column: str, what: str) -> Decimal:
    """A number of at least 0, from text or JSON; raises FileFault."""
    number = plain_number(value)
    if number is None or not number >= 0 or float(number) == math.inf:
        raise FileFault(f"{where}: {column} must be a number of {what} of at least 0; got {shown(value)}")
    return number


def plain_number(value: object) -> Decimal | None:
    """The number in a value; None for anything else, such as `1_000`, which Python would read."""
    if isinstance(value, str):
        text = value.strip()
        return Decimal(text) if len(text) < 400 and NUMBER.fullmatch(text) else None
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def _date(text: str) -> Decimal | None:
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    past = (at if at.tzinfo is not None else at.replace(tzinfo=UTC)) - EPOCH
    return Decimal(past.days * 86_400 + past.seconds) + Decimal(past.microseconds) / 1_000_000


def doubt(first: Time, times: "array[float]", *, has_fractions: bool) -> Doubt | None:
    """Another unit that the times seem to have; `times` are the seconds since the first as they were read."""
    unit = first.unit
    if unit is None or not times[-1]:
        return None
    like = _unit_of_epoch(first.value)
    if like is not None:
        date = f"its first time, {first.value}, would then be a date of this century"
        return None if like is unit else Doubt(like, date)
    gaps = [later - earlier for earlier, later in pairwise(times) if later > earlier]
    if unit is TimeUnit.MILLISECONDS and max(gaps) < SHORT_GAP_SECONDS:
        return Doubt(TimeUnit.SECONDS, "every gap between its times is below 10")
    if unit is TimeUnit.MILLISECONDS and has_fractions:
        return Doubt(TimeUnit.SECONDS, "its times have fractions")
    if unit is TimeUnit.SECONDS and len(gaps) > 1 and min(gaps) >= LONG_GAP_SECONDS and not has_fractions:
        return Doubt(TimeUnit.MILLISECONDS, "every gap between its times is at least 1000")
    return None


def _unit_of_epoch(value: Decimal) -> TimeUnit | None:
    low, high = EPOCH_SECONDS
    return next((unit for unit in TimeUnit if low <= value / unit.per_second <= high), None)
