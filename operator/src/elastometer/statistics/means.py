"""Means of values that follow each other in time, so that neighbours may depend on each other."""
from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import fsum, sqrt
from statistics import stdev
from typing import TypeVar

from elastometer.model.estimates import Mean
from elastometer.statistics.distributions import student_quantile

# More blocks hardly make the interval narrower, and shorter ones depend on each other (Schmeiser 1982: 10 to 30).
FEWEST_BLOCKS, MOST_BLOCKS = 10, 20
# Values per block that there should be before there are more blocks.
BLOCK_LENGTH = 10
# Joined blocks: with fewer, the half-width would hardly say anything.
FEWEST_JOINED = 5
# The normal quantile beyond which 1 of 20 independent samples lies.
ONE_IN_TWENTY = 1.645
# A block of one value would treat neighbours as independent.
NEEDS = 2 * FEWEST_BLOCKS

N = TypeVar("N", int, float)


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
    the number of blocks: B. W. Schmeiser, Operations Research 30 (1982) 556-568. Where neighbouring blocks still depend
    on each other, as in a stage with a backlog, pairs of them are joined until they do not, or FEWEST_JOINED would be
    left. In a stage whose load rises, the trend counts as variation: the half-width then says how far blocks of the
    stage differ.
    """
    count = sum(sizes)
    if not count:
        return Mean(0, None, None, NEEDS)
    value = fsum(sums) / count
    if len(sums) < FEWEST_BLOCKS:
        return Mean(count, value, None, NEEDS)
    while len(sums) >= 2 * FEWEST_JOINED and _depend(_means(sums, sizes)):
        sums, sizes = _joined(sums), _joined(sizes)
    blocks = len(sums)
    return Mean(count, value, student_quantile(blocks - 1) * stdev(_means(sums, sizes)) / sqrt(blocks), None)


def _means(sums: Sequence[float], sizes: Sequence[int]) -> list[float]:
    return [total / size for total, size in zip(sums, sizes, strict=True)]


def _depend(means: Sequence[float]) -> bool:
    """Whether neighbours are correlated by more than chance makes likely: the ratio of von Neumann (Annals of
    Mathematical Statistics 12 (1941) 367-395), which is near 2 for independent values and smaller where neighbours are
    alike; 1 - ratio / 2 is nearly normal with the variance (n - 2) / (n^2 - 1)."""
    center = fsum(means) / len(means)
    squares = fsum((one - center) ** 2 for one in means)
    if squares == 0:
        return False
    alike = 1 - fsum((after - before) ** 2 for before, after in pairwise(means)) / (2 * squares)
    return alike > ONE_IN_TWENTY * sqrt((len(means) - 2) / (len(means) ** 2 - 1))


def _joined(values: Sequence[N]) -> list[N]:
    """Sums of pairs; the last of an odd number goes to the pair before it."""
    pairs = [values[index] + values[index + 1] for index in range(0, len(values) - 1, 2)]
    if len(values) % 2:
        pairs[-1] += values[-1]
    return pairs
