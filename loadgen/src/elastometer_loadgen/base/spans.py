"""A closed range that a value is drawn from, as a profile writes it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from elastometer_loadgen.base.fields import Fields, shown


@dataclass(frozen=True, slots=True)
class Span:
    """A closed range that a value is drawn from; low equals high when it is fixed."""

    low: Fraction
    high: Fraction


THINKING = ("0", "86400")
NO_THINKING = Span(Fraction(0), Fraction(0))


def decimal_span(fields: Fields, name: str, low: str, high: str) -> Span | None:
    """A decimal string, or two of them as `minimum` and `maximum`; None when the field is absent."""
    if not fields.has(name):
        return None
    if not isinstance(fields.raw(name), Mapping):
        fixed = fields.decimal(name, low, high, default=Fraction(low))
        return None if fixed is None else Span(fixed, fixed)
    bounds = fields.mapping(name, ("minimum", "maximum"))
    bounds.require("minimum")
    bounds.require("maximum")
    lowest = bounds.decimal("minimum", low, high, default=Fraction(low))
    highest = bounds.decimal("maximum", low, high, default=Fraction(high))
    return ordered_span(bounds, lowest or Fraction(0), highest or Fraction(0))


def integer_span(fields: Fields, name: str, low: int, high: int, *, default: int | None = None) -> Span:
    """An integer, or two of them as `minimum` and `maximum`; without a default it is required."""
    if not isinstance(fields.raw(name), Mapping):
        fixed = fields.integer(name, low, high, default=default)
        return Span(Fraction(fixed), Fraction(fixed))
    bounds = fields.mapping(name, ("minimum", "maximum"))
    least, most = (bounds.integer(bound, low, high, default=None) for bound in ("minimum", "maximum"))
    return ordered_span(bounds, Fraction(least), Fraction(most))


def ordered_span(bounds: Fields, low: Fraction, high: Fraction) -> Span:
    """The span of two bounds that were read; notes a fault when the minimum is above the maximum."""
    if low > high and bounds.has("minimum") and bounds.has("maximum"):
        bounds.refuse("maximum", f"be at least the minimum, {shown(bounds.raw('minimum'))}")
    return Span(low, high)
