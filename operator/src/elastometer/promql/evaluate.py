"""The value of a query, by the rules of Prometheus' engine for an instant (promql/engine.go, 3.x)."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from math import fsum, isfinite, isnan, nan
from typing import TypeAlias, assert_never

from elastometer.promql.ieee import ceiling, divided, flooring
from elastometer.promql.tree import (
    Aggregation,
    Aggregator,
    Binary,
    Clamped,
    Either,
    Function,
    Labels,
    Mapped,
    Node,
    Number,
    Operator,
    Series,
    Vector,
)

LabelSet: TypeAlias = frozenset[tuple[str, str]]
Elements: TypeAlias = dict[LabelSet, float]
# The newest sample of each series of a metric; the labels leave out the metric's name.
Samples: TypeAlias = Callable[[str], Elements]


class QueryError(Exception):
    """Prometheus answers with an error instead of a value."""


def evaluate(node: Node, samples: Samples) -> float | Elements:
    """A scalar, or the elements of a vector. Raises QueryError."""
    match node:
        case Number():
            return node.value
        case Series():
            return samples(node.metric) if node.selects else {}
        case Aggregation():
            return _aggregated(node, _elements(node.inner, samples))
        case Binary():
            return _combined(node, evaluate(node.left, samples), evaluate(node.right, samples))
        case Either():
            return _either(node, _elements(node.left, samples), _elements(node.right, samples))
        case Mapped():
            return _each(evaluate(node.inner, samples), lambda value: _mapped(node.function, value))
        case Clamped():
            return _clamped(node, _elements(node.inner, samples))
        case Vector():
            return {frozenset(): _number(node.scalar, samples)}
        case other:
            assert_never(other)


def _elements(node: Node, samples: Samples) -> Elements:
    found = evaluate(node, samples)
    if isinstance(found, float):
        raise QueryError("a vector is expected, found a scalar")
    return found


def _number(node: Node, samples: Samples) -> float:
    found = evaluate(node, samples)
    if not isinstance(found, float):
        raise QueryError("a scalar is expected, found a vector")
    return found


def _each(found: float | Elements, change: Callable[[float], float]) -> float | Elements:
    if isinstance(found, float):
        return change(found)
    return {labels: change(value) for labels, value in found.items()}


def _kept(labels: LabelSet, choice: Labels) -> LabelSet:
    if choice.others:
        return frozenset(pair for pair in labels if pair[0] not in choice.names) if choice.names else labels
    return frozenset(pair for pair in labels if pair[0] in choice.names)


def _aggregated(node: Aggregation, elements: Elements) -> Elements:
    groups: dict[LabelSet, list[float]] = defaultdict(list)
    for labels, value in elements.items():
        groups[_kept(labels, node.by)].append(value)
    return {labels: _aggregate(node.aggregator, values) for labels, values in groups.items()}


def _aggregate(aggregator: Aggregator, values: Sequence[float]) -> float:
    match aggregator:
        case Aggregator.SUM:
            return _sum(values)
        case Aggregator.AVERAGE:
            return _sum(values) / len(values)
        # NaN counts only where there is nothing else.
        case Aggregator.MINIMUM:
            return min((value for value in values if not isnan(value)), default=nan)
        case Aggregator.MAXIMUM:
            return max((value for value in values if not isnan(value)), default=nan)
        case Aggregator.COUNT:
            return float(len(values))
        case other:
            assert_never(other)


def _sum(values: Sequence[float]) -> float:
    """Compensated, as in the engine; infinities follow the plain rules."""
    return fsum(values) if all(map(isfinite, values)) else sum(values, 0.0)


def _combined(node: Binary, left: float | Elements, right: float | Elements) -> float | Elements:
    if isinstance(left, float):
        return _each(right, lambda value: _calculated(node.operator, left, value))
    if isinstance(right, float):
        return _each(left, lambda value: _calculated(node.operator, value, right))
    return _matched(node, left, right)


def _matched(node: Binary, left: Elements, right: Elements) -> Elements:
    """One to one: more than one element of a group on either side is an error."""
    partners: dict[LabelSet, float] = {}
    for labels, value in right.items():
        group = _kept(labels, node.on)
        if group in partners:
            raise QueryError("several elements of the right side have the same labels")
        partners[group] = value
    made: Elements = {}
    for labels, value in left.items():
        group = _kept(labels, node.on)
        if group not in partners:
            continue
        if group in made:
            raise QueryError("several elements of the left side match one of the right side")
        made[group] = _calculated(node.operator, value, partners[group])
    return made


def _calculated(operator: Operator, left: float, right: float) -> float:
    match operator:
        case Operator.PLUS:
            return left + right
        case Operator.MINUS:
            return left - right
        case Operator.TIMES:
            return left * right
        case Operator.DIVIDED:
            return divided(left, right)
        case other:
            assert_never(other)


def _either(node: Either, left: Elements, right: Elements) -> Elements:
    taken = {_kept(labels, node.on) for labels in left}
    return {**left, **{labels: value for labels, value in right.items() if _kept(labels, node.on) not in taken}}


def _mapped(function: Function, value: float) -> float:
    match function:
        case Function.ABSOLUTE:
            return abs(value)
        case Function.CEILING:
            return ceiling(value)
        case Function.FLOOR:
            return flooring(value)
        case Function.NEGATIVE:
            return -value
        case other:
            assert_never(other)


def _clamped(node: Clamped, elements: Elements) -> Elements:
    """Nothing if the bounds are the wrong way round."""
    if node.low > node.high:
        return {}
    return {labels: value if isnan(value) else max(node.low, min(node.high, value))
            for labels, value in elements.items()}
