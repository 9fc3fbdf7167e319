"""A changed spec on recorded runs: held, regressed, or why the twin cannot tell. Nothing that the twin does not know is
ever good."""
from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from elastometer.model.bundle import Bundle
from elastometer.model.bundle_files import STRUCK
from elastometer.model.comparison import GateState
from elastometer.model.gating import ChangeEffect, GateAnswer, GateBundle, GateRow, GateTerms
from elastometer.model.measures import GPU_SECONDS, MISS_SECONDS
from elastometer.model.prediction_basis import PredictionBasis
from elastometer.model.study import Gate
from elastometer.model.terms import Terms
from elastometer.study.gate.gate import Baseline, gate
from elastometer.study.gate.replay import Replay, Replayed
from elastometer.study.gate.rows import row
from elastometer.world.bundle_reader import load_bundle

Json = dict[str, Any]
Edit = Callable[[Json], Any]
RUNS = Path(__file__).parents[2] / "golden/runs"
HPA = "spec.autoscaler.horizontalPodAutoscaler"


@lru_cache(maxsize=2)
def bundle(name: str = "honest-pods-a") -> Bundle:
    return load_bundle(RUNS / name)


def changed(edit: Edit = lambda test: None) -> Json:
    """The recorded test with a change."""
    test: Json = orjson.loads(orjson.dumps(bundle().spec))
    edit(test)
    return test


@lru_cache(maxsize=1)
def baseline() -> Baseline:
    return Baseline([GateBundle("a", bundle())])


def asked(edit: Edit = lambda test: None, *bounds: Gate) -> GateAnswer:
    return baseline().gate(changed(edit), GateTerms(bounds) if bounds else GateTerms())


def hpa(test: Json) -> Json:
    found: Json = test["spec"]["autoscaler"]["horizontalPodAutoscaler"]
    return found


def args(test: Json, *new: str) -> None:
    test["spec"]["target"]["server"]["args"] = list(new)


def with_args(edit: Callable[[list[str]], list[str]]) -> Edit:
    return lambda test: args(test, *edit(test["spec"]["target"]["server"]["args"]))


def test_the_recorded_spec_itself_is_held_with_no_change_at_all():
    found = asked()
    (only,) = found.groups[0].rows
    assert found.state is GateState.HELD
    assert (only.change.low, only.expected, only.change.high) == (0, 0, 0)
    assert only.measured == 103
    assert only.recorded.median > 0


def test_another_name_namespace_and_labels_change_nothing():
    found = asked(lambda test: test["metadata"].update(name="other", namespace="elsewhere", labels={"team": "a"}))
    assert found.state is GateState.HELD
    assert found.groups[0].changes == ()
    assert found.groups[0].rows[0].change.median == 0


def test_a_maximum_of_one_replica_regresses():
    found = asked(lambda test: hpa(test).update(maxReplicas=1))
    (only,) = found.groups[0].rows
    assert found.state is GateState.REGRESSED
    assert only.expected > only.error > 0
    assert [change.path for change in found.groups[0].changes] == [f"{HPA}.maxReplicas"]


def test_a_regression_that_is_allowed_is_held():
    found = asked(lambda test: hpa(test).update(maxReplicas=1), Gate(MISS_SECONDS, percent=100))
    assert found.state is GateState.HELD


def test_a_change_within_the_own_error_of_the_twin_is_left_open():
    found = asked(lambda test: hpa(test).update(maxReplicas=3))
    (only,) = found.groups[0].rows
    assert found.state is GateState.CANNOT_TELL
    assert 0 < only.expected <= only.error


def test_the_cost_of_a_change_is_bounded_too():
    found = asked(lambda test: hpa(test).update(minReplicas=4), Gate(MISS_SECONDS, absolute=Decimal(0)),
                  Gate(GPU_SECONDS, percent=10))
    assert [one.state for one in found.groups[0].rows] == [GateState.HELD, GateState.REGRESSED]
    assert found.state is GateState.REGRESSED


@pytest.mark.parametrize(("edit", "path"), [
    (lambda test: test["spec"]["objectives"][3].update(maximumMilliseconds=9000), "spec.objectives[3]"),
    (lambda test: test["spec"]["objectives"].pop(), "spec.objectives"),
    (lambda test: test["spec"]["load"].update(seed=8), "spec.load.seed"),
    (lambda test: test["spec"]["load"]["stages"][1].update(endRequestsPerSecond="9"), "spec.load.stages[1]"),
])
def test_another_load_or_other_objectives_ask_another_question(edit: Edit, path: str):
    found = asked(edit)
    assert found.state is GateState.CANNOT_TELL
    assert path in found.message
    assert "another question" in found.message


