"""Step functions in whole replicas and whole milliseconds, whose areas are exact integers."""
from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from math import ceil, floor
from typing import TypeAlias

from elastometer.analysis.evidence.steps import Steps

# (milliseconds, value), in rising order of time; a value holds until the next one, and before the first it is 0.
Whole: TypeAlias = tuple[tuple[int, int], ...]
# Into so many parts a replica is divided, where loads are compared that are not whole.
PARTS = 10**9
# From (included) to (not included), in milliseconds.
Stretch: TypeAlias = tuple[int, int]


def milliseconds(seconds: float) -> int:
    """Whole milliseconds, as the report prints instants."""
    return round(seconds * 1000)


def whole(steps: Steps) -> Whole:
    """The step function to the millisecond. A part of a replica counts as a whole one: replicas cannot be divided."""
    return _to_the_millisecond(steps, lambda value: ceil(round(value, 9)))


def in_parts(steps: Steps) -> Whole:
    """The step function to the millisecond, in PARTS of a replica. Less than one of them is floating point's."""
    return _to_the_millisecond(steps, lambda value: floor(value * PARTS))


def _to_the_millisecond(steps: Steps, as_whole: Callable[[float], int]) -> Whole:
    found: list[tuple[int, int]] = []
    for time, value in steps.points:
        at = milliseconds(time)
        if found and found[-1][0] == at:
            found.pop()
        found.append((at, as_whole(value)))
    return tuple(found)


def counted(stretches: Iterable[Stretch]) -> Whole:
    """How many of the stretches cover each instant."""
    moves: dict[int, int] = defaultdict(int)
    for start, end in stretches:
        moves[start] += 1
        moves[end] -= 1
    total, found = 0, []
    for at in sorted(moves):
        if moves[at]:
            total += moves[at]
            found.append((at, total))
    return tuple(found)


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Stretches in order of their starts, with those that touch or overlap as one."""
    found: list[Stretch] = []
    for start, end in stretches:
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def value_at(function: Whole, at: int) -> int:
    """The value that holds at the instant."""
    index = bisect_right(function, at, key=lambda step: step[0]) - 1
    return 0 if index < 0 else function[index][1]


def pieces(functions: Sequence[Whole], start: int, end: int) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """(from, to, values) of every interval within [start, end] in which no function changes."""
    inner = {at for function in functions for at, _ in function if start < at < end}
    edges = [start, *sorted(inner), end]
    places, values = [0] * len(functions), [0] * len(functions)
    for left, right in pairwise(edges):
        for number, function in enumerate(functions):
            while places[number] < len(function) and function[places[number]][0] <= left:
                values[number] = function[places[number]][1]
                places[number] += 1
        if right > left:
            yield left, right, tuple(values)


def peak(function: Whole, start: int, end: int) -> int:
    """The highest value within [start, end)."""
    return max((values[0] for _, _, values in pieces([function], start, end)), default=0)


def overlap(stretch: Stretch, start: int, end: int) -> int:
    """Milliseconds of the stretch within [start, end]."""
    return max(0, min(stretch[1], end) - max(stretch[0], start))
