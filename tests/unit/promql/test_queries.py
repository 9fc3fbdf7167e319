"""Queries read into trees and evaluated, with the answers of Prometheus 3's own engine."""
from __future__ import annotations

from math import inf, isnan

import pytest

from elastometer.model.errors import SpecError
from elastometer.promql.evaluate import Elements, QueryError, evaluate
from elastometer.promql.plain import plain_sums
from elastometer.promql.read import matchers_in, read_query
from elastometer.promql.series import Matcher, MatchOperator, TestSeries, labels_of_pod

SERIES = TestSeries("team-a", "chat", "Qwen/Qwen2.5-0.5B-Instruct")
METRICS = ("w", "r")
# Two Pods, 3 and 4 waiting, 1 and 2 running.
WORLD = {"w": {"one": 3.0, "two": 4.0}, "r": {"one": 1.0, "two": 2.0}}


def value(text: str, world: dict[str, dict[str, float]] | None = None) -> float | Elements:
    node = read_query("q", text, SERIES, METRICS).node
    found = WORLD if world is None else world
    return evaluate(node, lambda metric: {labels_of_pod(pod): number for pod, number in found[metric].items()})


@pytest.mark.parametrize(("text", "wanted"), [
    ("sum(w)", 7.0), ("avg(w)", 3.5), ("min(w)", 3.0), ("max(w)", 4.0), ("count(w)", 2.0),
    ("sum(w) + sum(w)", 14.0), ("sum(w + r)", 10.0), ("sum(w) + sum(r)", 10.0), ("sum(w) - sum(r) * 2", 1.0),
    ("(sum(w) - sum(r)) * 2", 8.0), ("-sum(w)", -7.0), ("sum(-w)", -7.0), ("sum(w) / 2", 3.5), ("sum(w) / 0", inf),
    ("-sum(w) / 0", -inf), ("2 * sum(w)", 14.0), ("sum(w) / sum(r)", 7 / 3), ("sum(w / r)", 5.0),
    ("sum by (namespace) (w)", 7.0), ("sum by (model_name, job) (w)", 7.0),
    ("sum without (pod, instance, node) (w)", 7.0),
    ("sum(sum by (pod) (w))", 7.0), ("max(sum by (pod) (w + r))", 6.0), ("sum(w) or vector(0)", 7.0),
    ("vector(0) or sum(w)", 0.0), ("sum by (pod) (w{pod=\"x\"}) or on() vector(5)", 5.0), ("sum(w or r)", 7.0),
    ("clamp_max(sum(w), 5)", 5.0), ("clamp_min(sum(w), 9)", 9.0), ("clamp(sum(w), -1, 6.5)", 6.5),
    ("ceil(sum(w) / 2)", 4.0), ("floor(sum(w) / 2)", 3.0), ("abs(-sum(w))", 7.0), ("vector(1)", 1.0),
    ("sum({__name__=\"w\"})", 7.0), ("sum({\"w\"})", 7.0), ("sum(w) * on() sum(r)", 21.0),
    ("sum(w) by (engine)", 7.0), ("sum(w{}) # a comment", 7.0),
    ("sum by (pod) (w) * on(pod) r * 0 or on() vector(1)", None),
    ("sum(w{pod=~`chat-server-\\w+-\\w{5}`})", 7.0), ("sum(w{model_name=~`Qwen/Qwen2\\.5.*`}) # `\\", 7.0),
    ("sum(w{job!=\"`\"}) + sum(r{job!='`', model_name!~`\\d`})", 10.0),
    ("w", None), ("sum by (pod) (w)", None), ("sum by (instance) (w)", None), ("sum without (pod) (w)", None),
    ("sum by (model_name) (w) or vector(0)", None), ("w{pod=~\"chat-.*\"}", None),
])
def test_a_query_has_the_value_that_prometheus_gives(text: str, wanted: float | None) -> None:
    """None: two elements, which KEDA answers with an error."""
    found = value(text)
    assert isinstance(found, dict)
    assert list(found.values()) == [wanted] if wanted is not None else len(found) == 2


def test_a_scalar_is_no_vector() -> None:
    assert value("1 + 1") == 2.0
    assert value("-(3 - 1) / 4") == -0.5


