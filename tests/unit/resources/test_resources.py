"""What is made of a test, as manifests."""

from __future__ import annotations

import operator
from pathlib import Path
from typing import Any

import pytest
import yaml

from elastometer.controller.preflight import capacity_flaw
from elastometer.model.errors import SpecError
from elastometer.model.spec import parse
from elastometer.plan import Environment, TestPlan, delay_budget
from elastometer.resources.load import load_job, profile_map, token_secret
from elastometer.resources.overlay import overlaid
from elastometer.resources.scaler import autoscaler_name, scaler
from elastometer.resources.target import deployment, service


def test_the_operator_folder_does_not_shadow_the_standard_library(root: Path) -> None:
    assert not (root / "operator/__init__.py").exists()
    assert operator.itemgetter(1)("ab") == "b"


def test_every_child_carries_the_owner_and_the_tests_label(plan: TestPlan) -> None:
    children = [
        deployment(plan),
        service(plan),
        scaler(plan),
        load_job(plan),
        profile_map(plan),
        token_secret(plan, "t"),
    ]
    for child in children:
        assert child is not None
        meta = child["metadata"]
        assert meta["ownerReferences"][0]["uid"] == plan.names.uid
        assert meta["labels"]["elastometer.dev/test"] == "demo"
        assert meta["namespace"] == "staging"


def test_the_target_begins_at_the_autoscalers_minimum_and_serves_the_model(plan: TestPlan) -> None:
    made = deployment(plan)
    container = made["spec"]["template"]["spec"]["containers"][0]
    assert made["spec"]["replicas"] == 1
    assert container["args"][:2] == ["Qwen/Qwen2.5-0.5B-Instruct", "--port=8000"]
    assert container["startupProbe"]["periodSeconds"] == 1
    assert container["startupProbe"]["failureThreshold"] == 900
    assert made["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 40


def test_the_users_overlay_is_merged_by_name_and_keeps_what_it_does_not_name(plan: TestPlan) -> None:
    container = deployment(plan)["spec"]["template"]["spec"]["containers"][0]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert container["env"][0]["name"] == "POD_NAME"


def test_an_overlay_adds_changes_and_removes() -> None:
    base = {"containers": [{"name": "server", "env": [{"name": "A", "value": "1"}], "image": "x"}], "gone": 1}
    patch = {"containers": [{"name": "server", "env": [{"name": "B", "value": "2"}]}, {"name": "side"}], "gone": None}
    assert overlaid(base, patch) == {
        "containers": [
            {"name": "server", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}], "image": "x"},
            {"name": "side"},
        ]
    }


def test_the_autoscaler_is_passed_through_unchanged(plan: TestPlan, demo_body: dict[str, Any]) -> None:
    made = scaler(plan)
    given = demo_body["spec"]["autoscaler"]["horizontalPodAutoscaler"]
    assert made is not None
    assert {key: made["spec"][key] for key in given} == given
    assert made["spec"]["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "demo-server"}


def test_keda_makes_its_own_autoscaler_with_a_name_that_we_know(
    environment: Environment, demo_body: dict[str, Any]
) -> None:
    trigger = {"type": "prometheus", "metadata": {"query": "sum(x)", "threshold": "2", "ignoreNullValues": "false"}}
    demo_body["spec"]["autoscaler"] = {
        "type": "ScaledObject",
        "scaledObject": {"maxReplicaCount": 4, "triggers": [trigger]},
    }
    plan = TestPlan(parse(demo_body), environment)
    made = scaler(plan)
    assert made is not None
    assert made["kind"] == "ScaledObject"
    assert made["spec"]["triggers"] == [trigger]
    assert autoscaler_name(plan) == "keda-hpa-demo-server"
    plan.spec.scaler.body["advanced"] = {"horizontalPodAutoscalerConfig": {"name": "keda-hpa-optimized-baseline"}}
    assert autoscaler_name(plan) == "keda-hpa-optimized-baseline"


def test_the_load_job_gives_each_worker_its_share_and_the_receiver(plan: TestPlan) -> None:
    made = load_job(plan)
    assert made["spec"]["completionMode"] == "Indexed"
    assert made["spec"]["completions"] == made["spec"]["parallelism"] == 2
    container = made["spec"]["template"]["spec"]["containers"][0]
    arguments = container["args"]
    assert made["spec"]["template"]["metadata"]["annotations"]["prometheus.io/port"] == "8080"
    assert f"--metrics=:{container['ports'][0]['containerPort']}" in arguments
    assert "--target=http://demo-server:8000" in arguments
    assert f"--report-to=http://elastometer.elastometer.svc:8081/v1/runs/{plan.names.uid}" in arguments


def test_the_profile_is_the_specs_load_with_the_targets_model(plan: TestPlan, demo_body: dict[str, Any]) -> None:
    profile = yaml.safe_load(profile_map(plan)["data"]["profile.yaml"])
    assert profile.pop("model") == "Qwen/Qwen2.5-0.5B-Instruct"
    assert profile == demo_body["spec"]["load"]


def test_the_delay_budget_names_its_summands(plan: TestPlan) -> None:
    assert delay_budget(plan) == {"scrape": 2.0, "hpaSync": 15.0, "window": 0.0, "probe": 1.0}


def test_more_replicas_than_gpus_are_refused_with_what_to_do(plan: TestPlan) -> None:
    node = {"metadata": {"name": "a"}, "status": {"allocatable": {"nvidia.com/gpu": "3"}}}
    flaw = capacity_flaw(plan, [node])
    assert flaw is not None
    assert flaw[1] == "InsufficientCapacity"
    assert "4 replicas need 4 nvidia.com/gpu, but the schedulable nodes (1) have 3" in flaw[2]
    assert "at most 3" in flaw[2]
    assert capacity_flaw(plan, [node, node]) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"spec": {"containers": "server"}}, "podTemplate.spec.containers: must be a list", id="no list"),
        pytest.param({"spec": {"containers": [{}]}}, "each entry must have a `name`", id="no name"),
        pytest.param({"spce": {}}, "podTemplate.spce: is not a known field; did you mean spec?", id="misspelt"),
        pytest.param({"metadata": {"labels": {"a": 1}}}, "metadata.labels: must map strings to strings", id="label"),
    ],
)
def test_an_overlay_that_is_no_pod_template_is_refused(demo_body: dict[str, Any], change: Any, words: str) -> None:
    demo_body["spec"]["target"]["server"]["podTemplate"] = change
    with pytest.raises(SpecError) as caught:
        parse(demo_body)
    assert words in str(caught.value)


def test_a_load_that_offers_nothing_is_refused(demo_body: dict[str, Any]) -> None:
    for stage in demo_body["spec"]["load"]["stages"]:
        stage.update(startRequestsPerSecond="0", endRequestsPerSecond="0")
    with pytest.raises(SpecError, match=r"spec\.load"):
        parse(demo_body)
