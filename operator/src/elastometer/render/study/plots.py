"""What the page draws of a comparison, without its script and with it, as places in percent of a width or a height."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from elastometer.model.comparison import Comparison, Figure, MeasureRow, VariantSummary
from elastometer.model.estimates import Interval
from elastometer.model.measures import MISS_SECONDS
from elastometer.render.study import words
from elastometer.render.study.scale import Scale, scale_around
from elastometer.render.wording import numbers

Tick = tuple[float, str]
PLANE_PIXELS, _LINE_PIXELS = 320, 15
# Up to so many points all names are shown; of more, only those of the front until a point is looked at.
_NAMED = 8


@dataclass(frozen=True, slots=True)
class Point:
    """One variant on the plane. `across` and `down` are the ends of its intervals; `label_y` is where its name does not
    lie on another one's, and `to_left` says that the name stands left of the point. `is_quiet` hides it at first."""

    name: str
    x: float
    y: float
    across: tuple[float, float] | None
    down: tuple[float, float] | None
    label_y: float
    to_left: bool
    on_front: bool
    is_quiet: bool
    tip: str


@dataclass(frozen=True, slots=True)
class Plane:
    """Objective-miss seconds (y, upwards) against cost (x). `front` are the corners of the non-dominated line."""

    x_title: str
    y_title: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    points: tuple[Point, ...]
    front: tuple[tuple[float, float, float, float], ...]
    height: int = PLANE_PIXELS


def plane(comparison: Comparison) -> Plane | None:
    """None unless both measures are known of a variant."""
    cost, miss = comparison.row(comparison.primary_cost), comparison.row(MISS_SECONDS)
    if cost is None or miss is None:
        return None
    both = [(one, x, y) for one in comparison.variants
            if (x := _known(cost, one)) is not None and (y := _known(miss, one)) is not None]
    if not both:
        return None
    across, up = _scale([x for _, x, _ in both]), _scale([y for _, _, y in both])
    points = [_point(one, (cost, x, across), (miss, y, up), len(both) > _NAMED) for one, x, y in both]
    unit = words.unit(cost.measure)
    return Plane(
        cost.measure.title + (unit and f", {unit}"), miss.measure.title, _ticks(across),
        tuple((round(100 - at, 2), text) for at, text in _ticks(up)), tuple(_spread(points)), _front(points))


def _known(row: MeasureRow, one: VariantSummary) -> Figure | None:
    found = row.figure(one.name)
    return found if found is not None and found.median is not None else None


def _scale(figures: Sequence[Figure]) -> Scale:
    return scale_around([one.median for one in figures if one.median is not None],
                        [end for one in figures if one.interval for end in (one.interval.low, one.interval.high)])


def _ticks(scale: Scale) -> tuple[Tick, ...]:
    return tuple((scale.at(value), f"{value:,.6g}") for value in scale.ticks())


_Placed = tuple[MeasureRow, Figure, Scale]


def _point(one: VariantSummary, x: _Placed, y: _Placed, are_many: bool) -> Point:
    (_, on_x, across), (_, on_y, up) = x, y
    place_x, place_y = across.at(on_x.median or 0.0), round(100 - up.at(on_y.median or 0.0), 2)
    down, on_front = _ends(on_y.interval, up), one.on_front is True
    return Point(
        name=one.name, x=place_x, y=place_y, across=_ends(on_x.interval, across),
        down=down and (round(100 - down[1], 2), round(100 - down[0], 2)), label_y=place_y, to_left=place_x > 70,
        on_front=on_front, is_quiet=are_many and not on_front,
        tip="\n".join([one.name, *(_line(*both[:2]) for both in (y, x))]))


def _line(row: MeasureRow, found: Figure) -> str:
    """`GPU-seconds: 412 (95 %: 400 to 425)`."""
    span = words.span(row.measure, found.interval)
    return f"{row.measure.title}: {words.value(row.measure, found.median)}" + (span and f" (95 %: {span})")


def _ends(interval: Interval | None, scale: Scale) -> tuple[float, float] | None:
    return None if interval is None else (scale.at(interval.low), scale.at(interval.high))


def _spread(points: Sequence[Point]) -> list[Point]:
    """With the names moved down where they would lie on others of the same part of the plane."""
    placed: list[Point] = []
    for one in sorted(points, key=lambda point: point.y):
        near = [other.label_y for other in placed if not other.is_quiet and abs(other.x - one.x) < 35]
        least = max(near, default=-100.0) + 100 * _LINE_PIXELS / PLANE_PIXELS
        placed.append(one if one.is_quiet else replace(one, label_y=round(max(one.y, least), 2)))
    return placed


def _front(points: Sequence[Point]) -> tuple[tuple[float, float, float, float], ...]:
    """The steps between the variants of the front, from the least expensive one on."""
    there = sorted((one.x, one.y) for one in points if one.on_front)
    steps: list[tuple[float, float, float, float]] = []
    for (x, y), (next_x, next_y) in pairwise(there):
        steps += [(x, y, next_x, y), (next_x, y, next_x, next_y)]
    return tuple(steps)


def strips(comparison: Comparison, row: MeasureRow) -> dict[str, object]:
    """Each repetition's value as a dot, a lane for each variant, all on one scale; for the script."""
    every = [value for one in row.figures for value in one.values]
    if not every:
        return {"ticks": [], "lanes": []}
    ends = [end for one in row.figures if one.interval for end in (one.interval.low, one.interval.high)]
    scale = scale_around(every, ends)
    return {"ticks": [(scale.at(value), words.value(row.measure, value)) for value in scale.ticks(4)],
            "lanes": [_lane(row, one.name, scale) for one in comparison.variants]}


def _lane(row: MeasureRow, variant: str, scale: Scale) -> dict[str, object]:
    found = row.figure(variant)
    if found is None or found.median is None:
        return {"dots": [], "text": numbers.DASH, "note": "" if found is None else found.reason or ""}
    dots = [(scale.at(value), number, words.value(row.measure, value))
            for number, value in zip(found.repetitions, found.values, strict=True)]
    return {"dots": dots, "median": scale.at(found.median), "ends": _ends(found.interval, scale),
            "text": words.value(row.measure, found.median)}
