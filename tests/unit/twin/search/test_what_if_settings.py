"""`--set path=value`: what a path changes, and the message for one that is not known."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from elastometer.hpa.settings import Policy, PolicyType, SelectPolicy
from elastometer.model.errors import SpecError
from elastometer.model.spec import ScalerType
from elastometer.twin.engine import predict
from elastometer.twin.scenario import HpaController, KedaController, KpaController
from elastometer.twin.search.vary.candidates import Baseline, vary
from elastometer.twin.search.vary.fields import Setting, is_field
from elastometer.twin.search.vary.knobs import hpa_of
from elastometer.twin.search.vary.paths import near, steps_of, text_of, value_at, written
from elastometer.twin.sources import Signal
from support.what_if_worlds import METRIC, hpa_baseline, keda_baseline


def settings(**given: Any) -> list[Setting]:
    """Keyword names cannot contain dots: `__` stands for one."""
    return [Setting(path.replace("__", "."), value) for path, value in given.items()]


@pytest.fixture
def hpa() -> Baseline:
    return hpa_baseline()


@pytest.fixture
def keda() -> Baseline:
    return keda_baseline()


def spec_under(base: Baseline, *given: Setting) -> Any:
    found = hpa_of(vary(base, given).scenario)
    assert found is not None
    return found.spec


@pytest.mark.parametrize("path", ["a", "a.b", "metrics[0].pods.target.averageValue", "a[1][2].b-c"])
def test_a_path_is_written_as_it_was_read(path: str):
    assert text_of(steps_of(path)) == path


def test_a_leading_spec_is_ignored():
    assert steps_of("spec.minReplicas") == ("minReplicas",)


def test_writing_leaves_the_original_as_it_was():
    before = {"a": {"b": [1, 2]}}
    assert written(before, ("a", "b", 1), 3) == {"a": {"b": [1, 3]}}
    assert written(before, ("c", "d"), 4) == {"a": {"b": [1, 2]}, "c": {"d": 4}}
    assert before == {"a": {"b": [1, 2]}}
    assert value_at(before, ("a", "b", 1)) == 2
    assert value_at(before, ("a", "x", 1)) is None


def test_similar_paths_are_found_by_the_whole_path_and_by_its_last_part():
    known = ("minReplicas", "maxReplicas", "behavior.scaleUp.stabilizationWindowSeconds")
    assert near("minreplica", known)[0] == "minReplicas"
    assert near("stabilizationWindow", known) == ["behavior.scaleUp.stabilizationWindowSeconds"]
    assert near("quite-another-thing", known) == []


def test_no_setting_leaves_the_recorded_scenario(hpa: Baseline, keda: Baseline):
    assert vary(hpa, ()).scenario == hpa.scenario
    assert vary(keda, ()).scenario == keda.scenario


@pytest.mark.parametrize(("path", "value", "read"), [
    ("minReplicas", 2, lambda spec: spec.minimum == 2),
    ("spec.maxReplicas", 8, lambda spec: spec.maximum == 8),
    ("target", 5, lambda spec: spec.metrics[0].target == 5000),
    ("metrics[0].target", "1500m", lambda spec: spec.metrics[0].target == 1500),
    ("metrics[0].target.averageValue", 3, lambda spec: spec.metrics[0].target == 3000),
    ("metrics[0].pods.target.averageValue", "3", lambda spec: spec.metrics[0].target == 3000),
    ("behavior.scaleUp.stabilizationWindowSeconds", 60,
     lambda spec: spec.behavior.scale_up.stabilization_seconds == 60),
    ("behavior.scaleUp.tolerance", 0.05, lambda spec: spec.behavior.scale_up.tolerance == 0.05),
    ("behavior.scaleUp.policies[0].value", 4,
     lambda spec: spec.behavior.scale_up.policies == (Policy(PolicyType.PODS, 4, 15),)),
    ("behavior.scaleDown.selectPolicy", "Disabled",
     lambda spec: spec.behavior.scale_down.select is SelectPolicy.DISABLED),
    ("behavior.scaleDown.policies", [{"type": "Percent", "value": 50, "periodSeconds": 60}],
     lambda spec: spec.behavior.scale_down.policies == (Policy(PolicyType.PERCENT, 50, 60),)),
    ("controller.syncPeriodSeconds", 5, lambda spec: spec.controller.sync_period_seconds == 5.0),
    ("controller.tolerance", 0.2, lambda spec: spec.controller.tolerance == 0.2),
])
def test_a_field_of_the_hpa_is_set(hpa: Baseline, path: str, value: Any, read: Any):
    assert read(spec_under(hpa, Setting(path, value)))


def test_defaults_of_the_api_server_are_there_before_one_of_them_is_changed():
    bare = hpa_baseline(behavior=None)
    del bare.manifest["spec"]["behavior"]
    spec = spec_under(bare, Setting("behavior.scaleUp.policies[1].value", 50))
    assert spec.behavior.scale_up.policies == (Policy(PolicyType.PODS, 4, 15), Policy(PolicyType.PERCENT, 50, 15))
    assert spec.behavior.scale_down.policies == (Policy(PolicyType.PERCENT, 100, 15),)


@pytest.mark.parametrize(("path", "value", "read"), [
    ("minReplicaCount", 0, lambda keda: (keda.minimum, keda.hpa.spec.minimum) == (0, 1)),
    ("maxReplicaCount", 9, lambda keda: keda.hpa.spec.maximum == 9),
    ("pollingInterval", 30, lambda keda: keda.polling_seconds == 30),
    ("cooldownPeriod", 60, lambda keda: keda.cooldown_seconds == 60),
    ("target", 5, lambda keda: keda.hpa.spec.metrics[0].target == 5000),
    ("triggers[0].metadata.threshold", "2.5", lambda keda: keda.hpa.spec.metrics[0].target == 2500),
    ("triggers[0].metadata.activationThreshold", 3, lambda keda: keda.triggers[0].activation == 3.0),
    ("advanced.horizontalPodAutoscalerConfig.behavior.scaleUp.stabilizationWindowSeconds", 60,
     lambda keda: keda.hpa.spec.behavior.scale_up.stabilization_seconds == 60),
    ("behavior.scaleDown.stabilizationWindowSeconds", 90,
     lambda keda: keda.hpa.spec.behavior.scale_down.stabilization_seconds == 90),
])
def test_a_field_of_the_scaled_object_reaches_the_hpa_that_keda_creates(
        keda: Baseline, path: str, value: Any, read: Any):
    controller = vary(keda, [Setting(path, value)]).scenario.controller
    assert isinstance(controller, KedaController)
    assert read(controller)


def test_another_metric_comes_with_its_own_target(hpa: Baseline, keda: Baseline):
    made = vary(hpa, settings(metric="running", target=3))
    assert made.scenario.controller.sources == (Signal.RUNNING,)
    assert made.spec["metrics"] == [{"type": "Pods", "pods": {
        "metric": {"name": "vllm_num_requests_running"}, "target": {"type": "AverageValue", "averageValue": "3"}}}]
    cpu = vary(hpa, settings(metric="cpu", target=70))
    assert cpu.spec["metrics"] == [{"type": "Resource", "resource": {
        "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}]
    query = vary(keda, settings(metric="running", target=3)).spec["triggers"][0]["metadata"]
    assert (query["query"], query["threshold"]) == ('sum(vllm:num_requests_running{namespace="demo"})', "3")


def test_a_run_that_began_at_its_minimum_begins_at_the_new_one(hpa: Baseline, keda: Baseline):
    assert vary(hpa, settings(minReplicas=3)).scenario.initial_replicas == 3
    two = hpa_baseline(minReplicas=2)
    began = {count: replace(two, scenario=replace(two.scenario, initial_replicas=count)) for count in (2, 3)}
    assert vary(began[2], settings(minReplicas=1)).scenario.initial_replicas == 1
    # One that began with more than its minimum keeps that, within the new limits.
    assert vary(began[3], settings(minReplicas=1)).scenario.initial_replicas == 3
    assert vary(began[3], settings(minReplicas=1, maxReplicas=2)).scenario.initial_replicas == 2
    asleep = replace(keda, scenario=replace(keda.scenario, initial_replicas=0))
    assert vary(asleep, settings(maxReplicaCount=9)).scenario.initial_replicas == 0


def test_the_cold_start_is_given_or_scaled(hpa: Baseline):
    assert vary(hpa, settings(coldStart__seconds=30)).scenario.cold_starts == (30,)
    assert vary(hpa, settings(coldStart__scale=0.5)).scenario.cold_starts == (4.5, 5.0, 5.5)


def test_twice_the_load_is_twice_the_requests_in_their_stages(hpa: Baseline):
    before = hpa.scenario.arrivals
    twice, half = (vary(hpa, settings(load__scale=factor)).scenario.arrivals for factor in (2, 0.5))
    assert len(twice) == 2 * len(before)
    assert 0.4 * len(before) < len(half) < 0.6 * len(before)
    assert [one.at for one in twice] == sorted(one.at for one in twice)
    assert (twice[0].at, twice[-1].at) == (before[0].at, before[-1].at)
    assert vary(hpa, settings(load__scale=2)) == vary(hpa, settings(load__scale=2))


def test_another_kind_of_autoscaler_has_no_patch(hpa: Baseline, keda: Baseline):
    knative = vary(hpa, settings(autoscaler="KPA", kpa__target=3, kpa__stableWindowSeconds=30))
    assert knative.scenario.controller == KpaController(1, 4, 3.0, stable_window_seconds=30.0)
    assert knative.spec is None
    alone = vary(keda, settings(autoscaler="HPA")).scenario
    assert isinstance(alone.controller, HpaController)
    assert alone.controller.sources == (Signal.WAITING,)
    assert max(size for _, size in predict(alone).desired) == 4
    polled = vary(hpa, settings(autoscaler="KEDA", keda__pollingInterval=10, keda__minReplicaCount=0))
    assert (polled.scenario.controller.polling_seconds, polled.scenario.controller.minimum) == (10.0, 0)
    assert polled.spec is None
    assert vary(hpa, settings(autoscaler="HPA")).spec is not None


BAD_HPA = {
    "minReplica=2": "minReplica: must be a field of the HorizontalPodAutoscaler's spec or a setting of the simulator, "
                    "is unknown (value 2); similar: minReplicas, maxReplicas, keda.minReplicaCount",
    "minReplicaCount=2": "minReplicaCount: must be a field of the HorizontalPodAutoscaler's spec or a setting of the "
                         "simulator, is unknown (value 2); similar: keda.minReplicaCount, minReplicas, maxReplicas",
    "scaleTargetRef.name=x": "scaleTargetRef.name: must be a field of the HorizontalPodAutoscaler's spec or a setting "
                             "of the simulator, is unknown (value x); paths begin with minReplicas, maxReplicas, "
                             "target, metrics, behavior, autoscaler, metric, balancing, coldStart, load, scrape, "
                             "controller, kpa, keda",
    'behavior.scaleUp={"selectpolicy":Max}': "behavior.scaleUp.selectpolicy: is not a known field of autoscaling/v2 in "
                                           "Kubernetes 1.35; did you mean selectPolicy?",
    'target={"averagevalue":2}': "target.averagevalue: is not a known field of autoscaling/v2 in Kubernetes 1.35; "
                               "did you mean averageValue?",
    "behaviour.scaleUp.tolerance=1": "behaviour.scaleUp.tolerance: must be a field of the HorizontalPodAutoscaler's "
                                     "spec or a setting of the simulator, is unknown (value 1); similar: "
                                     "behavior.scaleUp.tolerance, behavior.scaleDown.tolerance, "
                                     "behavior.scaleUp.policies",
    "a..b=1": "a..b: must be names separated by dots, with [index] for a list entry, as in "
              "behavior.scaleUp.policies[0].value, is 'a..b'",
    "metrics[1].target=3": "metrics[1].target: must have an index below 1, the number of entries of `metrics`, is 1",
    "metrics[0].resource.target.averageUtilization=50":
        "metrics[0].resource.target.averageUtilization: must be below metrics[0].pods, the source of this metric, is "
        "below 'resource'",
    "behavior.scaleUp.policies[1].value=3":
        "behavior.scaleUp.policies[1].value: must have an index below 1, the number of entries of "
        "`behavior.scaleUp.policies`, is 1",
    "coldStart.seconds=-1": "coldStart.seconds: must be a number of at least 0 and at most 86400, is -1",
    "coldStart.scale=half": "coldStart.scale: must be a number of at least 0 and at most 1000, is 'half'",
    "coldStart.scale=.inf": "coldStart.scale: must be a number of at least 0 and at most 1000, is inf",
    "coldStart.scale=.nan": "coldStart.scale: must be a number of at least 0 and at most 1000, is nan",
    "autoscaler=KEDA keda.minReplicaCount=1.5": "keda.minReplicaCount: must be a whole number, is 1.5",
    "load.scale=0": "load.scale: must be a number above 0 and at most 100, is 0",
    "controller.syncPeriodSeconds=0": "controller.syncPeriodSeconds: must be a number above 0 and at most 3600, is 0",
    "metric=runing": "metric: must be one of waiting, running, inFlight, kvCache, cpu, is 'runing'; similar: running",
    "metric=running": "metric: must be given together with a target (--set target=…), since the recorded target has "
                      "another unit than 'running'; target is absent",
    "autoscaler=kpa": "autoscaler: must be one of HPA, KEDA, KPA, is 'kpa'; similar: KPA",
    "autoscaler=KPA": "kpa.target: must be given with autoscaler=KPA (requests in flight per replica), is absent",
    "kpa.target=3": "kpa.target: must be given together with autoscaler=KPA, is 3 under HPA",
}
# What the API server refuses, the HPA's parser refuses: setting, where, rule, value.
REFUSED = (
    ("minReplicas=two", "spec.minReplicas", "a whole number", "'two'"),
    ("minReplicas=5", "spec.maxReplicas", "at least minReplicas (5)", "4"),
    ("maxReplicas=0", "spec.maxReplicas", "a whole number", "0"),
    ("minReplicas=0", "spec.metrics", "hold an Object or External metric", "1"),
    ("target=-1", "spec.metrics[0].pods.target.averageValue", "be positive", "'-1'"),
    ("target=many", "spec.metrics[0].pods.target.averageValue", "a quantity", "'many'"),
    ("behavior.scaleUp.policies[0].type=Pod", "spec.behavior.scaleUp.policies[0].type", "Pods, Percent", "'Pod'"),
    ("behavior.scaleUp.policies[0].value=0", "spec.behavior.scaleUp.policies[0].value", "a whole number", "0"),
    ("behavior.scaleUp.selectPolicy=Maxx", "spec.behavior.scaleUp.selectPolicy", "Max, Min, Disabled", "'Maxx'"),
    ("behavior.scaleUp.stabilizationWindowSeconds=4000", "spec.behavior.scaleUp.stabilizationWindowSeconds", "3600",
     "4000"),
    ("behavior.scaleDown.tolerance=-0.1", "spec.behavior.scaleDown.tolerance", "not be negative", "'-0.1'"),
)
BAD_KEDA = {
    "minReplicas=2": "minReplicas: must be a field of the ScaledObject's spec or a setting of the simulator, is "
                     "unknown (value 2); similar: minReplicaCount, keda.minReplicaCount, maxReplicaCount",
    "pollingInterval=0": "pollingInterval: must be a whole number of at least 1, is 0",
    "minReplicaCount=7": "minReplicaCount: must be at most maxReplicaCount (4), is 7",
    "idleReplicaCount=1": "idleReplicaCount: must be below minReplicaCount (1), is 1",
    "target=few": "triggers[0].metadata.threshold: must be a number as a string, is 'few'",
    'behavior.scaleDown={"stabilisationWindowSeconds":0}':
        "behavior.scaleDown.stabilisationWindowSeconds: is not a known field of a ScaledObject in KEDA 2.21; did you "
        "mean stabilizationWindowSeconds?",
    'triggers=[{"type":"prometheus","metadata":{"treshold":"2"}}]':
        "triggers[0].metadata.treshold: is not read by KEDA, which would take its default; did you mean threshold?",
    "triggers[1].metadata.threshold=2": "triggers[1].metadata.threshold: must have an index below 1, the number of "
                                        "entries of `triggers`, is 1",
}


def message(base: Baseline, text: str) -> str:
    given = [Setting(path, yaml.safe_load(value)) for path, _, value in (one.partition("=") for one in text.split())]
    with pytest.raises(SpecError) as caught:
        vary(base, given)
    return str(caught.value)


@pytest.mark.parametrize("text", BAD_HPA)
def test_a_bad_setting_of_an_hpa_is_refused_with_path_rule_and_value(hpa: Baseline, text: str):
    assert message(hpa, text) == BAD_HPA[text]


@pytest.mark.parametrize(("text", "path", "rule", "value"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_the_api_server_would_refuse_is_refused_too(
        hpa: Baseline, text: str, path: str, rule: str, value: str):
    said = message(hpa, text)
    assert said.startswith(f"{path}: must ")
    assert rule in said
    assert f", is {value}" in said or said.endswith(value)


@pytest.mark.parametrize("text", BAD_KEDA)
def test_a_bad_setting_of_a_scaled_object_is_refused_with_path_rule_and_value(keda: Baseline, text: str):
    assert message(keda, text) == BAD_KEDA[text]


def test_a_setting_given_twice_is_refused(hpa: Baseline):
    with pytest.raises(SpecError, match=r"minReplicas: must be given only once, is given again with 3"):
        vary(hpa, [Setting("minReplicas", 2), Setting("spec.minReplicas", 3)])


def test_the_short_target_is_refused_where_there_are_two_metrics():
    two = hpa_baseline(metrics=[METRIC, METRIC])
    with pytest.raises(SpecError) as caught:
        vary(two, [Setting("target", 3)])
    assert str(caught.value) == \
        "target: must name one of the 2 metrics, as in metrics[0].target, is 'target'"


def test_every_field_of_both_kinds_is_known_by_its_own_name():
    assert is_field(ScalerType.HPA, "spec.behavior.scaleDown.policies[3].periodSeconds")
    assert is_field(ScalerType.KEDA, "triggers[2].metadata.threshold")
    assert not is_field(ScalerType.HPA, "pollingInterval")


def test_a_query_that_selects_nothing_of_the_run_is_said_and_scales_nothing(keda: Baseline):
    made = vary(keda, [Setting("triggers[0].metadata.query", 'sum(vllm:num_requests_waiting{namespace="other"})')])
    (note,) = made.notes
    assert note.startswith('triggers[0].metadata.query: namespace="other" selects no series of this test')
    assert len(predict(made.scenario).desired) == 1
    assert len(predict(keda.scenario).desired) > 1
