"""How far the supply went beyond the highest demand."""
from __future__ import annotations

from elastometer.analysis.price.whole import Whole, peak, pieces
from elastometer.model.price import Overshoot


def overshoot(demand: Whole, ready: Whole, ordered: Whole, end: int) -> Overshoot:
    """From the start of the load to `end`."""
    highest = peak(demand, 0, end)
    return Overshoot(
        highest, max(0, peak(ready, 0, end) - highest), _beyond(ready, highest, end),
        max(0, peak(ordered, 0, end) - highest) if ordered else None,
        _beyond(ordered, highest, end) if ordered else None)


def _beyond(supply: Whole, highest: int, end: int) -> int:
    return sum((right - left) * max(0, values[0] - highest) for left, right, values in pieces([supply], 0, end))
