"""The twin's only source of randomness: every random number comes from a seed and the name of its purpose.

A stream per purpose keeps draws comparable: another setting that needs one more cold start leaves the load balancer's
random numbers as they were.
"""
from __future__ import annotations

import random


def stream(seed: int, purpose: str) -> random.Random:
    """A generator that is independent of every other purpose's and the same on every machine."""
    # Seeding with a text uses SHA-512 and does not depend on PYTHONHASHSEED.
    return random.Random(f"{seed}/{purpose}")


def draw(values: tuple[float, ...], rng: random.Random) -> float:
    """A random value from the distribution of the ascending values, interpolated between neighbours."""
    place = rng.random() * (len(values) - 1)
    index = int(place)
    if index + 1 == len(values):
        return values[index]
    return values[index] + (place - index) * (values[index + 1] - values[index])
