"""A scale from values to percent of a length, with round ticks."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor, log10

_STEPS = (1.0, 2.0, 5.0, 10.0)
_ROOM = 0.08


@dataclass(frozen=True, slots=True)
class Scale:
    """From `low` to `high`; both differ."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """In percent of the length; what lies beyond the ends is put at them."""
        return round(min(100.0, max(0.0, 100 * (value - self.low) / (self.high - self.low))), 2)

    def ticks(self, most: int = 6) -> Iterator[float]:
        """At most `most` + 1 round values, in rising order."""
        rough = (self.high - self.low) / most
        power = 10.0 ** floor(log10(rough))
        step = next(power * one for one in _STEPS if power * one >= rough * (1 - 1e-9))
        first, last = -(-self.low // step), self.high // step
        return (round(step * number, 12) for number in range(int(first), int(last) + 1))


def scale_around(values: Sequence[float], reach: Sequence[float] = ()) -> Scale:
    """Around the values, with room at both ends; `reach` are the ends of their intervals, of which it shows what lies
    no further away than the values are from each other. Amounts, which are never negative, begin at 0 or above."""
    low, high = min(values), max(values)
    length = (high - low) or abs(high) or 1.0
    shown = [one for one in reach if low - length <= one <= high + length]
    least, most = min([low, *shown]), max([high, *shown])
    room = _ROOM * (most - least or length)
    return Scale(least - room if low < 0 else max(0.0, least - room), most + room)
