"""Users and conversations of a record: predicted as users, not as the instants at which they happened to ask."""
from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from elastometer.analysis.run import DerivedRun, derive_run
from elastometer.cli.base.offline import checked_spec
from elastometer.model.bundle import Bundle
from elastometer.model.capacity import Capacity
from elastometer.model.errors import SpecError
from elastometer.model.prediction_basis import PredictionBasis
from elastometer.plan import Environment, TestPlan
from elastometer.twin.engine import predict
from elastometer.twin.fit.backtest import backtest
from elastometer.twin.fit.calibrate import calibrate
from elastometer.twin.fit.calibration import Calibration
from elastometer.twin.forecast.autoscaler import planned_autoscaler
from elastometer.twin.forecast.planned import Assumed, planned_scenario
from elastometer.twin.forecast.planned_load import planned_load
from elastometer.twin.forecast.predicted_run import PredictedRun
from elastometer.twin.forecast.synthetic import synthetic_bundle
from elastometer.twin.prediction import Prediction
from elastometer.twin.search.vary.candidates import vary
from elastometer.twin.search.vary.fields import Setting
from elastometer.twin.search.vary.recorded import baseline
from elastometer_loadgen.base.turns import turn_of

ROOT = Path(__file__).parents[3]
NOWHERE = Environment("", "", "", 0, "", "")
TRUTH = Capacity(4, 0.02, 0.0, 0.04, 0.001, join_seconds=0.05, refill_seconds=0.03)
THINK = {"minimum": "1", "maximum": "3"}
USERS = [{"name": "calm", "type": "Users", "durationSeconds": 40, "users": 4, "thinkTimeSeconds": THINK},
         {"name": "busy", "type": "Users", "durationSeconds": 80, "users": 24, "spawnPerSecond": "1",
          "thinkTimeSeconds": THINK}]
TALK = {"name": "talk", "thinkTimeSeconds": {"minimum": "0.5", "maximum": "0.5"},
        "maximumTokens": {"minimum": 40, "maximum": 40}, "messages": [
    {"role": "user", "content": "Remember: 4711."}, {"role": "assistant", "generated": True},
    {"role": "user", "content": "Which number?"}]}


KNEE = {"name": "knee", "type": "Knee", "of": "Users", "start": 4, "step": 8, "maximum": 20, "stepSeconds": 40,
        "soakSeconds": 60, "thinkTimeSeconds": THINK,
        "objectives": [{"indicator": "RequestSuccess", "minimumPercent": 99}]}


def recorded(stages: list[dict[str, Any]], tasks: list[dict[str, Any]] | None = None) -> tuple[Prediction, Bundle]:
    """The demo's service under another load, as the twin would have recorded it."""
    test = yaml.safe_load((ROOT / "manifests/samples/demo.yaml").read_text())
    test["spec"]["load"] |= {"stages": stages, "workers": 1}
    if tasks is not None:
        test["spec"]["load"]["tasks"] = tasks
    test["spec"]["objectives"] = [{"name": "served", "indicator": "RequestSuccess", "minimumPercent": 99}]
    plan = TestPlan(checked_spec("test.yaml", test), NOWHERE)
    scaler = planned_autoscaler(plan)
    scenario = planned_scenario(plan, scaler, Assumed(TRUTH, "", (12.0,), ""), planned_load(plan.spec.profile), seed=1)
    found = predict(scenario)
    case = PredictedRun(plan, scenario, found, PredictionBasis("t", "c", "s", "h", 1), scaler.document)
    served = {"kind": "HorizontalPodAutoscaler", "metadata": {"name": "demo-server"}, "spec": scaler.document}
    return found, replace(synthetic_bundle(case), provenance={"autoscaler": served})


@lru_cache(maxsize=1)
def users() -> tuple[Prediction, DerivedRun, Calibration]:
    found, bundle = recorded(USERS)
    run = derive_run(bundle)
    return found, run, calibrate(run)


