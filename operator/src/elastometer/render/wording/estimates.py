"""Numbers with their uncertainty, as people read them: one place for all tables. Every interval is at 95 %."""
from __future__ import annotations

from elastometer.model import in_words
from elastometer.model.estimates import Interval, Percentile, Rate
from elastometer.model.load_rows import Quantiles
from elastometer.render.wording import numbers
from elastometer.statistics.means import NEEDS
from elastometer.statistics.percentiles import least_count

# What a table says of all its intervals.
SOURCE = ("intervals at 95 %: order statistics for percentiles, blocks of time for means (±), Wilson's for shares; "
          "those of percentiles and shares assume that requests do not depend on each other. An interval takes "
          f"{NEEDS} values for a mean, 6 for p50, 36 for p90, 72 for p95, 368 for p99; a percentile that would only be "
          "the largest value is left out")


def percentile(found: Percentile) -> str:
    """The value with its interval, or without one where there are too few values for it."""
    if found.interval is None:
        return enough(found.count, round(found.percent), found.value)
    return f"{numbers.duration(found.value)} ({between(found.interval)})"


def needs(count: int) -> str:
    """How many values it would take."""
    return f"n ≥ {count}"


def enough(count: int, percent: int, value: float | None) -> str:
    """A percentile of so many values without its interval; a dash, and how many values it would take, where it would
    only be the largest of them."""
    least = least_count(percent)
    if value is None or least is None or not _is_largest(count, percent):
        return numbers.duration(value)
    return f"{numbers.DASH} ({needs(least)})"


def _is_largest(count: int, percent: int) -> bool:
    return -(-count * percent // 100) >= count


def between(found: Interval) -> str:
    """From and to, as durations."""
    return f"{numbers.duration(found.low)} to {numbers.duration(found.high)}"


def quantile(of: Quantiles, name: str, value: float | None) -> tuple[str, str]:
    """(the percentile of that name, its interval); without an interval as `enough` has it."""
    interval, least = of.intervals.get(name), of.needs.get(name)
    if not of.count:
        return numbers.DASH, ""
    if interval is not None:
        return numbers.duration(value), between(interval)
    if least is not None and _is_largest(of.count, int(name.removeprefix("p"))):
        return numbers.DASH, needs(least)
    return numbers.duration(value), ""


def mean(of: Quantiles) -> tuple[str, str]:
    """(the mean, its ±, which there is from NEEDS values on)."""
    if of.mean is None:
        return numbers.DASH, ""
    return numbers.duration(of.mean), \
        "" if of.mean_plus_minus is None else f"± {numbers.duration(of.mean_plus_minus)}"


def rate(found: Rate | None, percent: float | None) -> tuple[str, str]:
    """(the share as it is judged, its interval); of none and of all, the one bound that is left."""
    if found is None:
        return numbers.DASH, ""
    return numbers.number(percent, 2, " %"), in_words.share_interval(found)
