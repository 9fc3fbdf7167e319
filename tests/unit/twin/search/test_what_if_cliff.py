"""The cliff on a case that can be worked out by hand, and the text for every outcome without one.

One request a second for a minute, each of which takes one second on the only slot of a replica; then two a second for
another minute. The one replica serves one a second, so from the 60th second on its queue grows by one a second. A
request that arrives d seconds later has d before it, and gets its first token after d + 1 seconds. The HPA syncs every
15 seconds. At 75 s some 14 wait, against a target of 1, and it adds four replicas, as many as its default policies
allow. They are Ready at 75 + c, and from then on the first replica gets less than it serves. The longest first token is
that of the last request before: 15 + c + 1 seconds. A bound of 30 s on every first token breaks at a cold start of
c = 14 s.
"""
from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from elastometer.hpa.parse import parse_hpa
from elastometer.model.capacity import Capacity
from elastometer.model.report import Verdict
from elastometer.model.terms import Indicator, Objective, StageWindow, Terms
from elastometer.render.what_if.charts import cliff_plot
from elastometer.twin.scenario import Arrival, HpaController, MetricsPath, Scenario
from elastometer.twin.search.answer.search import cliffs, least
from elastometer.twin.search.score.cliff import Cliff, Point, cliff, in_words, least_replicas
from elastometer.twin.search.score.scorecard import ObjectiveScore, Scorecard
from elastometer.twin.search.score.searcher import Searcher, SearchProblem
from elastometer.twin.search.vary.candidates import Baseline
from elastometer.twin.sources import Signal

POD = {"metric": {"name": "vllm_num_requests_waiting"}, "target": {"type": "AverageValue", "averageValue": "1"}}
SPEC = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "demo-server"},
        "minReplicas": 1, "maxReplicas": 5, "metrics": [{"type": "Pods", "pods": POD}]}


def problem() -> SearchProblem:
    arrivals = [Arrival(float(second), 0, 1, 0) for second in range(60)]
    arrivals += [Arrival(60 + half / 2, 0, 1, 0) for half in range(120)]
    scenario = Scenario(
        arrivals=tuple(arrivals), capacity=Capacity(1, 1.0, 0.0, 0.0), cold_starts=(5.0,), path=MetricsPath(1.0),
        controller=HpaController(parse_hpa(SPEC), (Signal.WAITING,)), initial_replicas=1, start_seconds=0.0,
        horizon_seconds=400.0)
    terms = Terms(stages=(StageWindow("all", 0, 120, 1, 2),), objectives=(
        Objective("first-token", Indicator.TIME_TO_FIRST_TOKEN, 100, 30_000, None, None),))
    return SearchProblem(Baseline(scenario, {"kind": "HorizontalPodAutoscaler", "spec": SPEC}, SPEC), terms, 1)


def test_the_cliff_is_where_a_calculation_by_hand_puts_it():
    asked = problem()
    searcher = Searcher(asked)
    found = cliff(lambda seconds: searcher.at_cold_start(asked.base.scenario, seconds), 60.0)
    assert found.holds_until is not None
    assert found.breaks_at is not None
    assert 13.0 <= found.holds_until < found.breaks_at <= 15.0
    assert found.breaks_at - found.holds_until <= 0.2
    assert found.broken == ("first-token",)
    assert found.again == ()
    assert [point.seconds for point in found.points] == sorted(point.seconds for point in found.points)


def test_more_replicas_from_the_start_hold_where_one_does_not():
    asked = problem()
    late = replace(asked, base=replace(asked.base, scenario=replace(asked.base.scenario, cold_starts=(40.0,))))
    searcher = Searcher(late)
    found = least_replicas(lambda minimum: searcher.at_minimum((), minimum), 1, 5)
    assert found.minimum is not None
    assert [(minimum, holds) for minimum, _, _, holds in found.tried] == \
        [(minimum, minimum == found.minimum) for minimum in range(1, found.minimum + 1)]
    # One replica is not enough; with three, each gets less than it can serve.
    assert 2 <= found.minimum <= 3


