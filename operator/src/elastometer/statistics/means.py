"""Means of values that follow each other in time, so that neighbours may depend on each other."""
from __future__ import annotations

from collections.abc import Sequence
from math import fsum, sqrt
from statistics import stdev

from elastometer.model.estimates import Mean
from elastometer.statistics.distributions import student_quantile

# More blocks hardly make the interval narrower, and shorter ones depend on each other (Schmeiser 1982: 10 to 30).
FEWEST_BLOCKS, MOST_BLOCKS = 10, 20
# Values per block that there should be before there are more blocks.
BLOCK_LENGTH = 10
# A block of one value would treat neighbours as independent.
NEEDS = 2 * FEWEST_BLOCKS


def mean_by_blocks(values: Sequence[float]) -> Mean:
    """The mean of values in order of time, with the half-width of its interval."""
    edges = block_edges(len(values))
    return mean_of_blocks([fsum(values[left:right]) for left, right in edges], [right - left for left, right in edges])


def block_count(count: int) -> int:
    """How many blocks `count` values are divided into; `count` is at least NEEDS."""
    return min(MOST_BLOCKS, max(FEWEST_BLOCKS, count // BLOCK_LENGTH))


def block_edges(count: int) -> list[tuple[int, int]]:
    """(from, up to) of blocks that differ by one value at most; one block where there are too few values for more."""
    blocks = block_count(count) if count >= NEEDS else 1
    return [(count * block // blocks, count * (block + 1) // blocks) for block in range(blocks)]


def mean_of_blocks(sums: Sequence[float], sizes: Sequence[int]) -> Mean:
    """From the sums of the blocks of `block_edges`.

    Non-overlapping batch means: the blocks' means are nearly independent if blocks are longer than the dependence, so
    that Student's t applies to them: A. M. Law, Simulation Modeling and Analysis, 5th edition (2015), section 9.5.3;
    the number of blocks: B. W. Schmeiser, Operations Research 30 (1982) 556-568. In a stage whose load rises, the trend
    counts as variation: the half-width then says how far blocks of the stage differ.
    """
    count, blocks = sum(sizes), len(sums)
    if not count:
        return Mean(0, None, None, NEEDS)
    value = fsum(sums) / count
    if blocks < FEWEST_BLOCKS:
        return Mean(count, value, None, NEEDS)
    spread = stdev(total / size for total, size in zip(sums, sizes, strict=True))
    return Mean(count, value, student_quantile(blocks - 1) * spread / sqrt(blocks), None)
