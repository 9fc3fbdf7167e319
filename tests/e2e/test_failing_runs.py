"""Runs that cannot be carried out: each ends in bounded time with a condition, a reason and what to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]
SAMPLE = Path(__file__).parent.parent.parent / "manifests/samples/demo.yaml"
# All of them run at once; the slowest waits for its metric, then for its report and its clean-up.
BUDGET_SECONDS = 240


def unknown_metric(spec: dict[str, Any]) -> None:
    spec["autoscaler"]["horizontalPodAutoscaler"]["metrics"][0]["pods"]["metric"]["name"] = "vllm_no_such_metric"
    spec["measurement"]["metricsDeadlineSeconds"] = 40


def unknown_image(spec: dict[str, Any]) -> None:
    spec["target"]["server"]["image"] = "elastometer.invalid/nobody/nothing:1"


def too_many_replicas(spec: dict[str, Any]) -> None:
    spec["autoscaler"]["horizontalPodAutoscaler"]["maxReplicas"] = 999


def no_prometheus(spec: dict[str, Any]) -> None:
    spec["measurement"]["prometheusURL"] = "http://nothing.monitoring:9090"


def refused_scaler(spec: dict[str, Any]) -> None:
    spec["autoscaler"]["horizontalPodAutoscaler"]["behavior"]["scaleUp"]["stabilizationWindowSeconds"] = 999_999


def crashing_server(spec: dict[str, Any]) -> None:
    spec["target"]["server"]["args"] = ["--standin-startup=no-such-phase=1"]


def unknown_argument(spec: dict[str, Any]) -> None:
    spec["target"]["server"]["args"] = ["--no-such-argument"]


def unknown_field_in_template(spec: dict[str, Any]) -> None:
    spec["load"]["tasks"][0]["messages"][0]["content"] = "Write about {{ nothing_of_this_name }}."


CASES: dict[str, tuple[Callable[[dict[str, Any]], None], str, str, str]] = {
    "metric": (unknown_metric, "MetricsAvailable", "MetricsMissing", "check the metric's name"),
    "image": (unknown_image, "TargetReady", "ImagePullFailed", "check its name, its tag"),
    "gpus": (too_many_replicas, "Accepted", "InsufficientCapacity", "set the autoscaler's maximum to at most"),
    "prometheus": (no_prometheus, "MetricsAvailable", "PrometheusUnreachable", "measurement.prometheusURL"),
    "scaler": (refused_scaler, "Accepted", "ScalerRejected", "stabilizationWindowSeconds"),
    "crash": (crashing_server, "TargetReady", "TargetCrashing", "logs deploy/crash-server"),
    "argument": (unknown_argument, "Accepted", "SpecInvalid", "--no-such-argument"),
    "template": (unknown_field_in_template, "Accepted", "SpecInvalid", "spec.load.tasks[0]"),
}


def operator_containers(cluster: Any) -> set[str]:
    """Ids of the operator's containers: a restarted one has another."""
    pods = cluster.get("pods", "-n", "elastometer", "-l", "app.kubernetes.io/name=elastometer")["items"]
    return {status["containerID"] for pod in pods for status in pod["status"]["containerStatuses"]}


@pytest.fixture(scope="module")
def before(cluster: Any) -> set[str]:
    """The operator's containers before anything was asked of it."""
    return operator_containers(cluster)


@pytest.fixture(scope="module")
def ended(cluster: Any, module_namespace: str, before: set[str]) -> dict[str, dict[str, Any]]:
    """All failing tests, applied at once; their last status, by name."""
    assert before
    for name, (change, *_) in CASES.items():
        test = yaml.safe_load(SAMPLE.read_text())
        test["metadata"]["name"] = name
        change(test["spec"])
        cluster.kubectl("-n", module_namespace, "apply", "-f", "-", stdin=yaml.safe_dump(test))
    deadline = time.monotonic() + BUDGET_SECONDS
    while time.monotonic() < deadline:
        items = cluster.get("etest", "-n", module_namespace)["items"]
        found = {item["metadata"]["name"]: item for item in items}
        if all("completionTime" in item.get("status", {}) for item in items):
            break
        time.sleep(1)
    return found


@pytest.mark.parametrize("name", list(CASES))
def test_a_run_that_cannot_be_carried_out_says_why_and_what_to_do(
    name: str, ended: dict[str, dict[str, Any]], cluster: Any, module_namespace: str
) -> None:
    _, kind, reason, words = CASES[name]
    status = ended[name].get("status", {})
    assert "completionTime" in status, f"not ended within {BUDGET_SECONDS} s: {status}"
    assert status["phase"] == "Failed"
    assert status["verdict"] == "Inconclusive"
    conditions = {item["type"]: item for item in status["conditions"]}
    assert conditions[kind]["status"] == "False"
    assert conditions[kind]["reason"] == reason
    assert words in conditions[kind]["message"]
    assert conditions["Succeeded"]["status"] == "False"
    described = cluster.kubectl("-n", module_namespace, "describe", "etest", name)
    assert reason in described.split("Events:")[1]


def test_nothing_of_a_failed_run_keeps_running(
    ended: dict[str, dict[str, Any]], cluster: Any, module_namespace: str
) -> None:
    assert len(ended) == len(CASES)
    assert cluster.kubectl("-n", module_namespace, "get", "deploy,hpa,job,svc", "-o", "name").strip() == ""


def test_the_operator_was_never_restarted_by_any_of_them(
    ended: dict[str, dict[str, Any]], cluster: Any, before: set[str]
) -> None:
    assert len(ended) == len(CASES)
    assert operator_containers(cluster) == before != set()
