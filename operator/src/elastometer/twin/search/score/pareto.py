"""Which of many are worth a look: those that no other beats in one respect without losing in another."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
Costs = tuple[float, ...]


def dominates(one: Costs, other: Costs) -> bool:
    """Whether `one` is nowhere worse and somewhere better; less is better."""
    return one != other and all(left <= right for left, right in zip(one, other, strict=True))


def front(items: Iterable[T], costs: Callable[[T], Costs]) -> list[T]:
    """The items that none dominates, in rising order of costs; of several with the same costs, the first given."""
    found: list[tuple[Costs, T]] = []
    # In rising order nothing that comes later can dominate what came before.
    for cost, item in sorted(((costs(item), item) for item in items), key=lambda pair: pair[0]):
        if not any(cost == held or dominates(held, cost) for held, _ in found):
            found.append((cost, item))
    return [item for _, item in found]
