"""The oracle: how an autoscaler that knew the demand in advance would have supplied it, in whole replicas.

It orders each replica one cold start before it is needed, so that it is Ready in time, and removes it when it is no
longer needed. A replica that is needed again within a cold start is kept, since a new one would have to be ordered
while the old one is still there, and would cost more. For identical replicas this is the cheapest supply that always
meets the demand: the replicas are independent levels of the demand, and for each gap of each level the cheaper of the
two ways is taken.

It orders whole replicas, but work is counted as it is: of a load of 4.07 replicas a maximum of 4 leaves over 0.07
replica-seconds each second, not one. The oracle stays at the maximum until what was left over is done.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from elastometer.analysis.price.whole import PARTS, Stretch, Whole, counted, joined, overlap, pieces


@dataclass(frozen=True, slots=True)
class Oracle:
    """What the oracle holds between the start of the load and `end`, in milliseconds.

    Each of `kept` is one replica while it is needed (Ready), each of `ordered` the same from its order on. In
    `overloaded` even the maximum is not enough, or still works off what was left over. `starts` counts the replicas
    that are not there from the start of the load on.
    """

    kept: tuple[Stretch, ...]
    ordered: tuple[Stretch, ...]
    overloaded: tuple[Stretch, ...]
    starts: int
    end: int

    @property
    def ready(self) -> Whole:
        """How many replicas are Ready."""
        return counted(self.kept)

    @property
    def size(self) -> Whole:
        """The size that the oracle orders (spec.replicas)."""
        return counted(self.ordered)

    @property
    def replica_milliseconds(self) -> int:
        """What it pays for, starting included. No time to drain is counted: this is a lower bound."""
        return sum(overlap(stretch, 0, self.end) for stretch in self.ordered)


def oracle(load: Whole, minimum: int, maximum: int, cold_start: int | None, end: int) -> Oracle | None:
    """The oracle for what arrives, in PARTS of a replica. None if it would have to start a replica, and no cold start
    is known.

    What lies before the start of the load is not counted: the first replicas are ordered early enough.
    """
    needs = list(_needs(load, minimum, maximum, end))
    levels = _levels(needs)
    if cold_start is None and any(start > 0 for level in levels for start, _ in level):
        return None
    lead = cold_start or 0
    kept = tuple(stretch for level in levels for stretch in _bridged(level, lead))
    ordered = tuple((start - lead, stop) for start, stop in kept)
    overloaded = tuple(joined((left, right) for left, right, _, over in needs if over))
    return Oracle(kept, ordered, overloaded, sum(start > 0 for start, _ in kept), end)


def _needs(load: Whole, minimum: int, maximum: int, end: int) -> Iterator[tuple[int, int, int, bool]]:
    """(from, to, replicas, whether they are not enough). `owed` is the work left over, in milliseconds of PARTS: it
    grows by what the load exceeds the maximum, and falls by what the maximum exceeds the load."""
    owed = 0
    for left, right, (level,) in pieces([load], 0, end):
        spare = maximum * PARTS - level
        if spare < 0:
            owed -= spare * (right - left)
            yield left, right, maximum, True
            continue
        if owed:
            done = right if spare == 0 else min(right, left + _rounded_up(owed, spare))
            owed = max(0, owed - spare * (done - left))
            yield left, done, maximum, True
            left = done
        if right > left:
            yield left, right, min(maximum, max(minimum, _rounded_up(level, PARTS))), False


def _rounded_up(amount: int, by: int) -> int:
    return -(-amount // by)


def _levels(needs: list[tuple[int, int, int, bool]]) -> list[list[Stretch]]:
    """When each level is needed: the first replica, the second one, and so on."""
    levels: list[list[Stretch]] = []
    height, begun = 0, list[int]()
    stop = 0
    for left, right, need, _ in needs:
        while height < need:
            begun.append(left)
            height += 1
            if len(levels) < height:
                levels.append([])
        while height > need:
            height -= 1
            levels[height].append((begun.pop(), left))
        stop = right
    while begun:
        levels[len(begun) - 1].append((begun.pop(), stop))
    return levels


def _bridged(level: list[Stretch], lead: int) -> Iterator[Stretch]:
    """The stretches of one level, joined where the gap is no longer than a cold start."""
    open_since, until = level[0]
    for start, stop in level[1:]:
        if start - until > lead:
            yield open_since, until
            open_since = start
        until = stop
    yield open_since, until
