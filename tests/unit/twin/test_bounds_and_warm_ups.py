"""The twin's users share the bound of the load, and what they want in a warm-up is not judged."""
from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from elastometer.model.terms import Indicator, Objective, StageWindow, Terms
from elastometer.model.verdict import Verdict
from elastometer.twin.closed_load import ClosedLoad
from elastometer.twin.engine import predict
from elastometer.twin.forecast.planned_load import planned_load
from elastometer.twin.scenario import Arrival, Scenario
from elastometer.twin.search.score.scorecard import Judge, Scorecard
from elastometer_loadgen.profile.profile import parse_profile
from elastometer_loadgen.stages.objectives import Statistic
from support.closed_loads import closed, users
from support.twin_worlds import scenario


def bounded(world: Scenario, left: int, workers: int = 1) -> Scenario:
    assert world.closed is not None
    return replace(world, closed=replace(world.closed, left_per_worker=left, workers=workers))


def test_users_of_all_stages_share_what_is_left_of_the_bound():
    """Each answer takes 0.1 s: 2 users send 20 in the first 0.95 s, and the 5 that are left behind that."""
    stages = (users(2, 0.95), users(2, 10.0, index=1, begin=0.95))
    world = closed(*stages, output=lambda _: 101, slots=2)
    assert Counter(arrival.stage for arrival in predict(bounded(world, 25)).arrivals) == {0: 20, 1: 5}


def test_a_count_and_a_schedule_are_not_charged():
    world = closed(users(1, 5.0, count=8), arrivals=(Arrival(0.0, 1, 1, 0),), output=lambda _: 101)
    assert len(predict(bounded(world, 0)).arrivals) == 9


def test_each_worker_has_a_part_of_its_own():
    """Users 0 and 2 are of the first of two workers, which runs out at 3 requests; user 1 has 3 for itself."""
    world = closed(users(3, 10.0), output=lambda _: 101, slots=3)
    assert len(predict(bounded(world, 3, workers=2)).arrivals) == 6


def test_a_planned_load_knows_the_bound_the_tasks_and_the_warm_up_of_its_profile():
    tasks = [{"name": name, "prompt": "Say something."} for name in ("mood", "chat")]
    profile = parse_profile({"tasks": tasks, "maximumRequests": 100, "workers": 2, "stages": [
        {"name": "calm", "type": "Rate", "durationSeconds": 10, "endRequestsPerSecond": "2", "tasks": ["mood"]},
        {"name": "crowd", "type": "Users", "durationSeconds": 60, "users": 4, "warmupSeconds": 20, "tasks": ["chat"]}]})
    load = planned_load(profile)
    assert isinstance(load.closed, ClosedLoad)
    assert (load.closed.left_per_worker, load.closed.workers) == (40, 2)
    assert ({arrival.task for arrival in load.arrivals}, load.closed.stages[0].warmup) == ({"mood"}, 20.0)
    assert load.closed.facts.task((2 << 38) + 5) == "chat"


@pytest.mark.parametrize(("warmup", "judged"), [(0.0, 10), (0.45, 5)])
def test_what_users_want_in_the_warm_up_is_not_judged(warmup: float, judged: int):
    world = closed(users(1, 0.95, warmup=warmup), output=lambda _: 101)
    assert sum(arrival.is_judged for arrival in predict(world).arrivals) == judged


LIMIT = Objective("o", Indicator.REQUEST_LATENCY, 100, 1000, None, None)


def scored(arrivals: tuple[Arrival, ...], *objectives: Objective) -> Scorecard:
    """One request after the other takes a millisecond for each of its output tokens, less one."""
    prediction = predict(scenario(arrivals, horizon_seconds=60.0))
    terms = Terms(stages=(StageWindow("all", 0, 60, 1, 1),), objectives=objectives)
    took = [output.output_tokens for output in arrivals]
    ended = [arrival.at + tokens / 1000 for arrival, tokens in zip(arrivals, took, strict=True)]
    made = replace(prediction, first_token=ended, ended=ended)  # type: ignore[arg-type]
    return Judge(arrivals, terms, None).score(made)


def test_an_objective_counts_neither_a_warm_up_nor_another_task_and_the_run_counts_all():
    arrivals = (Arrival(0.0, 1, 3000, 0, "chat", is_judged=False), Arrival(10.0, 1, 500, 0, "chat"),
                Arrival(20.0, 1, 2000, 0, "mood"))
    card = scored(arrivals, LIMIT, replace(LIMIT, name="chat", task="chat"), replace(LIMIT, name="mood", task="mood"))
    assert [(one.name, one.verdict, one.measured) for one in card.objectives] == [
        ("o", Verdict.FAIL, 2000.0), ("chat", Verdict.PASS, 500.0), ("mood", Verdict.FAIL, 2000.0)]
    assert (card.miss_seconds, card.requests) == (1, 3)


def test_a_mean_is_predicted_as_it_is_judged_and_says_nothing_about_each_second():
    arrivals = (Arrival(0.0, 1, 400, 0), Arrival(10.0, 1, 1400, 0))
    mean = replace(LIMIT, statistic=Statistic.MEAN, maximum_milliseconds=900)
    card = scored(arrivals, mean, replace(mean, maximum_milliseconds=899))
    assert [(one.verdict, one.measured) for one in card.objectives] == [(Verdict.PASS, 900.0), (Verdict.FAIL, 900.0)]
    assert card.miss_seconds == 0
