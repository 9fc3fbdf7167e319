"""The nodes of a query. A node is a scalar, or a vector of elements with different labels."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Aggregator(StrEnum):
    """How the elements of a group become one."""

    SUM = "sum"
    AVERAGE = "avg"
    MINIMUM = "min"
    MAXIMUM = "max"
    COUNT = "count"


class Operator(StrEnum):
    """Arithmetic between two numbers, or element by element."""

    PLUS = "+"
    MINUS = "-"
    TIMES = "*"
    DIVIDED = "/"


class Function(StrEnum):
    """A function of one number, applied to each element."""

    ABSOLUTE = "abs"
    CEILING = "ceil"
    FLOOR = "floor"
    NEGATIVE = "-"


@dataclass(frozen=True, slots=True)
class Labels:
    """A choice of labels: only these, or (`others`) all but these."""

    names: frozenset[str]
    others: bool = False


ALL = Labels(frozenset(), others=True)
NONE = Labels(frozenset())


@dataclass(frozen=True, slots=True)
class Number:
    """A scalar."""

    value: float


@dataclass(frozen=True, slots=True)
class Series:
    """The series of one metric; `selects`: whether the matchers select those of the test or none at all."""

    metric: str
    selects: bool


@dataclass(frozen=True, slots=True)
class Aggregation:
    """One element for each group of elements that agree in the labels `by`."""

    aggregator: Aggregator
    inner: Node
    by: Labels


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic. Elements on both sides belong together if they agree in the labels `on`."""

    operator: Operator
    left: Node
    right: Node
    on: Labels = ALL


@dataclass(frozen=True, slots=True)
class Either:
    """`or`: the left elements, and those right ones that agree with no left one in the labels `on`."""

    left: Node
    right: Node
    on: Labels = ALL


@dataclass(frozen=True, slots=True)
class Mapped:
    """A function applied to each number."""

    function: Function
    inner: Node


@dataclass(frozen=True, slots=True)
class Clamped:
    """Each number, but at least `low` and at most `high`."""

    inner: Node
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Vector:
    """`vector(scalar)`: one element without labels."""

    scalar: Node


Node: TypeAlias = Number | Series | Aggregation | Binary | Either | Mapped | Clamped | Vector


def is_scalar(node: Node) -> bool:
    """Whether the value is a number and not a vector; KEDA cannot read it then."""
    match node:
        case Number():
            return True
        case Binary(left=left, right=right):
            return is_scalar(left) and is_scalar(right)
        case Mapped(inner=inner):
            return is_scalar(inner)
    return False


def series_in(node: Node) -> Iterator[Series]:
    """Every selector of the query, as often as it occurs."""
    match node:
        case Series():
            yield node
        case Aggregation(inner=inner) | Mapped(inner=inner) | Clamped(inner=inner):
            yield from series_in(inner)
        case Binary(left=left, right=right) | Either(left=left, right=right):
            yield from series_in(left)
            yield from series_in(right)
