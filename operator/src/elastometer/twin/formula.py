"""The arithmetic of KEDA's scaling modifiers: a formula in the language Expr over the numbers of the triggers."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import copysign, floor, isfinite
from typing import TypeAlias

from elastometer.promql.ieee import ceiling, divided, flooring


@dataclass(frozen=True, slots=True)
class Constant:
    """A number."""

    value: float


@dataclass(frozen=True, slots=True)
class Named:
    """The number of the trigger of this name."""

    name: str


@dataclass(frozen=True, slots=True)
class Applied:
    """An operator or function, one of FUNCTIONS, or a choice between two terms."""

    function: str
    arguments: tuple[Term, ...]


Term: TypeAlias = Constant | Named | Applied
CHOICE, NEGATIVE, NOT, AND, OR = "?:", "negative", "not", "and", "or"


def _rounded(value: float) -> float:
    """Half away from zero, as Go does."""
    if not isfinite(value):
        return value
    whole = floor(abs(value))
    return copysign(whole + (abs(value) - whole >= 0.5), value)


# What is true counts as 1, as in Python; a reader of formulas keeps numbers and conditions apart.
FUNCTIONS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "+": lambda given: given[0] + given[1], "-": lambda given: given[0] - given[1],
    "*": lambda given: given[0] * given[1], "/": lambda given: divided(given[0], given[1]),
    "<": lambda given: given[0] < given[1], "<=": lambda given: given[0] <= given[1],
    ">": lambda given: given[0] > given[1], ">=": lambda given: given[0] >= given[1],
    "==": lambda given: given[0] == given[1], "!=": lambda given: given[0] != given[1],
    NEGATIVE: lambda given: -given[0], NOT: lambda given: not given[0],
    "min": min, "max": max, "abs": lambda given: abs(given[0]),
    "ceil": lambda given: ceiling(given[0]),
    "floor": lambda given: flooring(given[0]),
    "round": lambda given: _rounded(given[0]),
}


def value_of(term: Term, numbers: Mapping[str, float]) -> float:
    """The value of the formula where each trigger has this number."""
    match term:
        case Constant():
            return term.value
        case Named():
            return numbers[term.name]
        case Applied(function="?:", arguments=(condition, first, second)):
            return value_of(first if value_of(condition, numbers) else second, numbers)
        # The second side of a condition is not evaluated where the first one decides.
        case Applied(function="and", arguments=(left, right)):
            return value_of(right, numbers) if value_of(left, numbers) else 0.0
        case Applied(function="or", arguments=(left, right)):
            return 1.0 if value_of(left, numbers) else value_of(right, numbers)
    return float(FUNCTIONS[term.function]([value_of(argument, numbers) for argument in term.arguments]))


def names_in(term: Term) -> frozenset[str]:
    """The triggers that the formula names."""
    match term:
        case Named():
            return frozenset((term.name,))
        case Applied():
            return frozenset().union(*(names_in(argument) for argument in term.arguments))
    return frozenset()
