"""A query as a source of the twin: what it is for any number of replicas, and what a reader should know about it."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from elastometer.model.server_metrics import KV_CACHE, OLD_KV_CACHE
from elastometer.promql.plain import is_one_group
from elastometer.promql.read import read_query
from elastometer.promql.series import TestSeries, labels_of_pod
from elastometer.promql.tree import (
    ALL,
    Aggregation,
    Aggregator,
    Binary,
    Node,
    Operator,
    Series,
    is_scalar,
    series_in,
)
from elastometer.twin.metrics_view import Missing, Number, only_number
from elastometer.twin.sources import METRICS, Asked, Nowhere, Signal, Source

# Whether a query has a value depends on the number of replicas only, as no comparison is modelled; more are like three.
_SIZES = (0, 1, 2, 3)


@dataclass(frozen=True, slots=True)
class AskedSource:
    """A source and its notes. `at_size` is what it answers where each of so many replicas has the value 1."""

    source: Source
    notes: tuple[str, ...]
    at_size: tuple[Number, ...]

    def may_fail(self, null_is_zero: bool) -> bool:
        """Whether KEDA may be unable to read it at some time."""
        return any(isinstance(found, Missing) and (found is Missing.ERROR or not null_is_zero)
                   for found in self.at_size)


@lru_cache(maxsize=256)
def asked(path: str, text: str, series: TestSeries) -> AskedSource:
    """The source that a trigger's query is. Raises SpecError for what has no exact model."""
    query = read_query(path, text, series, tuple(METRICS))
    found = tuple(_answer(query.node, size) for size in _SIZES)
    notes = (*query.notes, *_doubts(path, query.node, found), *_old_names(path, query.node))
    if all(one is Missing.EMPTY for one in found):
        return AskedSource(Nowhere(f"the query {text!r} selects nothing of this test"), notes, found)
    return AskedSource(_plain(query.node) or Asked(text, query.node), notes, found)


def _answer(node: Node, size: int) -> Number:
    elements = {labels_of_pod(f"pod-{number}"): 1.0 for number in range(size)}
    return only_number(node, lambda _: elements)


def _doubts(path: str, node: Node, found: tuple[Number, ...]) -> Iterator[str]:
    if is_scalar(node):
        yield f"{path}: the query returns a scalar, which KEDA cannot read: it answers each sync with an error"
    elif Missing.ERROR in found:
        size = found.index(Missing.ERROR)
        yield (f"{path}: with {size} or more replicas the query has several elements, which is an error in "
               "KEDA: the HPA then has no metric and does not scale. sum(…) without labels has one element")
    elif set(found) == {Missing.EMPTY} and all(series.selects for series in series_in(node)):
        yield f"{path}: the query returns no element, since none on one side has the labels of one on the other"


def _old_names(path: str, node: Node) -> Iterator[str]:
    if any(series.metric == OLD_KV_CACHE and series.selects for series in series_in(node)):
        yield f"{path}: {OLD_KV_CACHE} is what older releases of vLLM export; newer ones have {KV_CACHE}"


def _plain(node: Node) -> Signal | None:
    """The signal of which the query is the sum over the replicas, with one element as long as there is a replica."""
    match node:
        case Aggregation(aggregator=Aggregator.SUM, inner=Series(metric=metric, selects=True)) if is_one_group(node.by):
            return METRICS[metric]
        case Aggregation(aggregator=Aggregator.SUM, inner=Binary() as sums) if is_one_group(node.by):
            return _in_flight(sums)
        case Binary(left=Aggregation(by=by), right=Aggregation(by=other)) if by == other:
            both = {_plain(node.left), _plain(node.right)}
            if both == {Signal.WAITING, Signal.RUNNING} and (node.operator, node.on) == (Operator.PLUS, ALL):
                return Signal.IN_FLIGHT
    return None


def _in_flight(sums: Binary) -> Signal | None:
    left, right = sums.left, sums.right
    if not isinstance(left, Series) or not isinstance(right, Series):
        return None
    both = {METRICS[left.metric], METRICS[right.metric]} == {Signal.WAITING, Signal.RUNNING}
    selected = left.selects and right.selects and sums.on == ALL
    return Signal.IN_FLIGHT if both and selected and sums.operator is Operator.PLUS else None

