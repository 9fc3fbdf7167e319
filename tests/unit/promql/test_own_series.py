"""A team's own queries: variables do not widen a query, and what Prometheus would refuse is refused before a run."""
from __future__ import annotations

from typing import Any

import promql_parser
import pytest

from elastometer.model.errors import SpecError
from elastometer.model.names import Names
from elastometer.model.own_series import OwnSeries, own_series
from elastometer.plan import accepted
from elastometer.promql.own_series import filled_in, series_flaws
from elastometer.resources.promql import QUERIES, render_own, render_queries
from support.synthetic.script import NAMESPACE, SPEC, TEST, UID

HOSTILE = {"namespace": 'x"} or vector(1) #', "pods": "a\\.b'-.+", "service": "s\nt"}


def flaws_of(query: str) -> list[str]:
    return list(series_flaws((OwnSeries("temperature", "celsius", query),)))


@pytest.mark.parametrize("quote", ['"', "'", "`"])
def test_no_value_can_end_the_string_that_it_stands_in(quote: str):
    query = f"x{{a={quote}$namespace{quote},b=~{quote}$pods{quote},c={quote}$service{quote}}}"
    parsed = promql_parser.parse(filled_in(query, HOSTILE))
    assert isinstance(parsed, promql_parser.VectorSelector)
    assert [one.value for one in parsed.matchers.matchers] == list(HOSTILE.values())


def test_variables_become_this_tests_names():
    one = OwnSeries("power", "W", 'sum by (pod) (power{namespace="$namespace",pod=~"$pods",svc!="${service}"})')
    assert render_own([one], Names("team-a", "demo", "u"))[0].promql == (
        'sum by (pod) (power{namespace="team-a",pod=~"demo-server-.+",svc!="demo-server"})')


@pytest.mark.parametrize("query", [
    'up{pod=~"$pods"}', "up{pod!~`$pods`}", 'sum(rate(x{namespace="$namespace"}[1m])) by (pod)', "1", "scalar(up)",
    'label_replace(x{pod=~"$pods"}, "a", "$1-${2}", "pod", "(.*)-(.*)$")', 'x{a="b"} # $anything',
])
def test_a_valid_query_has_no_flaw(query: str):
    assert flaws_of(query) == []


@pytest.mark.parametrize(("query", "said"), [
    ("sum(rate(x[5m])", "unclosed left parenthesis at its end, where ')' is missing"),
    ("sum(foo bar)", "at line 1, column 9, near 'bar)'"),
    ("a\nand\nb c", "at line 3, column 3, near 'c'"),
    ("x{a=b}", "expected string at line 1, column 3"),
    ('up{pod=~"$pod"}', "must use no variables but $namespace, $pods, $service, uses $pod at line 1, column 10"),
    ('x{a="${__range}"}', "uses ${__range} at line 1, column 6"),
    ("$pods", "must use $pods within a string"),
    ('up{pod="$pods"}', "must compare $pods, which is a pattern, by =~ or !~, compares the label pod by ="),
    ("x[5m]", "must return one value for each series at an instant"),
    ('("text")', "must return one value for each series at an instant"),
])
def test_a_flaw_says_what_and_where(query: str, said: str):
    (flaw,) = flaws_of(query)
    assert flaw.startswith("spec.measurement.series[0].query: must ")
    assert said in flaw


def test_names_of_recorded_series_and_repeated_names_are_refused():
    series = [OwnSeries(name, "1", "up") for name in ("power", "requests_waiting", "trigger_0", "power")]
    assert [flaw.partition(": must")[0] for flaw in series_flaws(series)] == [
        f"spec.measurement.series[{index}].name" for index in (1, 2, 3)]


def test_an_accepted_test_carries_its_series_and_a_refused_one_names_every_flaw():
    def body(*queries: str) -> dict[str, Any]:
        series = [{"name": f"own-{index}", "unit": "W", "query": query} for index, query in enumerate(queries)]
        return {"metadata": {"name": TEST, "namespace": NAMESPACE, "uid": UID},
                "spec": {**SPEC, "measurement": {**SPEC["measurement"], "series": series}}}
    assert accepted(body("up")).measurement.series == (OwnSeries("own-0", "W", "up"),)
    with pytest.raises(SpecError) as refused:
        accepted(body("up(", "up", "$x"))
    assert [flaw.partition(":")[0] for flaw in refused.value.flaws] == [
        "spec.measurement.series[0].query", "spec.measurement.series[2].query"]


def test_a_partial_entry_of_a_record_is_left_out():
    series = [{"name": "a", "unit": "W"}, {"name": "b", "unit": "W", "query": "up"}]
    assert own_series({"measurement": {"series": series}}) == (OwnSeries("b", "W", "up"),)


def test_every_own_query_of_the_tool_is_promql():
    rendered = render_queries("team-a", "demo-server", None)
    assert len(rendered) == len(QUERIES) > 20
    for one in rendered:
        assert "$s" not in one.promql
        promql_parser.parse(one.promql)
