"""Queries that only add up metrics over all series, for readers that know the sums and nothing of single series."""
from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from elastometer.model.errors import SpecError
from elastometer.promql.read import matchers_in, read_query
from elastometer.promql.series import NODE, OF_ONE_POD, TestSeries
from elastometer.promql.tree import (
    ALL,
    NONE,
    Aggregation,
    Aggregator,
    Binary,
    Either,
    Labels,
    Node,
    Operator,
    Series,
    Vector,
)

_DISTINCT = OF_ONE_POD | {NODE}


def plain_sums(text: str, metrics: Sequence[str]) -> Mapping[str, int] | None:
    """How often the query adds each metric, whatever its matchers select; None for a query that does anything else."""
    series = TestSeries("", "", None, proven=matchers_in(text))
    try:
        return _added(read_query("query", text, series, metrics).node)
    except SpecError:
        return None


def is_one_group(by: Labels) -> bool:
    """Whether all Pods agree in the labels, so that there is one element."""
    return by.names >= _DISTINCT if by.others else not by.names & _DISTINCT


def _added(node: Node) -> Counter[str] | None:
    match node:
        case Aggregation(aggregator=Aggregator.SUM, inner=inner, by=by) if is_one_group(by):
            return _of_each_pod(inner)
        case Binary(operator=Operator.PLUS, left=left, right=right):
            one, other = _added(left), _added(right)
            return one + other if one is not None and other is not None else None
        # A number in place of nothing adds nothing to what there is.
        case Either(left=left, right=Vector(), on=on) if on in (ALL, NONE):
            return _added(left)
    return None


def _of_each_pod(node: Node) -> Counter[str] | None:
    match node:
        case Series(metric=metric):
            return Counter((metric,))
        case Binary(operator=Operator.PLUS, left=left, right=right, on=on) if on == ALL:
            one, other = _of_each_pod(left), _of_each_pod(right)
            return one + other if one is not None and other is not None else None
    return None
