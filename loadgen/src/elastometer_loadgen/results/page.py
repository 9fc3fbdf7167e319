"""The page of a run's results: one file without scripts and without anything from the network; all text is escaped."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby
from math import ceil, floor, log10
from typing import Any

from jinja2 import Environment

from elastometer_loadgen import __version__

WIDTH, HEIGHT = 960, 150
LEFT, BOTTOM = 56, 18
# A line of this width cannot show more points.
MAX_POINTS = 960
Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: `paths` are the points of its unbroken pieces, in the coordinates of the SVG."""

    label: str
    shade: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart over the seconds of the run."""

    title: str
    lines: tuple[Line, ...]
    heights: tuple[tuple[float, str], ...]
    instants: tuple[tuple[float, str], ...]
    stages: tuple[tuple[float, str], ...]


CHARTS = (
    ("Requests per second", (("due", "due", "a"), ("succeeded", "succeeded", "b"), ("failed", "failed", "c"))),
    ("In flight", (("in flight", "inFlight", "a"),)),
    ("Time to first token, ms",
     (("p50", "timeToFirstTokenP50Milliseconds", "b"), ("p99", "timeToFirstTokenP99Milliseconds", "c"))),
    ("Latency, ms", (("p50", "latencyP50Milliseconds", "b"), ("p99", "latencyP99Milliseconds", "c"))),
)


def render_page(document: dict[str, Any]) -> str:
    """The page for a summary that `publish` made."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["number"] = number
    home = files("elastometer_loadgen")
    style = (home / "page.css").read_text(encoding="utf-8")
    # The page's Content-Security-Policy allows the style with this hash and nothing else, scripts included.
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    template = environment.from_string((home / "page.html").read_text(encoding="utf-8"))
    series, stages = document["series"], document["stages"]
    charts = [_chart(title, series, stages, lines) for title, lines in CHARTS] if "due" in series else []
    return template.render(
        run=document, charts=charts, style=style, digest=digest, version=__version__,
        width=WIDTH, height=HEIGHT, left=LEFT, bottom=BOTTOM,
    )


def number(value: float | None) -> str:
    """Four digits are enough for a reader; the summary has all of them."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.4g}"


def _chart(
    title: str, series: dict[str, Any], stages: Sequence[dict[str, Any]], lines: Sequence[tuple[str, str, str]]
) -> Chart:
    first: int = series["firstSecond"]
    count = len(series["due"])
    seen = [value for _, name, _ in lines for value in series[name] if value is not None]
    step = _step(max(seen, default=0.0), 4)
    top: float = step * max(ceil(max(seen, default=0.0) / step), 1)

    def x(second: float) -> float:
        return round(LEFT + (WIDTH - LEFT) * (second - first) / max(count, 1), 1)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - 8) * value / top, 1)

    def paths(values: Values) -> tuple[str, ...]:
        points = _thinned(values)
        width = count / max(len(points), 1)
        placed = [(None if v is None else f"{x(first + (i + 0.5) * width)},{y(v)}") for i, v in enumerate(points)]
        runs = [[str(p) for p in run] for is_seen, run in groupby(placed, lambda p: p is not None) if is_seen]
        # A single point is drawn as a line to itself: otherwise it would be invisible.
        return tuple(" ".join(run if len(run) > 1 else run * 2) for run in runs)

    pace = max(ceil(_step(count, 8)), 1)
    return Chart(
        title=title,
        lines=tuple(Line(label, shade, paths(series[name])) for label, name, shade in lines),
        heights=tuple((y(step * i), number(step * i)) for i in range(round(top / step) + 1)),
        instants=tuple((x(second), f"{second} s") for second in range(ceil(first / pace) * pace, first + count, pace)),
        stages=tuple((max(x(stage["firstSecond"]), LEFT), stage["stage"]) for stage in stages),
    )


def _thinned(values: Values) -> Values:
    """At most MAX_POINTS values: the highest of each group, so that no peak is lost."""
    width = ceil(len(values) / MAX_POINTS)
    if width <= 1:
        return values
    parts = (values[i : i + width] for i in range(0, len(values), width))
    return [max((value for value in part if value is not None), default=None) for part in parts]


def _step(span: float, parts: int) -> float:
    """1, 2 or 5 times a power of ten, so that about `parts` of them fill the span."""
    if span <= 0:
        return 1.0
    least = span / parts
    power = 10.0 ** floor(log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))