def test_with_the_recorded_random_draw_each_user_asks_as_it_did():
    truth, _, calibration = users()
    again = predict(calibration.recorded)
    assert len(again.ids) == pytest.approx(len(truth.ids), rel=0.02)
    # The fit of the capacity moves each answer a little, and each question by as much as all answers before it.
    asked = dict(zip(again.ids, (one.at for one in again.arrivals), strict=True))
    apart = [abs(asked[number] - one.at) for number, one in zip(truth.ids, truth.arrivals, strict=True)
             if number in asked]
    assert len(apart) > 0.95 * len(truth.ids)
    assert sorted(apart)[len(apart) // 2] < 0.2


def test_the_think_times_of_the_record_are_those_of_the_seed():
    found = next(one for one in users()[2].fitted if one.name == "think time")
    assert 1.8 < float(found.value) < 2.2
    differs = re.search(r"the record differs by (\S+) ms", found.source)
    assert differs is not None
    assert float(differs.group(1)) < 0.01


def test_users_that_are_answered_sooner_ask_more_often_than_in_the_record():
    truth, run, calibration = users()
    base = baseline(run, calibration.scenario)
    more = predict(vary(base, (Setting("minReplicas", 4),)).scenario)
    fewer = predict(vary(base, (Setting("minReplicas", 1), Setting("maxReplicas", 1))).scenario)
    assert len(fewer.ids) < len(truth.ids) < len(more.ids)
    new = [arrival for number, arrival in zip(more.ids, more.arrivals, strict=True) if number not in set(truth.ids)]
    lengths = {arrival.output_tokens for arrival in truth.arrivals}
    assert new
    assert {arrival.output_tokens for arrival in new} <= lengths


def test_the_backtest_counts_the_requests_that_the_users_sent():
    truth, run, calibration = users()
    found = backtest(calibration.scenario, run, run.evidence.terms, recorded=calibration.recorded, draws=3)
    assert found.recorded is not None
    assert found.measured.requests == len(truth.ids)
    assert found.recorded.predicted.requests == pytest.approx(len(truth.ids), rel=0.02)
    assert found.recorded.ready_percent < 5.0


def test_conversations_that_a_schedule_begins_go_on_when_their_answers_come():
    truth, bundle = recorded([{"name": "talks", "type": "Rate", "durationSeconds": 60, "endRequestsPerSecond": "2"}],
                             [TALK])
    scenario = calibrate(derive_run(bundle)).scenario
    assert {turn_of(number) for number in truth.ids} == {1, 2}
    assert len(scenario.arrivals) == sum(turn_of(number) == 1 for number in truth.ids)
    slow = predict(replace(scenario, capacity=replace(scenario.capacity, decode_seconds=0.08)))
    fast = predict(scenario)
    second = {name: [one.at for number, one in zip(found.ids, found.arrivals, strict=True) if turn_of(number) == 2]
              for name, found in (("slow", slow), ("fast", fast))}
    assert len(second["slow"]) == len(second["fast"]) == len(scenario.arrivals)
    assert sum(second["slow"]) > sum(second["fast"]) + len(scenario.arrivals)
    prompts = [one.prompt_tokens for number, one in zip(fast.ids, fast.arrivals, strict=True) if turn_of(number) == 2]
    assert min(prompts) > 40


def test_a_sweep_lasts_as_long_as_its_answers_and_what_follows_begins_then():
    sweep = {"name": "lengths", "type": "Sweep", "inputTokens": [100, 400], "outputTokens": 40, "requestsEach": 3}
    after = {"name": "after", "type": "Concurrency", "durationSeconds": 60, "concurrency": 12}
    truth, bundle = recorded([sweep, after])
    scenario = calibrate(derive_run(bundle)).scenario
    slow = predict(replace(scenario, capacity=replace(scenario.capacity, decode_seconds=0.08)))
    begins = [min(one.at for one in found.arrivals if one.stage == 1) for found in (truth, predict(scenario), slow)]
    assert begins[1] == pytest.approx(begins[0], rel=0.02)
    assert begins[2] > 1.7 * begins[0]
    assert sum(one.stage == 0 for one in slow.arrivals) == 6


def test_a_recorded_knee_keeps_its_steps_and_its_users_ask_as_often_as_they_are_answered():
    truth, bundle = recorded([KNEE])
    run = derive_run(bundle)
    scenario = calibrate(run).scenario
    assert scenario.closed is not None
    stage, = scenario.closed.stages
    assert [(round(step.at, 3), step.users) for step in stage.steps] == [(0, 4), (40, 12), (80, 20), (120, 20)]
    more = predict(vary(baseline(run, scenario), (Setting("minReplicas", 4),)).scenario)
    fewer = predict(vary(baseline(run, scenario), (Setting("minReplicas", 1), Setting("maxReplicas", 1))).scenario)
    assert len(fewer.ids) < len(truth.ids) < len(more.ids)
    assert max(one.at for one in more.arrivals) < 180


def test_a_knee_without_its_search_is_replayed_and_a_note_says_so():
    found = calibrate(derive_run(replace(recorded([KNEE])[1], generators=())))
    assert found.scenario.closed is None
    assert any("it has no complete search of knee" in note for note in found.notes)


@pytest.mark.parametrize(("change", "why"), [
    (lambda bundle: replace(bundle, requests=(*bundle.requests[:-1], replace(bundle.requests[-1], id=1 << 45))),
     "some are of stages that its spec does not have"),
    (lambda bundle: replace(bundle, terms=replace(bundle.terms, stages=bundle.terms.stages[:1])),
     "it does not show when each stage of its spec began and ended"),
])
def test_a_record_that_contradicts_itself_is_replayed_and_a_note_says_why(
    change: Callable[[Bundle], Bundle], why: str,
):
    found = calibrate(derive_run(change(recorded(USERS)[1])))
    assert found.scenario.closed is None
    assert any(note.endswith(why) for note in found.notes), found.notes


def test_more_load_is_more_users_that_arrive_as_much_faster():
    truth, run, calibration = users()
    base = baseline(run, calibration.scenario)
    doubled = vary(base, (Setting("load.scale", 2), Setting("minReplicas", 4), Setting("maxReplicas", 8))).scenario
    assert doubled.closed is not None
    assert [stage.steps[0].users for stage in doubled.closed.stages] == [8, 48]
    assert doubled.closed.stages[1].spawn_per_second == 2
    assert len(predict(doubled).ids) > 1.5 * len(truth.ids)


def test_more_load_is_refused_where_a_schedule_begins_conversations():
    bundle = recorded([{"name": "talks", "type": "Rate", "durationSeconds": 60, "endRequestsPerSecond": "2"}],
                      [TALK])[1]
    run = derive_run(bundle)
    with pytest.raises(SpecError, match=r"load.scale: must be absent where users or conversations .*, is 2"):
        vary(baseline(run, calibrate(run).scenario), (Setting("load.scale", 2),))


def test_a_load_whose_spec_cannot_be_read_is_replayed_and_a_note_says_so():
    bundle = recorded(USERS)[1]
    spec = {**bundle.spec, "spec": {**bundle.spec["spec"], "load": {"stages": [{"name": "calm", "type": "Later"}]}}}
    found = calibrate(derive_run(replace(bundle, spec=spec)))
    assert found.scenario.closed is None
    assert any(note.startswith("the load's requests are replayed at the times of the record") for note in found.notes)
