"""Label matchers against the labels that the series of a test carry."""
from __future__ import annotations

import re
from dataclasses import replace

import pytest

from elastometer.model.errors import SpecError
from elastometer.promql.read import read_query
from elastometer.promql.series import Matcher, MatchOperator, TestSeries, drawn_names, other_test
from elastometer.promql.tree import series_in

CHAT = TestSeries("team-a", "chat", "Qwen/Qwen2.5-0.5B-Instruct")


def selects(matchers: str, series: TestSeries = CHAT) -> bool:
    node = read_query("q", f"sum(w{{{matchers}}})", series, ("w",)).node
    return all(one.selects for one in series_in(node))


def notes(matchers: str, series: TestSeries) -> str:
    return "\n".join(read_query("q", f"sum(w{{{matchers}}})", series, ("w",)).notes)


@pytest.mark.parametrize("matchers", [
    "", 'namespace="team-a"', 'namespace=~"team-.*"', 'namespace!="default"', 'namespace!~"kube-.*"', 'namespace!=""',
    'pod=~"chat-server-.*"', 'pod=~"chat-server-.+"', 'pod=~".*"', 'pod=~"chat-server-[a-z0-9]+-[a-z0-9]{5}"',
    'pod=~"(chat|mail)-server-.*"', 'pod!=""', 'pod!~"mail-server-.*"', 'pod=~"(?i)CHAT-.*"',
    'model_name="Qwen/Qwen2.5-0.5B-Instruct"', 'model_name=~"Qwen/.*"', 'model_name!="other"', 'engine="0"',
    'job="pods"',
    'namespace="team-a",pod=~"chat-.*",model_name=~"Qwen.*"',
])
def test_matchers_that_the_labels_meet_select_the_test(matchers: str) -> None:
    assert selects(matchers)


@pytest.mark.parametrize("matchers", [
    'namespace="default"', 'namespace=~"team"', 'namespace=""', 'pod="m-0"', 'pod="chat-server"', 'pod=~"chat"',
    'pod=~"vllm-.*"', 'pod=~"server-.*"', 'pod=~"other-server-.*"', 'pod!~"chat-.*"', 'pod=""',
    'model_name="somebody/else"',
    'model_name=~"Qwen"', 'model_name!~"Qwen.*"', 'job="vllm"', 'engine="1"', 'namespace="team-a",model_name="x"',
])
def test_one_matcher_that_the_labels_do_not_meet_selects_nothing(matchers: str) -> None:
    assert not selects(matchers)
    assert "selects no series of this test" in notes(matchers, CHAT)


@pytest.mark.parametrize("matchers", [
    'node="a"', 'instance=~".*:8000"', 'container="server"', 'service!="x"', 'app=""', 'pod=~"chat-server-[b-k].*"',
    'pod=~"[[:alpha:]]+-.*"',
])
def test_a_label_or_pattern_without_a_known_answer_is_refused(matchers: str) -> None:
    with pytest.raises(SpecError, match="q: must"):
        selects(matchers)


@pytest.mark.parametrize(("value", "test"), [
    ("mail-server-.*", "mail"), ("mail-server.*", "mail"), ("^mail-server-.+$", "mail"),
    ("my-mail-server-.*", "my-mail"),
    ("mail-.*", None), ("mail-server", None), ("mail-servers-.*", None), ("mail-server-x-.*", None), ("vllm-.*", None),
])
def test_the_test_whose_server_pods_an_expression_selects_is_known(value: str, test: str | None) -> None:
    assert other_test("q", Matcher("pod", MatchOperator.REGEX, value)) == test
    assert other_test("q", Matcher("pod", MatchOperator.NOT_REGEX, value)) is None


def test_a_matcher_that_a_run_has_proven_is_not_compared() -> None:
    proven = replace(CHAT, proven=frozenset((Matcher("job", MatchOperator.EQUAL, "vllm"),)))
    assert selects('job="vllm"', proven)
    assert not selects('job="other"', proven)
    assert not selects('job="pods"', proven)
    assert selects('job=~"v.*"', proven)
    assert selects('container="server"', replace(CHAT, proven=frozenset((
        Matcher("container", MatchOperator.EQUAL, "server"),))))


def test_recorded_pods_must_be_selected_as_well() -> None:
    recorded = replace(CHAT, pods=("chat-server-6f9b8-aaaaa",))
    assert selects('pod=~"chat-server-.*"', recorded)
    with pytest.raises(SpecError, match="all Pods of the test or none"):
        selects('pod="chat-server-6f9b8-aaaaa"', recorded)


def test_an_unknown_model_or_several_engines_cannot_be_compared() -> None:
    with pytest.raises(SpecError, match="model_name"):
        selects('model_name="x"', replace(CHAT, model=None))
    with pytest.raises(SpecError, match="engine"):
        selects('engine="0"', replace(CHAT, has_one_engine=False))


def test_names_are_drawn_as_the_replica_set_controller_makes_them() -> None:
    names = drawn_names("chat")
    assert len(set(names)) == len(names) > 100
    assert all(re.fullmatch(r"chat-server-[b-z2-9]{8,10}-[b-z2-9]{5}", name) for name in names)
    assert names == drawn_names("chat")


def test_what_prometheus_calls_its_jobs_matters_only_to_a_matcher_that_not_all_of_them_meet() -> None:
    assert "as job 'pods'" in notes('job="pods"', CHAT)
    assert "as job 'pods'" in notes('job=~"pods|vllm"', CHAT)
    assert notes('job=~".*"', CHAT) == notes('job!=""', CHAT) == notes('job!="prometheus"', CHAT) == ""
