"""A step function from a text file, one `t,value` a line: the value holds from t until the next line. Pure.

Refused is whatever leaves open which value holds when: a time twice or out of order, no value at the start, no number.
"""
from __future__ import annotations

import re
from collections.abc import Iterator
from math import isfinite

from elastometer.analysis.evidence.steps import Steps
from elastometer.model.errors import SpecError

# Without this, float would also take 1_000, inf and digits of other scripts.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_COMMENT = "#"
MAX_SHOWN_CHARACTERS = 60


def read_curve(text: str, name: str, start: float = 0.0) -> Steps:
    """The function, with a value at `start`. A first line without a number is a header; empty lines and lines that
    begin with # are passed over. Raises SpecError with every flaw, by file and line."""
    points: list[tuple[float, float]] = []
    flaws: list[str] = []
    for number, line, is_first in _lines(text):
        found = _point(line)
        if isinstance(found, str):
            if not (is_first and _is_header(line)):
                flaws.append(f"{name}:{number}: {found}")
        elif points and found[0] <= points[-1][0]:
            flaws.append(f"{name}:{number}: t must be above that of the line before it ({points[-1][0]:g}), "
                         f"is {found[0]:g}")
        else:
            points.append(found)
    if not points and not flaws:
        flaws.append(f"{name}: must have at least one line t,value, has none")
    if points and points[0][0] > start and not flaws:
        flaws.append(f"{name}: must begin at {start:g} or before, so that it is known what holds there; begins at "
                     f"{points[0][0]:g}")
    if flaws:
        raise SpecError(*flaws)
    return Steps(tuple(points))


def _lines(text: str) -> Iterator[tuple[int, str, bool]]:
    """(number, content, whether it is the first) of each line that has content."""
    is_first = True
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        content = line.strip()
        if content and not content.startswith(_COMMENT):
            yield number, content, is_first
            is_first = False


def _is_header(line: str) -> bool:
    return "," in line and not any(_NUMBER.fullmatch(part.strip()) for part in line.split(","))


def _point(line: str) -> tuple[float, float] | str:
    """The time and the value, or what is wrong with the line."""
    parts = [part.strip() for part in line.split(",")]
    if len(parts) != 2:
        return f"must be t,value, is {_shown(line)}"
    for what, part in zip(("t", "value"), parts, strict=True):
        if not _NUMBER.fullmatch(part) or not isfinite(float(part)):
            return f"{what} must be a number, is {_shown(part)}"
    time, value = map(float, parts)
    return (time, value) if value >= 0 else f"value must be 0 or more, is {value:g}"


def _shown(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= MAX_SHOWN_CHARACTERS else shown[: MAX_SHOWN_CHARACTERS - 1] + "…"
