"""In short, in words: an answer, or what is open and what would have to be there."""
from __future__ import annotations

from elastometer.model.in_short import InShort


def sentence(one: InShort) -> str:
    """With a capital and a full stop."""
    text = one.text if one.missing is None else f"{one.text}: {one.missing}"
    return text[:1].upper() + text[1:] + "."
