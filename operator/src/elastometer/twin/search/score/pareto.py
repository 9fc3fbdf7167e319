"""The Pareto front: the items that no other item beats in one respect without being worse in another."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
Costs = tuple[float, ...]


def dominates(costs: Costs, other: Costs) -> bool:
    """Whether `costs` are nowhere worse and somewhere better than those of the other; less is better."""
    return costs != other and all(left <= right for left, right in zip(costs, other, strict=True))


def front(items: Iterable[T], costs: Callable[[T], Costs]) -> list[T]:
    """The items that no other dominates, in ascending order of costs; of items with equal costs, the first given."""
    found: list[tuple[Costs, T]] = []
    # In ascending order, no later item can dominate an earlier one.
    for cost, item in sorted(((costs(item), item) for item in items), key=lambda pair: pair[0]):
        if not any(cost == held or dominates(held, cost) for held, _ in found):
            found.append((cost, item))
    return [item for _, item in found]
