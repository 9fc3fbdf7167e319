"""Nothing beats the oracle in both objective-miss seconds and GPU-seconds, in worlds that were drawn: neither the run
nor other settings of its autoscaler. All of them go through one draw of the simulator.

Of the oracle, misses count outside of the time in which the maximum is not enough. Fewer are missed then where requests
wait on one replica for the good of those on the others, which no knowledge of the demand brings about."""
from __future__ import annotations

import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from elastometer.analysis.analyze import judge
from elastometer.cli.base.offline import checked_spec
from elastometer.model.capacity import Capacity
from elastometer.model.errors import SpecError
from elastometer.model.prediction_basis import PredictionBasis
from elastometer.model.price import AlternativeName, Price
from elastometer.plan import Environment, TestPlan
from elastometer.twin.engine import predict
from elastometer.twin.forecast.autoscaler import planned_autoscaler
from elastometer.twin.forecast.planned import Assumed, planned_scenario
from elastometer.twin.forecast.planned_load import planned_load
from elastometer.twin.forecast.predicted_run import PredictedRun
from elastometer.twin.forecast.synthetic import predicted_syncs, synthetic_bundle
from elastometer.twin.scenario import Scenario
from elastometer.twin.search.score.predicted_misses import overloaded_seconds
from elastometer.twin.search.score.scorecard import Judge
from elastometer.twin.search.score.supplies import as_ordered
from elastometer.twin.search.vary.candidates import Baseline, vary
from elastometer.twin.search.vary.grid import candidates, dimensions

SAMPLE = Path(__file__).parents[2] / "manifests/samples/demo.yaml"
NOWHERE = Environment("", "", "", 0, "", "")
BASIS = PredictionBasis("elastometer 0", "a capacity", "cold starts", "an HPA", 0)
WORLDS, CANDIDATES = range(16), 40
World = tuple[Scenario, Price, Judge, dict[str, Any]]


def drawn_test(rng: random.Random) -> dict[str, Any]:
    """A few stages of any rates under an HPA of any bounds, and one objective."""
    test: dict[str, Any] = yaml.safe_load(SAMPLE.read_text())
    stages = [{"name": f"s{number}", "type": "Rate", "durationSeconds": rng.choice([20, 40, 60]),
               "endRequestsPerSecond": str(rng.choice([1, 2, 3, 5, 7, 9]))} for number in range(rng.randint(2, 4))]
    for stage in stages:
        if rng.random() < 0.5:
            stage["startRequestsPerSecond"] = stage["endRequestsPerSecond"]
    minimum = rng.randint(1, 2)
    test["spec"]["load"]["stages"] = stages
    test["spec"]["objectives"] = [{"name": "first", "indicator": "TimeToFirstToken",
                                   "percentile": rng.choice([90, 95, 99]),
                                   "maximumMilliseconds": rng.choice([500, 1000, 3000])}]
    test["spec"]["autoscaler"]["horizontalPodAutoscaler"] |= {
        "minReplicas": minimum, "maxReplicas": minimum + rng.randint(1, 5)}
    return test


@cache
def drawn_world(seed: int) -> World | None:
    """None where no number of replicas would meet the objective, so that there is no demand."""
    rng = random.Random(seed)
    plan = TestPlan(checked_spec("test.yaml", drawn_test(rng)), NOWHERE)
    scaler = planned_autoscaler(plan)
    assumed = Assumed(Capacity(4, 0.02, 0.0, 0.04, 0.001), "", rng.choice([(2.0,), (10.0, 12.0), (30.0,), (60.0,)]), "")
    scenario = planned_scenario(plan, scaler, assumed, planned_load(plan.spec.profile), seed=seed)
    run = PredictedRun(plan, scenario, predict(scenario), BASIS, scaler.document)
    bundle = synthetic_bundle(run)
    price = judge(bundle, predicted_syncs(run)).price
    assert price is not None
    assert sum(one.replica_milliseconds for one in price.parts) == price.held_replica_milliseconds
    if price.oracle is None:
        return None
    return scenario, price, Judge(scenario.arrivals, bundle.terms, price.gpus_per_replica), dict(scaler.document or {})


@pytest.mark.parametrize("seed", WORLDS)
def test_neither_the_run_nor_other_settings_beat_the_oracle(seed: int):
    world = drawn_world(seed)
    if world is None:
        return
    scenario, price, judged, spec = world
    assert price.oracle is not None
    prediction = predict(as_ordered(scenario, price.oracle))
    oracle, missed = judged.score(prediction), judged.missed(prediction)
    assert missed is not None
    misses = len(missed - overloaded_seconds(price.oracle))
    stated = price.alternative(AlternativeName.ORACLE)
    assert stated is not None
    assert oracle.cost >= (stated.gpu_milliseconds or 0) / 1000 - 0.01, "it is stated without the time to drain"
    manifest = {"kind": "HorizontalPodAutoscaler", "metadata": {"name": "demo-server"}, "spec": spec}
    base = Baseline(scenario, manifest, spec)
    for settings in candidates(dimensions(base, tolerances=True), CANDIDATES, seed):
        try:
            card = judged.score(predict(vary(base, settings).scenario))
        except SpecError:
            continue
        assert card.miss_seconds is not None
        assert not (card.miss_seconds < misses and card.cost < oracle.cost), settings


def test_the_drawn_worlds_can_tell():
    """Enough of them have a demand, an oracle that misses something, and a run that costs less than the oracle."""
    worlds = [world for world in map(drawn_world, WORLDS) if world is not None]
    assert len(worlds) > 0.7 * len(WORLDS)
    prices = [price for _, price, _, _ in worlds]
    assert sum(price.oracle is not None and price.oracle.overloaded_seconds > 0 for price in prices) >= 3
    runs = [(price.alternative(AlternativeName.RUN), price.alternative(AlternativeName.ORACLE)) for price in prices]
    assert sum(run is not None and oracle is not None and
               (run.gpu_milliseconds or 0) < (oracle.gpu_milliseconds or 0) for run, oracle in runs) >= 3