@pytest.mark.parametrize(("edit", "path"), [
    (lambda test: test["spec"]["target"]["model"].update(name="other/model"), "spec.target.model.name"),
    (lambda test: test["spec"]["target"]["server"].update(image="elastometer/standin:0.2.0"),
     "spec.target.server.image"),
    (lambda test: test["spec"]["target"]["server"]["podTemplate"]["spec"].update(nodeSelector={"gpu": "h100"}),
     "spec.target.server.podTemplate.spec.nodeSelector"),
    (lambda test: test["spec"]["target"]["server"].update(terminationGracePeriodSeconds=1),
     "spec.target.server.terminationGracePeriodSeconds"),
    (lambda test: test["spec"].update(somethingNew={"on": True}), "spec.somethingNew"),
    (with_args(lambda given: [*given, "--max-model-len=128"]), "spec.target.server.args (--max-model-len)"),
    (with_args(lambda given: [*given, "--standin-fault-crash-after=3"]), "--standin-fault-crash-after"),
])
def test_what_the_twin_does_not_model_is_never_good(edit: Edit, path: str):
    found = asked(edit)
    assert found.state is GateState.CANNOT_TELL
    assert path in found.message
    assert found.groups[0].rows == ()


def test_a_metric_that_the_twin_refuses_is_named_and_not_good():
    found = asked(lambda test: hpa(test)["metrics"][0]["pods"]["metric"].update(name="queue_of_another_system"))
    assert found.state is GateState.CANNOT_TELL
    assert "queue_of_another_system" in found.message


def test_another_kind_of_autoscaler_is_named_and_not_good():
    def scaled(test: Json) -> None:
        test["spec"]["autoscaler"] = {"type": "ScaledObject", "scaledObject": {"maxReplicaCount": 4, "triggers": []}}

    found = asked(scaled)
    assert found.state is GateState.CANNOT_TELL
    assert "spec.autoscaler.type" in found.message


def test_a_fixed_number_of_replicas_is_replayed():
    def fixed(test: Json, replicas: int) -> None:
        test["spec"]["autoscaler"] = {"type": "None", "replicas": replicas}

    assert asked(lambda test: fixed(test, 1)).state is GateState.REGRESSED
    assert asked(lambda test: fixed(test, 4)).state is GateState.HELD


def test_fewer_slots_regress_and_more_are_held():
    def slots(number: int) -> Edit:
        return with_args(lambda given: [f"--max-num-seqs={number}", *given[1:]])

    assert asked(slots(2)).state is GateState.REGRESSED
    assert asked(slots(8)).state is GateState.HELD


def test_a_slower_start_of_the_stand_in_is_predicted_to_miss_more():
    found = asked(with_args(lambda given: ["--standin-startup=import=60" if "startup" in one else one
                                           for one in given]))
    assert found.groups[0].changes[0].effect is ChangeEffect.MODELLED
    assert found.groups[0].rows[0].change.low > 0


def test_a_flag_whose_recorded_value_was_struck_out_is_not_good_if_it_matters():
    assert any(STRUCK in one for one in bundle().spec["spec"]["target"]["server"]["args"])  # type: ignore[index]
    found = asked(with_args(lambda given: ["--standin-decode-ms-per-token=80" if STRUCK in one else one
                                           for one in given]))
    assert found.state is GateState.CANNOT_TELL
    assert "struck out" in found.message


def test_a_scrape_period_is_replayed_and_what_is_only_watched_has_no_effect():
    def measured(test: Json) -> None:
        test["spec"]["measurement"].update(scrapePeriodSeconds=60, readyDeadlineSeconds=500)

    effects = {change.path: change.effect for change in asked(measured).groups[0].changes}
    assert effects == {"spec.measurement.scrapePeriodSeconds": ChangeEffect.MODELLED,
                       "spec.measurement.readyDeadlineSeconds": ChangeEffect.WITHOUT_EFFECT}


def test_money_is_not_compared_at_another_price():
    price = {"perGPUHour": "2.5", "currency": "EUR"}
    found = asked(lambda test: test["spec"].update(price=price), Gate("money", absolute=Decimal(0)))
    assert found.state is GateState.CANNOT_TELL
    assert "spec.price differs from that of the recorded runs" in found.message
    assert asked(lambda test: test["spec"].update(price=price)).state is GateState.HELD


