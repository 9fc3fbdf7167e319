"""How a report groups requests by the length of their input: spec.measurement.inputCharacterBounds."""
from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from elastometer.model.document import Document, at

PATH = "spec.measurement.inputCharacterBounds"


def input_character_bounds(spec: Document) -> tuple[int, ...]:
    """The highest number of characters of each group but the last; none where the test states none."""
    given = at(spec, "measurement", "inputCharacterBounds")
    return tuple(one for one in given if isinstance(one, int)) if isinstance(given, list) else ()


def input_bound_flaws(spec: Document) -> Iterator[str]:
    """Bounds that do not rise would leave groups without any length."""
    bounds = input_character_bounds(spec)
    if any(after <= before for before, after in pairwise(bounds)):
        yield f"{PATH}: each must be greater than the one before it, is {', '.join(map(str, bounds))}"
