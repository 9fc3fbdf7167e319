"""What was held, by what it was for. The parts add up to the whole exactly, since all of them are whole numbers."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from elastometer.analysis.price.spans import Span
from elastometer.analysis.price.whole import Whole, counted, overlap, pieces
from elastometer.model.price import Part, PartOfHeld

# In the order in which they are shown.
SPLIT = (Part.USEFUL, Part.KEPT, Part.IDLE, Part.STARTING, Part.DRAINING, Part.PENDING)
WITHOUT_DEMAND = (Part.READY, Part.STARTING, Part.DRAINING, Part.PENDING)


@dataclass(frozen=True, slots=True)
class Demanded:
    """What Ready is split by: the demand, and what of it some work demanded. The rest of the demand is the replica that
    a target needs which may not scale to zero."""

    all: Whole
    by_work: Whole


def parts(found: Sequence[Span], demand: Demanded | None, end: int, gpus: int | None) -> tuple[PartOfHeld, ...]:
    """From the start of the load to `end`. Ready is split where there is a demand; without one it is one part."""
    areas = dict.fromkeys(Part, 0)
    for span in found:
        areas[span.part] += overlap(span.stretch, 0, end)
    if demand is not None:
        needed = met(ready(found), demand.all, 0, end)
        areas[Part.USEFUL] = met(ready(found), demand.by_work, 0, end)
        areas[Part.KEPT] = needed - areas[Part.USEFUL]
        areas[Part.IDLE] = areas[Part.READY] - needed
    return tuple(PartOfHeld(part, areas[part], None if gpus is None else gpus * areas[part])
                 for part in (WITHOUT_DEMAND if demand is None else SPLIT))


def ready(found: Sequence[Span]) -> Whole:
    """How many Pods were Ready."""
    return counted(span.stretch for span in found if span.part is Part.READY)


def met(supply: Whole, demand: Whole, start: int, end: int) -> int:
    """Replica-milliseconds in which a replica of the supply was demanded."""
    return sum((right - left) * min(has, needs) for left, right, (has, needs) in pieces([supply, demand], start, end))


def missing(supply: Whole, demand: Whole, start: int, end: int, most: int | None = None) -> int:
    """Replica-milliseconds in which the demand exceeded the supply, counting at most `most` replicas at a time."""
    return sum((right - left) * min(max(0, needs - has), needs if most is None else most)
               for left, right, (has, needs) in pieces([supply, demand], start, end))


def area(function: Whole, start: int, end: int) -> int:
    """Replica-milliseconds under the function."""
    return sum((right - left) * values[0] for left, right, values in pieces([function], start, end))
