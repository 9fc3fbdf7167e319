"""A recorded run under KEDA: its query as recorded, the clock of the record, and what may be changed about it."""
from __future__ import annotations

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
from elastometer.model.spec import ScalerType
from elastometer.plan import Environment, TestPlan
from elastometer.promql.series import Matcher, MatchOperator
from elastometer.twin.engine import predict
from elastometer.twin.fit.calibrate import calibrate
from elastometer.twin.fit.recorded_series import recorded_series
from elastometer.twin.forecast.autoscaler import planned_autoscaler
from elastometer.twin.forecast.planned import Assumed, planned_scenario
from elastometer.twin.forecast.planned_load import planned_load
from elastometer.twin.forecast.predicted_run import PredictedRun
from elastometer.twin.forecast.synthetic import synthetic_bundle
from elastometer.twin.scenario import KedaController
from elastometer.twin.search.vary.candidates import Baseline, vary
from elastometer.twin.search.vary.fields import Setting
from elastometer.twin.search.vary.recorded import baseline
from elastometer.twin.sources import Nowhere, Signal

SAMPLE = Path(__file__).parents[3] / "manifests/samples/keda.yaml"
WAITING = "vllm:num_requests_waiting"


@lru_cache(maxsize=1)
def predicted() -> PredictedRun:
    """The sample with two minutes of load, as the simulator predicts it."""
    test = yaml.safe_load(SAMPLE.read_text())
    test["spec"]["load"]["stages"] = [
        {"name": "all", "type": "Rate", "durationSeconds": 120, "endRequestsPerSecond": "5"}]
    test["spec"].pop("objectives", None)
    plan = TestPlan(checked_spec("test.yaml", test), Environment("", "", "", 0, "", ""))
    scaler = planned_autoscaler(plan)
    assumed = Assumed(Capacity(4, 0.02, 0.0, 0.04, 0.001, join_seconds=0.05, refill_seconds=0.03), "", (12.0,), "")
    scenario = planned_scenario(plan, scaler, assumed, planned_load(plan.spec.profile), seed=1)
    return PredictedRun(plan, scenario, predict(scenario), PredictionBasis("t", "c", "s", "h", 1), scaler.document)


def run(query: str, **metadata: Any) -> DerivedRun:
    """The run as if it had been recorded under this query."""
    case = predicted()
    made: Bundle = synthetic_bundle(case)
    spec = {**case.plan.spec.scaler.body, "triggers": [{
        "type": "prometheus", "metadata": {"serverAddress": "a", "query": query, "threshold": "2"}}]}
    scaled = {"kind": "ScaledObject", "spec": spec, "metadata": {"name": "demo-keda-server", **metadata}}
    provenance = {"autoscaler": {"kind": "HorizontalPodAutoscaler", "spec": case.autoscaler}, "scaledObject": scaled}
    return derive_run(replace(made, provenance=provenance, terms=replace(made.terms, scaler=ScalerType.KEDA)))


def base(query: str, **metadata: Any) -> Baseline:
    found = run(query, **metadata)
    return baseline(found, calibrate(found).scenario)


def test_a_query_that_worked_has_shown_what_prometheus_calls_its_jobs() -> None:
    found = run(f'sum({WAITING}{{job="vllm",container="server"}})')
    controller = calibrate(found).scenario.controller
    assert isinstance(controller, KedaController)
    assert controller.triggers[0].source is Signal.WAITING
    assert recorded_series(found).constant("job") == "vllm"


def test_a_selector_that_worked_has_shown_which_labels_the_series_have() -> None:
    found = run(f"sum({WAITING})")
    metric = {"type": "Pods", "pods": {"metric": {"name": "vllm_num_requests_waiting", "selector": {
        "matchLabels": {"app": "chat"}}}, "target": {"type": "AverageValue", "averageValue": "2"}}}
    provenance = {"autoscaler": {"spec": {"metrics": [metric]}}}
    shown = recorded_series(replace(found, bundle=replace(found.bundle, provenance=provenance)))
    assert shown.proven == {Matcher("app", MatchOperator.EQUAL, "chat")}


def test_another_query_is_compared_with_what_the_run_has_shown() -> None:
    before = base(f'sum({WAITING}{{job="vllm"}})')
    path = "triggers[0].metadata.query"
    same = vary(before, [Setting(path, 'sum(vllm:num_requests_running{job="vllm"})')])
    other = vary(before, [Setting(path, f'sum({WAITING}{{job="pods"}})')])
    assert isinstance(same.scenario.controller, KedaController)
    assert isinstance(other.scenario.controller, KedaController)
    assert same.scenario.controller.triggers[0].source is Signal.RUNNING
    assert isinstance(other.scenario.controller.triggers[0].source, Nowhere)
    assert other.notes == (f"{path}: job=\"pods\" selects no series of this test, whose job is 'vllm'",)


def test_the_creation_and_the_second_are_those_of_the_records_clock() -> None:
    found = run(f"sum({WAITING})", creationTimestamp="1999-12-31T23:59:00Z")
    keda = calibrate(found).scenario.controller
    assert isinstance(keda, KedaController)
    assert keda.created_seconds == found.evidence.seconds(946684740 * 10**9)
    assert keda.second_share == found.evidence.origin % 10**9 / 10**9


def test_a_query_that_fails_from_two_replicas_on_is_noted() -> None:
    notes = calibrate(run(f"sum by (pod) ({WAITING})")).notes
    assert any("with 2 or more replicas the query has several elements" in note for note in notes)


def test_a_paused_run_is_refused() -> None:
    with pytest.raises(SpecError, match=r"provenance\.scaledObject\.metadata\.annotations\[autoscaling"):
        base(f"sum({WAITING})", annotations={"autoscaling.keda.sh/paused": "true"})
