"""What a what-if page draws: dots and lines as shapes with lengths, and the replica curves for the script."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from elastometer.render.charts import value_at
from elastometer.render.downsample import kept_points
from elastometer.render.what_if.rows import cost_name, span
from elastometer.render.wording import numbers
from elastometer.twin.search.answer.answer import Answer
from elastometer.twin.search.answer.answer import Dot as Dotted
from elastometer.twin.search.score.cliff import Cliff, Point, in_other_draws

WIDTH, HEIGHT = 1180, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 14, 40
_STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Tick:
    """One line of the grid, at `place` pixels."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class Dot:
    """`kind` is its class; `tip` what the pointer reads."""

    x: float
    y: float
    kind: str
    tip: str


@dataclass(frozen=True, slots=True)
class Line:
    """A row of points as SVG writes them."""

    points: str
    kind: str


@dataclass(frozen=True, slots=True)
class Plot:
    """One chart in pixels of WIDTH x HEIGHT."""

    x_label: str
    y_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    dots: tuple[Dot, ...]
    lines: tuple[Line, ...] = ()
    marks: tuple[Tick, ...] = ()
    width: int = WIDTH
    height: int = HEIGHT


class _Scale:
    """Values to pixels, from 0 or `low` to somewhat more than the greatest."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high = low, max(high, low + 1e-9)
        self._start, self._end = start, end

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self._start + share * (self._end - self._start), 1)

    def ticks(self) -> tuple[Tick, ...]:
        step = _step((self.high - self.low) / 7)
        first = -(-self.low // step)
        count = int((self.high - first * step) / step)
        values = [(first + number) * step for number in range(count + 1)]
        return tuple(Tick(self.at(value), f"{value:,.6g}") for value in values)


def _step(rough: float) -> float:
    power = 1.0
    while power * 10 <= rough:
        power *= 10
    while power > rough and power > 1e-6:
        power /= 10
    return next((power * one for one in _STEPS if power * one >= rough), power * 10)


def _axes(xs: Sequence[float], ys: Sequence[float], *, from_zero: bool) -> tuple[_Scale, _Scale]:
    low, high = (0.0 if from_zero else min(xs)), max(xs)
    room = 0.04 * (high - low or high or 1.0)
    x = _Scale(low if from_zero else max(0.0, low - room), high + room, _LEFT, WIDTH - _RIGHT)
    top = max(ys) or 1.0
    return x, _Scale(0.0, 1.08 * top, HEIGHT - _BOTTOM, _TOP)


def pareto_plot(answer: Answer) -> Plot | None:
    """Every candidate by what it costs and how long it misses; candidates at one place are one dot."""
    found = answer.searched
    if found is None:
        return None
    x, y = _axes([one[2] for one in found.dots], [one[1] for one in found.dots], from_zero=False)
    places: dict[tuple[float, float], list[Dotted]] = {}
    for one in found.dots:
        places.setdefault((x.at(one[2]), y.at(one[1])), []).append(one)
    dots = [Dot(*place, "holds" if any(not one[0] for one in there) else "misses", _tip(answer, there))
            for place, there in places.items()]
    dots += [Dot(x.at(one[2]), y.at(one[1]), "front chosen" if number == found.chosen else "front", _tip(answer, [one]))
             for number, one in enumerate(found.ranked)]
    recorded = found.dots[0]
    dots.append(Dot(x.at(recorded[2]), y.at(recorded[1]), "recorded", _tip(answer, [recorded])))
    edge = " ".join(f"{x.at(one[2])},{y.at(one[1])}" for one in found.ranked)
    return Plot(f"{cost_name(answer)}, predicted", "objective-miss seconds, predicted", x.ticks(), y.ticks(),
                tuple(dots), (Line(edge, "edge"),))


def _tip(answer: Answer, there: Sequence[Dotted]) -> str:
    failed, miss, cost, text, misses, costs = there[0]
    more = f"\nand {len(there) - 1} more here" if len(there) > 1 else ""
    held = "all objectives hold" if not failed else f"{numbers.number(failed, 1)} objectives missed"
    return (f"{held}, {numbers.number(miss)}{span(misses)} miss seconds, "
            f"{numbers.number(cost)}{span(costs)} {cost_name(answer)}\n"
            f"{text or 'recorded settings'}{more}")


def cliff_plot(answer: Answer) -> Plot | None:
    """Objective-miss seconds over the cold start, one line per settings."""
    points = [point for _, found in answer.cliffs for point in found.points]
    if not points:
        return None
    x, y = _axes([one.seconds for one in points], [float(one.miss_seconds or 0) for one in points], from_zero=True)
    dots = [Dot(x.at(one.seconds), y.at(float(one.miss_seconds or 0)), "misses" if one.broken else "holds",
                f"{name}\n{_point(one)}") for name, found in answer.cliffs for one in found.points]
    lines = tuple(Line(_joined(found, x, y), _kind(name)) for name, found in answer.cliffs)
    marks = [Tick(x.at(answer.run.cold_start_seconds), f"today {answer.run.cold_start_seconds:.1f} s")]
    marks += [Tick(x.at(found.holds_until), f"{_short(name)} {found.holds_until:.1f} s{in_other_draws(found.others)}")
              for name, found in answer.cliffs if found.holds_until is not None and found.breaks_at is not None]
    return Plot("cold start, seconds", "objective-miss seconds, predicted", x.ticks(), y.ticks(), tuple(dots), lines,
                tuple(marks))


def _short(name: str) -> str:
    """Recorded, chosen, or asked."""
    return name.removeprefix("settings ").partition(" ")[0]


def _kind(name: str) -> str:
    """Its class in the style sheet."""
    return "recorded" if name.startswith("recorded") else "chosen"


def _joined(found: Cliff, x: _Scale, y: _Scale) -> str:
    return " ".join(f"{x.at(one.seconds)},{y.at(float(one.miss_seconds or 0))}" for one in found.points)


def _point(one: Point) -> str:
    state = f"missed: {', '.join(one.broken)}" if one.broken else "all objectives hold"
    return f"cold start {one.seconds:.1f} s: {numbers.number(one.miss_seconds)} miss seconds, {state}"


def replica_data(answer: Answer) -> dict[str, object]:
    """Ready replicas on one clock, each held until it changes; the measured curve first."""
    shown = [one for one in answer.curves if one.name.startswith("Ready")]
    last = answer.calibration.scenario.horizon_seconds
    first = min((time for one in shown for time, _ in one.steps), default=0.0)
    times = sorted({time for one in shown for time, _ in one.steps} | {max(first, -30.0), last})
    times = [time for time in times if time >= -30.0]
    columns = [[value_at(one.steps, time) for time in times] for one in shown]
    kept = kept_points(times, columns)
    return {
        "range": [times[0], times[-1]], "x": [times[index] for index in kept],
        "names": [one.name + (" (predicted)" if one.predicted else "") for one in shown],
        "predicted": [one.predicted for one in shown],
        "y": [[column[index] for index in kept] for column in columns],
    }
