"""Where the objectives break: the longest cold start at which they still hold, and the fewest replicas to begin with.

Whether they hold need not be monotone in the cold start, so a grid is walked first and the cliff is the first edge on
it; bisection then narrows that one edge. What lies beyond is told, not smoothed.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

GRID_POINTS = 13
# The edge is told to this share of itself, and never finer than this many seconds.
RELATIVE, LEAST_SECONDS = 0.01, 0.1


@dataclass(frozen=True, slots=True)
class Point:
    """What the twin says of one cold start: `broken` names the objectives that are missed."""

    seconds: float
    miss_seconds: int | None
    cost: float
    broken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cliff:
    """`holds_until` is the longest cold start that was found to hold, `breaks_at` the shortest beyond that does not.

    None for `holds_until`: not even without a cold start. None for `breaks_at`: nothing broke up to the last point.
    `again` are longer cold starts at which the objectives hold all the same. `others` are the longest that hold in
    other draws of chance: what load balancing and the instants of the looks alone make of it.
    """

    points: tuple[Point, ...]
    holds_until: float | None
    breaks_at: float | None
    broken: tuple[str, ...]
    again: tuple[float, ...]
    others: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class LeastReplicas:
    """The smallest minimum at which the objectives hold in the draw that is shown, None where not even the maximum
    helps; and in how many of so many other draws it does (`held` of `draws`)."""

    minimum: int | None
    tried: tuple[tuple[int, int | None, float, bool], ...]
    held: int = 0
    draws: int = 0


def cliff(probe: Callable[[float], Point], longest_seconds: float) -> Cliff:
    """The first edge between 0 and `longest_seconds`."""
    step = longest_seconds / (GRID_POINTS - 1)
    grid = [probe(step * number) for number in range(GRID_POINTS)]
    edge = next((number for number, point in enumerate(grid) if point.broken), None)
    if edge is None:
        return Cliff(tuple(grid), grid[-1].seconds, None, (), ())
    if edge == 0:
        return Cliff(tuple(grid), None, 0.0, grid[0].broken, _again(grid))
    low, high, inner = _narrowed(probe, grid[edge - 1], grid[edge])
    points = tuple(sorted([*grid, *inner], key=lambda point: point.seconds))
    return Cliff(points, low.seconds, high.seconds, high.broken, _again(grid[edge:]))


def _narrowed(probe: Callable[[float], Point], low: Point, high: Point) -> tuple[Point, Point, list[Point]]:
    inner: list[Point] = []
    while high.seconds - low.seconds > max(LEAST_SECONDS, RELATIVE * high.seconds):
        middle = probe((low.seconds + high.seconds) / 2)
        inner.append(middle)
        low, high = (low, middle) if middle.broken else (middle, high)
    return low, high, inner


def _again(points: Sequence[Point]) -> tuple[float, ...]:
    return tuple(point.seconds for point in points if not point.broken)


def least_replicas(probe: Callable[[int], Point], lowest: int, maximum: int) -> LeastReplicas:
    """Every minimum from `lowest` on until the objectives hold: more need not be better, so none is skipped."""
    tried: list[tuple[int, int | None, float, bool]] = []
    for minimum in range(lowest, maximum + 1):
        point = probe(minimum)
        tried.append((minimum, point.miss_seconds, point.cost, not point.broken))
        if not point.broken:
            return LeastReplicas(minimum, tuple(tried))
    return LeastReplicas(None, tuple(tried))


def in_words(found: Cliff, today: float | None) -> str:
    """The cliff as a sentence; `today` is the median cold start that was measured."""
    measured = in_other_draws(found.others) + ("" if today is None else f"; measured today: {today:.1f} s")
    last = found.points[-1].seconds
    if found.holds_until is None:
        more = f", though they hold at {found.again[0]:.0f} s" if found.again else ""
        return f"no cliff: objectives miss even at 0 s ({', '.join(found.broken)}){more}{measured}"
    if found.breaks_at is None:
        return f"no cliff: objectives hold even at {last:.0f} s, the longest tried{measured}"
    later = ", ".join(f"{one:.0f} s" for one in found.again)
    more = f"; not for good: they hold again at {later}" if later else ""
    return (f"objectives hold up to a cold start of {found.holds_until:.1f} s and miss from {found.breaks_at:.1f} s on "
            f"({', '.join(found.broken)}){more}{measured}")


def in_other_draws(others: Sequence[float | None]) -> str:
    """How far chance alone moves it: to be put behind the cliff, whoever shows that."""
    if not others:
        return ""
    known = sorted(one for one in others if one is not None)
    never = len(others) - len(known)
    span = "" if not known else f"up to {known[0]:.1f} s" if known[0] == known[-1] else \
        f"up to {known[0]:.1f} to {known[-1]:.1f} s"
    none = f"in {never} not even at 0 s" if never else ""
    return f"; in {len(others)} other draws of chance {', '.join(filter(None, (span, none)))}"
