"""Reads a query into a tree. What has no exact model is refused by its name in the query, with the path of the query.

The text is parsed by promql-parser; this module decides what the parts mean for one test.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

import promql_parser as promql

from elastometer.model.errors import SpecError
from elastometer.promql.parse import parse, parts
from elastometer.promql.series import KNOWN, NODE, OF_ONE_POD, Matcher, MatchOperator, TestSeries, select
from elastometer.promql.tree import (
    ALL,
    NONE,
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

NAME = "__name__"
# Pairs and no mapping: the parser's words cannot be hashed.
_OPERATORS = (
    (promql.MatchOp.Equal, MatchOperator.EQUAL), (promql.MatchOp.NotEqual, MatchOperator.NOT_EQUAL),
    (promql.MatchOp.Re, MatchOperator.REGEX), (promql.MatchOp.NotRe, MatchOperator.NOT_REGEX),
)
_EITHER, _SUBQUERY = "or", "a subquery"


@dataclass(frozen=True, slots=True)
class Query:
    """A query as read; `notes` say what it selects and what was assumed."""

    node: Node
    notes: tuple[str, ...]


def read_query(path: str, text: str, series: TestSeries, metrics: Sequence[str]) -> Query:
    """The query of a test. `metrics` are the names that have a model. Raises SpecError."""
    try:
        parsed = parse(text)
    except ValueError as error:
        raise SpecError(f"{path}: must be a query in PromQL ({error}), is {text!r}") from error
    reader = _Reader(path, text, series, tuple(metrics))
    return Query(reader.node(parsed), tuple(dict.fromkeys(reader.notes)))


def matchers_in(text: str) -> frozenset[Matcher]:
    """Every label matcher of a query; none of one that cannot be parsed."""
    try:
        selectors = [part for part in parts(text) if isinstance(part, promql.VectorSelector)]
    except ValueError:
        return frozenset()
    return frozenset(matcher for part in selectors for matcher in _matchers(part) if matcher.label != NAME)


def _matchers(parsed: promql.VectorSelector) -> list[Matcher]:
    return [Matcher(one.name, _operator(one), one.value) for one in parsed.matchers.matchers]


def _operator(matcher: promql.Matcher) -> MatchOperator:
    return next(known for word, known in _OPERATORS if word == matcher.op)


@dataclass(slots=True)
class _Reader:
    path: str
    text: str
    series: TestSeries
    metrics: tuple[str, ...]
    notes: list[str] = field(default_factory=list)

    def refusal(self, what: str) -> SpecError:
        return SpecError(f"{self.path}: must be a query that the simulator models, but {what} is not modelled; "
                         f"is {self.text!r}")

    def node(self, parsed: promql.Expr) -> Node:
        match parsed:
            case promql.NumberLiteral():
                return Number(float(parsed.val))
            case promql.ParenExpr():
                return self.node(parsed.expr)
            case promql.UnaryExpr():
                return Mapped(Function.NEGATIVE, self.node(parsed.expr))
            case promql.VectorSelector():
                return self.selector(parsed)
            case promql.AggregateExpr():
                return self.aggregation(parsed)
            case promql.BinaryExpr():
                return self.binary(parsed)
            case promql.Call():
                return self.call(parsed)
            case promql.SubqueryExpr():
                raise self.refusal(_SUBQUERY)
        raise self.refusal(f"`{parsed.prettify()}`")

    def selector(self, parsed: promql.VectorSelector) -> Series:
        if parsed.offset is not None:
            raise self.refusal("`offset`")
        if parsed.at is not None:
            raise self.refusal("`@`")
        if parsed.matchers.or_matchers:
            raise self.refusal("`or` between matchers")
        every = _matchers(parsed)
        name = self.metric(parsed.name, [matcher for matcher in every if matcher.label == NAME])
        found = select(self.path, [matcher for matcher in every if matcher.label != NAME], self.series)
        self.notes += found.notes
        if name in self.series.unexported:
            self.notes.append(f"{self.path}: {name} is no metric of this server, so it selects nothing")
        return Series(name, found.selects and name not in self.series.unexported)

    def metric(self, name: str | None, matchers: Sequence[Matcher]) -> str:
        """The one metric that is selected: by its name, or by a matcher of `__name__`."""
        given = name
        for matcher in matchers:
            if matcher.operator is not MatchOperator.EQUAL or given is not None:
                raise self.refusal(f"`{matcher}`")
            given = matcher.value
        if given is None:
            raise self.refusal("a selector without the name of a metric")
        if given not in self.metrics:
            raise self.refusal(f"the metric `{given}` (modelled: {', '.join(self.metrics)})")
        return given

    def aggregation(self, parsed: promql.AggregateExpr) -> Aggregation:
        name = str(parsed.op)
        if name not in list(Aggregator) or parsed.param is not None:
            raise self.refusal(f"`{name}`")
        modifier = parsed.modifier
        by = NONE if modifier is None else self.labels(
            modifier.labels, others=modifier.type == promql.AggModifierType.Without)
        return Aggregation(Aggregator(name), self.node(parsed.expr), by)

    def labels(self, names: Sequence[str], *, others: bool) -> Labels:
        """Labels to group or to match by. Whether Pods share a node is not known before the run."""
        chosen = frozenset(names)
        unknown = sorted(chosen - KNOWN)
        if unknown and not others:
            raise self.refusal(f"grouping by the label `{unknown[0]}`, whose values are not known before the run,")
        by_node = NODE not in chosen and chosen >= OF_ONE_POD if others else NODE in chosen and not chosen & OF_ONE_POD
        if by_node:
            raise self.refusal(f"grouping by the label `{NODE}`, which is not known before the run,")
        return Labels(chosen, others)

    def binary(self, parsed: promql.BinaryExpr) -> Binary | Either:
        name, on = str(parsed.op), self.matching(parsed.modifier)
        if name != _EITHER and name not in list(Operator):
            raise self.refusal(f"`{name}`")
        left, right = self.node(parsed.lhs), self.node(parsed.rhs)
        return Either(left, right, on) if name == _EITHER else Binary(Operator(name), left, right, on)

    def matching(self, modifier: promql.BinModifier | None) -> Labels:
        if modifier is None:
            return ALL
        if modifier.return_bool:
            raise self.refusal("`bool`")
        fill = modifier.fill_values
        if fill is not None and (fill.lhs is not None or fill.rhs is not None):
            raise self.refusal("`fill`")
        if modifier.card in (promql.VectorMatchCardinality.ManyToOne, promql.VectorMatchCardinality.OneToMany):
            raise self.refusal("`group_left` or `group_right`")
        matching = modifier.matching
        if matching is None:
            return ALL
        return self.labels(matching.labels, others=matching.type == promql.LabelModifierType.Exclude)

    def call(self, parsed: promql.Call) -> Node:
        name, given = parsed.func.name, parsed.args
        match name:
            case "vector":
                return Vector(self.node(given[0]))
            case "abs" | "ceil" | "floor":
                return Mapped(Function(name), self.node(given[0]))
            case "clamp":
                return Clamped(self.node(given[0]), self.number(given[1]), self.number(given[2]))
            case "clamp_min":
                return Clamped(self.node(given[0]), self.number(given[1]), inf)
            case "clamp_max":
                return Clamped(self.node(given[0]), -inf, self.number(given[1]))
        raise self.refusal(f"`{name}`")

    def number(self, parsed: promql.Expr) -> float:
        found = self.node(parsed)
        if isinstance(found, Number):
            return found.value
        if isinstance(found, Mapped) and found.function is Function.NEGATIVE and isinstance(found.inner, Number):
            return -found.inner.value
        raise self.refusal(f"the bound `{parsed.prettify()}`")
