"""A recorded scenario under a changed spec: what of the autoscaler changes, what stays, and what has no model."""
from __future__ import annotations

import copy
from typing import Any

import pytest

from elastometer.model.errors import SpecError
from elastometer.study.gate.changed import RunTraits, under_spec
from elastometer.twin.scenario import HpaController, KedaController, Scenario, ScheduledController
from support.what_if_worlds import HPA, SCALED_OBJECT, hpa_baseline, keda_baseline

Json = dict[str, Any]
TRAITS = RunTraits("v1.35.4", 40.0)
SERVER: Json = {"model": {"name": "a/b"}, "server": {"image": "vllm/vllm-openai:v0.10.0", "args": ["--max-num-seqs=4"]}}
BODY = {name: HPA["spec"][name] for name in ("minReplicas", "maxReplicas", "metrics", "behavior")}
SCALED = {name: value for name, value in SCALED_OBJECT["spec"].items() if name != "scaleTargetRef"}
RECORDED: Json = {"target": SERVER, "autoscaler": {"type": "HorizontalPodAutoscaler", "horizontalPodAutoscaler": BODY}}
KEDA: Json = {"target": SERVER, "autoscaler": {"type": "ScaledObject", "scaledObject": SCALED}}


def hpa(traits: RunTraits = TRAITS, drop: str | None = None, **fields: Any) -> Scenario:
    """The recorded HPA with fields of the test's replaced, or one left out."""
    changed = copy.deepcopy(RECORDED)
    changed["autoscaler"]["horizontalPodAutoscaler"].update(fields)
    changed["autoscaler"]["horizontalPodAutoscaler"].pop(drop, None)
    return under_spec(hpa_baseline(), RECORDED, changed, traits)


def keda(**fields: Any) -> KedaController:
    changed = copy.deepcopy(KEDA)
    changed["autoscaler"]["scaledObject"].update(fields)
    found = under_spec(keda_baseline(), KEDA, changed, TRAITS).controller
    assert isinstance(found, KedaController)
    return found


def test_the_same_autoscaler_is_the_recorded_scenario_itself():
    base = hpa_baseline()
    assert under_spec(base, RECORDED, copy.deepcopy(RECORDED), TRAITS) == base.scenario


def test_a_field_of_the_hpa_is_replaced_and_the_others_stay():
    controller = hpa(maxReplicas=9).controller
    before = hpa_baseline().scenario.controller
    assert isinstance(controller, HpaController)
    assert isinstance(before, HpaController)
    assert (controller.spec.minimum, controller.spec.maximum) == (1, 9)
    assert (controller.spec.behavior, controller.sources, controller.phase_seconds) == (
        before.spec.behavior, before.sources, before.phase_seconds)


def test_a_field_that_is_left_out_gets_the_default_of_the_api():
    controller = hpa(drop="behavior").controller
    assert isinstance(controller, HpaController)
    assert controller.spec.behavior is None


def test_a_higher_minimum_is_there_before_the_load():
    assert hpa(minReplicas=3).initial_replicas == 3


def test_a_threshold_of_a_scaled_object_is_replaced():
    triggers = copy.deepcopy(SCALED["triggers"])
    triggers[0]["metadata"]["threshold"] = "7"
    (metric,) = keda(triggers=triggers).hpa.spec.metrics
    assert metric.target == 7000
    assert keda(pollingInterval=30).polling_seconds == 30


def test_no_autoscaler_is_a_fixed_number_of_replicas():
    changed = {**RECORDED, "autoscaler": {"type": "None", "replicas": 3}}
    found = under_spec(hpa_baseline(), RECORDED, changed, TRAITS)
    assert found.controller == ScheduledController(())
    assert found.initial_replicas == 3


def test_a_tolerance_is_refused_where_the_recorded_kubernetes_drops_it():
    behavior = {**BODY["behavior"], "scaleUp": {**BODY["behavior"]["scaleUp"], "tolerance": "0"}}
    assert hpa(behavior=behavior).controller != hpa_baseline().scenario.controller
    with pytest.raises(SpecError, match="tolerance"):
        hpa(RunTraits("v1.32.1", 40.0), behavior=behavior)


def test_a_metric_without_a_model_is_refused_by_its_path_in_the_test():
    metric = copy.deepcopy(BODY["metrics"])
    metric[0]["pods"]["metric"]["name"] = "queue_of_another_system"
    with pytest.raises(SpecError, match=r"spec\.autoscaler\.horizontalPodAutoscaler\.metrics\[0\]"):
        hpa(metrics=metric)


def test_the_slots_of_another_server_than_the_stand_in_are_changed_and_nothing_else():
    changed = copy.deepcopy(RECORDED)
    changed["target"]["server"]["args"] = ["--max-num-seqs=2"]
    found, before = under_spec(hpa_baseline(), RECORDED, changed, TRAITS), hpa_baseline().scenario
    assert found.capacity.slots == 2
    assert (found.capacity.decode_seconds, found.cold_starts) == (before.capacity.decode_seconds, before.cold_starts)


def test_a_longer_shutdown_leaves_a_deleted_replica_more_time():
    changed = copy.deepcopy(RECORDED)
    changed["target"]["server"]["args"] = ["--max-num-seqs=4", "--shutdown-timeout=25"]
    assert under_spec(hpa_baseline(), RECORDED, changed, TRAITS).grace_seconds == 25


def test_the_scrape_period_is_that_of_the_test():
    changed = {**RECORDED, "measurement": {"scrapePeriodSeconds": 30}}
    recorded = {**RECORDED, "measurement": {"scrapePeriodSeconds": 2}}
    assert under_spec(hpa_baseline(), recorded, changed, TRAITS).path.scrape_seconds == 30
