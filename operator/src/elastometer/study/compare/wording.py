"""Values and differences of a comparison in words."""
from __future__ import annotations

from elastometer.model.comparison import VariantDifference
from elastometer.model.estimates import Interval
from elastometer.model.in_words import duration
from elastometer.model.measure import Measure

# Units that are words.
_COUNTED = frozenset({"answers", "requests", "events", "replicas", "points", "bytes"})


def value_words(measure: Measure, value: float) -> str:
    """412 ms, 620 GPU-s, 38 s, 99.7 %, to about three significant digits."""
    if measure.unit == "ms":
        return duration(value)
    return with_unit(number(value), measure.unit)


def with_unit(shown: str, unit: str) -> str:
    """5 s, 1 request, 2 requests; a measure without a unit is a number."""
    return " ".join(filter(None, (shown, unit.removesuffix("s") if unit in _COUNTED and shown == "1" else unit)))


def number(value: float) -> str:
    """To three significant digits, or whole where it is larger: 0.174, 12.5, 620, 12,345."""
    if abs(value) >= 100 or value == round(value):
        return f"{value:,.0f}"
    digits = f"{value:.3g}"
    return f"{value:.3f}".rstrip("0").rstrip(".") if "e" in digits else digits


def amount_words(measure: Measure, difference: VariantDifference) -> str:
    """A difference with its interval: "−38 s (−56 to −20 s)", or by a factor "−12 % (−20 to −3 %)"."""
    if difference.percent_interval is not None and difference.percent is not None:
        low, high = (round(end, 1) for end in (difference.percent_interval.low, difference.percent_interval.high))
        return f"{signed(round(difference.percent, 1))} % ({between(Interval(low, high))} %)"
    if difference.absolute is None:
        return "unknown"
    if measure.unit == "ms":
        return f"{_sign(difference.absolute)}{duration(abs(difference.absolute))}{_interval(measure, difference)}"
    amount = _sign(difference.absolute) + with_unit(number(abs(difference.absolute)), amount_unit(measure))
    return amount + _interval(measure, difference)


def amount_unit(measure: Measure) -> str:
    """The unit of a difference. That of two percentages is in points: in percent, it would be read as a share of one of
    them."""
    return "points" if measure.unit == "%" else measure.unit


def between(found: Interval) -> str:
    """−56 to −20."""
    return f"{signed(found.low)} to {signed(found.high)}"


def signed(value: float) -> str:
    """With a sign, and a real minus."""
    return f"{_sign(value)}{number(abs(value))}"


def _interval(measure: Measure, difference: VariantDifference) -> str:
    found = difference.interval
    return "" if found is None else f" ({' '.join(filter(None, (between(found), amount_unit(measure))))})"


def _sign(value: float) -> str:
    return "−" if value < 0 else "+" if value > 0 else ""