def test_without_a_run_nothing_is_good():
    assert gate([], changed(), GateTerms()).state is GateState.CANNOT_TELL
    assert gate([GateBundle("a", bundle())], changed(), GateTerms(())).state is GateState.CANNOT_TELL


@pytest.mark.parametrize(("run", "reason"), [
    (GateBundle("gone", None, "no such file"), "no such file"),
    (GateBundle("bare", Bundle(Terms(test="demo", namespace="demo"))), "spec of its test"),
    (GateBundle("empty", replace(bundle(), requests=())), "no requests"),
    (GateBundle("unwatched", replace(bundle(), observations=())), "coldStarts"),
    (GateBundle("made up", replace(bundle(), predicted=PredictionBasis("elastometer", "", "", "", 0, ()))),
     "predict"),
])
def test_a_run_that_cannot_be_replayed_is_named_and_not_good(run: GateBundle, reason: str):
    found = gate([run, GateBundle("a", bundle())], changed(), GateTerms())
    assert found.state is GateState.CANNOT_TELL
    assert reason in str([group.reason for group in found.groups])


def test_a_measure_that_the_twin_does_not_predict_is_named_and_not_good():
    found = asked(lambda test: None, Gate("coldStartP95Milliseconds", percent=10))
    assert found.state is GateState.CANNOT_TELL
    assert "coldStartP95Milliseconds" in found.message


def test_a_run_without_an_objective_on_requests_has_no_misses_to_bound():
    def only_cold_start(test: Json) -> None:
        test["spec"]["objectives"] = [one for one in test["spec"]["objectives"] if one["indicator"] == "ColdStart"]

    test = changed(only_cold_start)
    starts = tuple(one for one in bundle().terms.objectives if one.indicator == "ColdStart")
    run = replace(bundle(), spec=test, terms=replace(bundle().terms, objectives=starts))
    found = gate([GateBundle("a", run)], test, GateTerms())
    assert found.state is GateState.CANNOT_TELL
    assert MISS_SECONDS in found.message


def test_runs_of_one_spec_are_judged_together_and_others_apart():
    other = load_bundle(RUNS / "honest-pods-b")
    found = gate([GateBundle("a", bundle()), GateBundle("b", other), GateBundle("again", bundle())], changed(),
                 GateTerms())
    assert [group.runs for group in found.groups] == [("a", "again"), ("b",)]
    assert found.groups[0].rows[0].change.median == 0
    assert found.groups[1].changes


def replays(*measured: float, rise: float) -> list[Replay]:
    """Runs of which each draw misses the target by another amount, and rises equally under the change."""
    draws = (80.0, 100.0, 120.0)
    return [Replay({MISS_SECONDS: Replayed(one, draws[at % 3:] + draws[:at % 3], tuple(
        value + rise for value in draws[at % 3:] + draws[:at % 3]))}, ()) for at, one in enumerate(measured)]


def judged(*measured: float, rise: float) -> GateRow:
    return row(Gate(MISS_SECONDS, absolute=Decimal(0)), replays(*measured, rise=rise))


def test_more_runs_of_the_baseline_tell_smaller_changes():
    """One run may be 40 s off by chance; the mean of three draws that are all different is exact."""
    alone, together = judged(80, rise=15), judged(80, 100, 120, rise=15)
    assert (alone.error, together.error) == (40, 1), "no error is smaller than a second"
    assert (alone.state, together.state) == (GateState.CANNOT_TELL, GateState.REGRESSED)


@pytest.mark.parametrize(("rise", "state"), [
    (-30, GateState.HELD), (0, GateState.HELD), (1, GateState.CANNOT_TELL), (20, GateState.CANNOT_TELL),
    (21, GateState.REGRESSED)])
def test_red_begins_where_the_change_exceeds_the_own_error(rise: float, state: GateState):
    assert judged(100, rise=rise).error == 20
    assert judged(100, rise=rise).state is state


@pytest.mark.parametrize(("measured", "state"), [
    (100, GateState.HELD), (130, GateState.HELD), (60, GateState.HELD), (181, GateState.CANNOT_TELL),
    (39, GateState.CANNOT_TELL)])
def test_a_twin_that_does_not_reproduce_the_run_holds_nothing(measured: float, state: GateState):
    """The draws lie from 80 to 120 s."""
    assert judged(measured, rise=-10).state is state
    assert judged(measured, rise=0).state is GateState.HELD, "nothing changes, whatever the twin is worth"


def test_the_recorded_spec_is_not_changed_by_a_replay():
    before = copy.deepcopy(bundle().spec)
    asked(lambda test: hpa(test).update(maxReplicas=1))
    assert bundle().spec == before
