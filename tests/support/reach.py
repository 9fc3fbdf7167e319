"""Floors for properties that assert only where a branch is taken.

A property whose examples never take that branch would pass and prove nothing. `reached("a move")` counts that something
was really checked; `@reaches({"a move": 50})` fails the test when all its examples together reached it less often.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import wraps
from typing import ParamSpec

Arguments = ParamSpec("Arguments")
_COUNTS: Counter[str] = Counter()


def reached(what: str, times: int = 1) -> None:
    """Counts what the test that runs now has checked."""
    _COUNTS[what] += times


def reaches(floors: Mapping[str, int]) -> Callable[[Callable[Arguments, None]], Callable[Arguments, None]]:
    """The test must reach each of these at least so often; the decorator stands above `@given`."""
    def around(test: Callable[Arguments, None]) -> Callable[Arguments, None]:
        @wraps(test)
        def counted(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
            _COUNTS.clear()
            test(*args, **kwargs)
            short = {what: f"{_COUNTS[what]} of {floor}" for what, floor in floors.items() if _COUNTS[what] < floor}
            assert not short, f"checked less often than it must be to prove anything: {short}"

        return counted

    return around