def test_nothing_is_not_zero() -> None:
    """The sum of nothing is nothing; only `or` makes a number of it."""
    none: dict[str, dict[str, float]] = {"w": {}, "r": {}}
    assert value("sum(w)", none) == {}
    assert value("sum(w) * 0 + 5", none) == {}
    assert value("sum(w) or vector(0)", none) == {frozenset(): 0.0}
    assert value("count(w) or on() vector(0)", none) == {frozenset(): 0.0}
    assert value("sum(w) + sum(r)", {"w": {"one": 1.0}, "r": {}}) == {}


def test_zero_by_zero_is_not_a_number() -> None:
    found = value("sum(w) / sum(r)", {"w": {"one": 0.0}, "r": {"one": 0.0}})
    assert isinstance(found, dict)
    assert isnan(next(iter(found.values())))


@pytest.mark.parametrize("text", ["w + on() r", "w * on(namespace) r", "sum(w) + on() r"])
def test_several_elements_that_match_each_other_are_an_error(text: str) -> None:
    with pytest.raises(QueryError):
        value(text)


@pytest.mark.parametrize(("text", "named"), [
    ("sum(rate(w[1m]))", "`rate`"), ("max_over_time(sum(w)[5m:30s])", "`max_over_time`"),
    ("sum(w offset 1m)", "`offset`"),
    ("sum(w @ 5)", "`@`"), ("sum(w) > 5", "`>`"), ("sum(w) > bool 5", "`bool`"), ("sum(w) ^ 2", "`^`"),
    ("sum(w) % 2", "`%`"), ("sum(w) and sum(r)", "`and`"), ("sum(w) unless r", "`unless`"), ("topk(1, w)", "`topk`"),
    ("quantile(0.9, w)", "`quantile`"), ("stddev(w)", "`stddev`"), ("absent(w)", "`absent`"),
    ("scalar(sum(w))", "`scalar`"),
    ("label_replace(w, \"a\", \"b\", \"c\", \"d\")", "`label_replace`"),
    ("histogram_quantile(0.9, w)", "`histogram_quantile`"),
    ("w * on(pod) group_left r", "`group_left`"), ("sum(up)", "`up`"), ("sum(x)", "`x`"), ("time()", "`time`"),
    ("sum({job=\"pods\"})", "without the name"), ("sum({__name__=~\"w|r\"})", "__name__=~"),
    ("sum by (node) (w)", "`node`"),
    ("sum by (container) (w)", "`container`"), ("w * on(service) r", "`service`"),
    ("sum without (pod, instance) (w)", "`node`"),
    ("\"text\"", "text"), ("clamp_max(w, 1 + 1)", "bound"), ("sum(w{pod=\"a\" or pod=\"b\"})", "`or` between matchers"),
])
def test_what_has_no_exact_model_is_refused_by_its_name(text: str, named: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_query("spec.triggers[0].metadata.query", text, SERIES, METRICS)
    said = str(caught.value)
    assert said.startswith("spec.triggers[0].metadata.query: must be a query that the simulator models, but ")
    assert named in said
    assert said.endswith(f"is {text!r}")


@pytest.mark.parametrize("text", ["", "sum(w", "sum(w[5m])", "sum(w) or 1", "nonsense(w)", "sum(w) +", "w{pod=~\"(\"}"])
def test_what_is_no_query_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match="q: must be a query in PromQL"):
        read_query("q", text, SERIES, METRICS)


def test_the_matchers_of_a_query_can_be_listed() -> None:
    assert matchers_in('sum(w{job="vllm"}) / sum(r{pod=~"a.*"})') == {
        Matcher("job", MatchOperator.EQUAL, "vllm"), Matcher("pod", MatchOperator.REGEX, "a.*")}
    assert matchers_in("sum(") == frozenset()


@pytest.mark.parametrize(("text", "sums"), [
    ("sum(w)", {"w": 1}), ("sum(w) + sum(w)", {"w": 2}), ("sum(w + r)", {"w": 1, "r": 1}),
    ("sum(w) or vector(0)", {"w": 1}),
    ('sum by (job) (w{job="vllm",node="a"}) + sum(r)', {"w": 1, "r": 1}), ("sum by (pod) (w)", None), ("avg(w)", None),
    ("sum(w) * 2", None), ("sum(w) - sum(r)", None), ("w", None), ("sum(rate(w[1m]))", None), ("sum(", None),
])
def test_a_query_that_only_adds_up_is_known_by_what_it_adds(text: str, sums: dict[str, int] | None) -> None:
    assert plain_sums(text, METRICS) == sums
