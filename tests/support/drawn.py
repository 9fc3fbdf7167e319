"""Drawn samples in which neighbours depend on each other, as the latencies of neighbouring requests do."""

from __future__ import annotations

from random import Random


def dependent(rng: Random, count: int, dependence: float) -> list[float]:
    """Normal values of mean 0 in order of time; each keeps the share `dependence` of the one before it."""
    value = rng.gauss(0, 1) / (1 - dependence**2) ** 0.5
    values = []
    for _ in range(count):
        value = dependence * value + rng.gauss(0, 1)
        values.append(value)
    return values
