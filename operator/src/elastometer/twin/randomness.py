"""The twin's only source of chance: everything that is drawn is drawn from a seed, and named by what it is for."""
from __future__ import annotations

import random


def stream(seed: int, purpose: str) -> random.Random:
    """Independent of every other purpose's, the same on every machine."""
    return random.Random(f"{seed}/{purpose}")


def draw(values: tuple[float, ...], chance: random.Random) -> float:
    """From the values, which rise: one of them, or between two neighbours; their distribution made continuous."""
    place = chance.random() * (len(values) - 1)
    index = int(place)
    if index + 1 == len(values):
        return values[index]
    return values[index] + (place - index) * (values[index + 1] - values[index])
