"""Numbers with their uncertainty, as reports and comparisons hold them. Every interval is at 95 %.

`elastometer.statistics` computes them; each formula has its source there. Where too few values allow no interval, it is
None and `needs` states how many values it takes.
"""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`, in the unit of the value that it belongs to."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class OpenInterval:
    """As Interval; an end is None where it lies beyond every value that was observed: at requests that never got so
    far, which are slower than all others. Where `low` is None, so is `high`."""

    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Percentile:
    """A percentile of `count` values by nearest rank, so that it is a value that was observed; None without values.

    `needs` is the smallest number of values for which an interval exists; None where there is one.
    """

    percent: float
    count: int
    value: float | None
    interval: Interval | None
    needs: int | None


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `count`, in percent. At 0 of n and at n of n the interval has one end that is not 0 or 100: what the
    rate may be at most, or must be at least."""

    hits: int
    count: int
    percent: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of `count` values in order of time. The half-width `plus_minus` is None for fewer than `needs` values,
    and `needs` is None otherwise."""

    count: int
    value: float | None
    plus_minus: float | None
    needs: int | None


@dataclass(frozen=True, slots=True)
class Slope:
    """Change per unit of time over `count` points; `at_start` is the height of the line at the first of them."""

    count: int
    value: float
    interval: Interval | None
    at_start: float
    needs: int | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """The second group's statistic minus the first one's. `interval` is None where a group is too small."""

    value: float
    interval: Interval | None
    needs: int | None = None

    @property
    def is_beyond_noise(self) -> bool:
        """Whether the interval excludes zero."""
        return self.interval is not None and not self.interval.low <= 0.0 <= self.interval.high