def point(seconds: float, *broken: str) -> Point:
    return Point(seconds, None, 0.0, broken)


def breaking(*edges: float):
    """Holds up to the first edge, breaks up to the second, and so on."""
    return lambda seconds: point(seconds, *(["ttft"] if sum(edge <= seconds for edge in edges) % 2 else []))


def test_an_edge_is_found_to_one_per_cent():
    found = cliff(breaking(47.0), 120.0)
    assert found.holds_until < 47.0 <= found.breaks_at
    assert found.breaks_at - found.holds_until <= 0.01 * found.breaks_at


@pytest.mark.parametrize(("found", "words"), [
    (cliff(breaking(0.0), 120.0), "no cliff: objectives are missed even at 0 s (ttft)"),
    (cliff(breaking(500.0), 120.0), "no cliff: objectives hold even at 120 s, the longest cold start tried"),
    (cliff(breaking(0.0, 85.0), 120.0),
     "no cliff: objectives are missed even at 0 s (ttft), although they hold at 90 s"),
    (Cliff((point(0), point(60, "a")), 29.96, 30.04, ("a",), (50.0,)),
     "objectives hold up to a cold start of 30.0 s and are missed from 30.0 s on (a); not permanently: they hold again "
     "at 50 s"),
    (Cliff((point(0), point(60, "a")), 29.96, 30.04, ("a",), (), (36.44, 12.5, None)),
     "objectives hold up to a cold start of 30.0 s and are missed from 30.0 s on (a); in 3 other random draws up to "
     "12.5 to 36.4 s, and in 1 of them not even at 0 s"),
])
def test_every_outcome_has_its_text(found: Cliff, words: str):
    assert in_words(found, None) == words
    assert in_words(found, 12.34) == f"{words}; measured today: 12.3 s"


def test_the_cliff_is_reported_for_other_random_draws_too():
    asked = problem()
    here = Searcher(asked)
    ((name, found),) = cliffs([("recorded settings", ())],
                              lambda _, call, given: [call(here, argument) for argument in given])
    assert name == "recorded settings"
    assert found.holds_until == pytest.approx(14, abs=1)
    # Only the times of the syncs are random here: 63, 66, 69 or 72 s. As above: sync - 60 + cold start + 1.
    assert found.others == pytest.approx((26, 23, 20, 17), abs=1.5)


def test_the_chart_marks_the_cliff_and_its_spread_over_random_draws():
    found = Cliff((point(0), point(60, "a")), 30.0, 30.1, ("a",), (), (12.5, 36.4, 20.0, None))
    answer = SimpleNamespace(cliffs=(("chosen settings", found),), run=SimpleNamespace(cold_start_seconds=10.0))
    plot = cliff_plot(answer)
    assert plot is not None
    assert [mark.text for mark in plot.marks] == [
        "today 10.0 s", "chosen 30.0 s; in 4 other random draws up to 12.5 to 36.4 s, and in 1 of them not even at 0 s"]


def test_the_smallest_minimum_is_tried_in_other_draws_too():
    class Lucky(Searcher):
        """Two replicas hold in the draw shown and in three others."""

        def card(self, scenario):
            lucky = scenario.seed - self.problem.base.scenario.seed in (0, 200, 203, 208)
            verdict = Verdict.PASS if lucky and scenario.initial_replicas >= 2 else Verdict.FAIL
            score = ObjectiveScore("ttft", "TimeToFirstToken", None, verdict, 1.0, 1.0, "ms")
            return Scorecard((score,), 0, 1.0, 1.0, 0, 0, 1, None, 1, 0)

    here = Lucky(problem())
    found = least((), lambda _, call, given: [call(here, argument) for argument in given])
    assert (found.minimum, found.held, found.draws) == (2, 3, 9)


def test_no_minimum_is_named_where_not_even_the_maximum_helps():
    found = least_replicas(lambda minimum: point(minimum, "ttft"), 1, 3)
    assert found.minimum is None
    assert len(found.tried) == 3
