"""Step functions: a value holds from its instant until the next one. Before the first step there is no value."""
from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

Step: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps in rising order of time, equal neighbours merged; the last of several at one time wins."""

    points: tuple[Step, ...]

    @staticmethod
    def of(points: Iterable[Step]) -> Steps:
        """Steps from points in any order; points at one time keep their order of arrival."""
        merged: list[Step] = []
        for time, value in sorted(points, key=lambda point: point[0]):
            if merged and merged[-1][0] == time:
                merged.pop()
            if not merged or merged[-1][1] != value:
                merged.append((time, value))
        return Steps(tuple(merged))

    def value_at(self, time: float) -> float | None:
        """The value that holds at `time`; None before the first step."""
        index = bisect_right(self.points, (time, float("inf"))) - 1
        return None if index < 0 else self.points[index][1]

    def times(self) -> list[float]:
        """Where the value changes."""
        return [time for time, _ in self.points]

    def integral(self, start: float, end: float) -> float:
        """Area between two times; before the first step the function counts as 0."""
        edges = [start, *(time for time in self.times() if start < time < end), end]
        return sum((self.value_at(left) or 0.0) * (right - left) for left, right in pairwise(edges))


def segments(functions: Sequence[Steps], start: float, end: float) -> list[tuple[float, tuple[float, ...]]]:
    """(length, values) of every interval in which no function changes; a function without a value counts as 0."""
    inner = {time for function in functions for time in function.times() if start < time < end}
    edges = [start, *sorted(inner), end]
    return [
        (right - left, tuple(function.value_at(left) or 0.0 for function in functions))
        for left, right in pairwise(edges) if right > left
    ]
