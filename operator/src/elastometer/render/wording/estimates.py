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
          "those of percentiles and shares assume that requests do not depend on each other")


def percentile(found: Percentile) -> str:
    """The value with its interval, or how many values it would take: fewer say nothing about a percentile."""
    if found.interval is None:
        return numbers.duration(found.value) if found.needs is None else needs(found.needs)
    return f"{numbers.duration(found.value)} ({between(found.interval)})"


def needs(count: int) -> str:
    """Instead of a percentile of too few values."""
    return f"needs n ≥ {count}"


def enough(count: int, percent: int, value: float | None) -> str:
    """A percentile of so many values without its interval, or how many values it would take."""
    least = least_count(percent)
    return numbers.duration(value) if value is None or least is None or count >= least else needs(least)


def between(found: Interval) -> str:
    """From and to, as durations."""
    return f"{numbers.duration(found.low)} to {numbers.duration(found.high)}"


def quantile(of: Quantiles, name: str, value: float | None) -> tuple[str, str]:
    """(the percentile of that name, its interval), or (how many values it needs, nothing)."""
    interval, least = of.intervals.get(name), of.needs.get(name)
    if not of.count:
        return numbers.DASH, ""
    if interval is None:
        return (numbers.duration(value) if least is None else needs(least)), ""
    return numbers.duration(value), between(interval)


def mean(of: Quantiles) -> tuple[str, str]:
    """(the mean, its ±, or how many values that would take)."""
    if of.mean is None:
        return numbers.DASH, ""
    return numbers.duration(of.mean), \
        f"± {needs(NEEDS)}" if of.mean_plus_minus is None else f"± {numbers.duration(of.mean_plus_minus)}"


def rate(found: Rate | None, percent: float | None) -> tuple[str, str]:
    """(the share as it is judged, its interval); of none and of all, the one bound that is left."""
    if found is None:
        return numbers.DASH, ""
    return numbers.number(percent, 2, " %"), in_words.share_interval(found)
