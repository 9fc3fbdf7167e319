"""What failed at a level, in numbers, and whether that is more than noise."""
from __future__ import annotations

from elastometer.model.in_words import bound, duration
from elastometer.model.levels import LevelObjective, LevelRow
from elastometer.model.terms import Indicator
from elastometer.model.verdict import Verdict

_WORDS = {
    Indicator.TIME_TO_FIRST_TOKEN.value: "time to first token",
    Indicator.TIME_PER_OUTPUT_TOKEN.value: "time per output token",
    Indicator.REQUEST_LATENCY.value: "latency", Indicator.REQUEST_SUCCESS.value: "errors",
}


def failures_of(row: LevelRow) -> tuple[str, ...]:
    """Each objective that did not hold, as `errors 1.2 % (0.9 to 1.6 %), bound 1 %`; what the load generator says of a
    step stands as it is."""
    found = [_failure(one) for one in row.objectives if one.result.verdict is not Verdict.PASS]
    return (*found, *filter(None, (row.failed, row.inconclusive)))


def is_within_noise(row: LevelRow) -> bool:
    """Whether another run of this level could have had the other verdict, as far as the intervals say: for a level that
    failed, no failure lies beyond noise; for one that held, some bound lies within its interval."""
    if row.verdict is Verdict.FAIL:
        failed = [one for one in row.objectives if one.result.verdict is Verdict.FAIL]
        return bool(failed) and row.failed is None and all(one.is_beyond_noise is False for one in failed)
    return any(one.is_beyond_noise is False for one in row.objectives)


def _failure(one: LevelObjective) -> str:
    result = one.result
    if result.measured is None or result.bound is None:
        return result.message
    if result.unit != "%":
        name = f"{result.name}: {_WORDS.get(result.indicator, result.indicator)}"
        return f"{name} {duration(result.measured)}{_between(one)}, bound {bound(result.bound)}"
    if result.indicator == Indicator.REQUEST_SUCCESS.value:
        return f"errors {_percent(100 - result.measured)}{_between(one)}, bound {_percent(100 - result.bound)}"
    return f"{result.check or result.name} passed {_percent(result.measured)}{_between(one)}, " \
           f"bound {_percent(result.bound)}"


def _between(one: LevelObjective) -> str:
    if one.interval is None:
        return ""
    low, high = one.interval.low, one.interval.high
    if low is None:
        return " of those served; too many were not"
    if high is None:
        return f" ({duration(low)} or more)"
    if one.result.indicator == Indicator.REQUEST_SUCCESS.value:
        low, high = 100 - high, 100 - low
    return f" ({low:.2g} to {_percent(high)})" if one.result.unit == "%" else f" ({duration(low)} to {duration(high)})"


def _percent(value: float) -> str:
    return f"{round(value, 2):g} %"
