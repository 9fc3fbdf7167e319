"""Where the objectives break: the longest cold start at which they still hold, and the smallest sufficient minimum.

Whether they hold need not be monotone in the cold start. So a grid is evaluated first, and the cliff is its first edge,
which bisection then narrows. Longer cold starts at which the objectives hold again are reported, not smoothed away.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

GRID_POINTS = 13
# How finely the edge is narrowed: to this share of itself, but never below this many seconds. Random draws move the
# cliff by far more.
RELATIVE, MIN_SECONDS = 0.01, 0.1


@dataclass(frozen=True, slots=True)
class Point:
    """What the twin predicts for one cold start, or one minimum; `broken` names the objectives that are missed."""

    seconds: float
    miss_seconds: int | None
    cost: float
    broken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cliff:
    """`holds_until` is the longest cold start found at which the objectives hold, `breaks_at` the shortest one above it
    at which they do not.

    `holds_until` is None if they miss even without a cold start, `breaks_at` if they hold up to the last point. `again`
    are longer cold starts at which they hold nevertheless. `others` are the longest that hold in other random draws:
    how far load balancing and the times of the syncs alone move the cliff.
    """

    points: tuple[Point, ...]
    holds_until: float | None
    breaks_at: float | None
    broken: tuple[str, ...]
    again: tuple[float, ...]
    others: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class LeastReplicas:
    """The smallest minimum at which the objectives hold in the draw shown, None if not even the maximum is enough. In
    other draws it holds in `held` of `draws`, and its `cost` is between the two."""

    minimum: int | None
    tried: tuple[tuple[int, int | None, float, bool], ...]
    held: int = 0
    draws: int = 0
    cost: tuple[float, float] | None = None


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
    while high.seconds - low.seconds > max(MIN_SECONDS, RELATIVE * high.seconds):
        middle = probe((low.seconds + high.seconds) / 2)
        inner.append(middle)
        low, high = (low, middle) if middle.broken else (middle, high)
    return low, high, inner


def _again(points: Sequence[Point]) -> tuple[float, ...]:
    return tuple(point.seconds for point in points if not point.broken)


def least_replicas(probe: Callable[[int], Point], lowest: int, maximum: int) -> LeastReplicas:
    """Tries every minimum from `lowest` until the objectives hold. More need not be better, so none is skipped."""
    tried: list[tuple[int, int | None, float, bool]] = []
    for minimum in range(lowest, maximum + 1):
        point = probe(minimum)
        tried.append((minimum, point.miss_seconds, point.cost, not point.broken))
        if not point.broken:
            return LeastReplicas(minimum, tuple(tried))
    return LeastReplicas(None, tuple(tried))


def in_words(found: Cliff, today: float | None) -> str:
    """The cliff as a sentence; `today` is the measured median cold start."""
    measured = in_other_draws(found.others) + ("" if today is None else f"; measured today: {today:.1f} s")
    last = found.points[-1].seconds
    if found.holds_until is None:
        more = f", although they hold at {found.again[0]:.0f} s" if found.again else ""
        return f"no cliff: objectives are missed even at 0 s ({', '.join(found.broken)}){more}{measured}"
    if found.breaks_at is None:
        return f"no cliff: objectives hold even at {last:.0f} s, the longest cold start tried{measured}"
    later = ", ".join(f"{seconds:.0f} s" for seconds in found.again)
    more = f"; not permanently: they hold again at {later}" if later else ""
    return (f"objectives hold up to a cold start of {found.holds_until:.1f} s and are missed from "
            f"{found.breaks_at:.1f} s on ({', '.join(found.broken)}){more}{measured}")


def in_other_draws(others: Sequence[float | None]) -> str:
    """How far randomness alone moves the cliff, as a phrase to append to the cliff."""
    if not others:
        return ""
    known = sorted(seconds for seconds in others if seconds is not None)
    never = len(others) - len(known)
    span = "" if not known else f"up to {known[0]:.1f} s" if known[0] == known[-1] else \
        f"up to {known[0]:.1f} to {known[-1]:.1f} s"
    none = "" if not never else f"and in {never} of them not even at 0 s" if known else "not even at 0 s"
    return f"; in {len(others)} other random draws {', '.join(filter(None, (span, none)))}"
