"""Metrics on containers that the server's Pod does not have, or on percentages of nothing, before anything is made."""
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from elastometer.controller import preflight as checks
from elastometer.model import reasons
from elastometer.model.spec import parse
from elastometer.model.status import ACCEPTED
from elastometer.plan import Environment, TestPlan
from elastometer.resources.container_metrics import container_flaws

PERCENT = {"type": "Utilization", "averageUtilization": 60}
HPA, KEDA = "spec.autoscaler.horizontalPodAutoscaler", "spec.autoscaler.scaledObject"
SIDECAR = {"name": "proxy", "image": "proxy", "restartPolicy": "Always"}


def resource(target: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    kind = "ContainerResource" if "container" in fields else "Resource"
    return {"type": kind, f"{kind[0].lower()}{kind[1:]}": {"name": "cpu", "target": target or PERCENT, **fields}}


def planned(body: dict[str, Any], environment: Environment, pod: dict[str, Any] | None = None, *,
            metrics: list[dict[str, Any]] | None = None, triggers: list[dict[str, Any]] | None = None) -> TestPlan:
    """The demo with other metrics of its HPA, or under KEDA with these triggers, and more in its Pod."""
    body["spec"]["target"]["server"]["podTemplate"]["spec"].update(pod or {})
    if triggers is None:
        body["spec"]["autoscaler"]["horizontalPodAutoscaler"]["metrics"] = metrics
    else:
        body["spec"]["autoscaler"] = {"type": "ScaledObject", "scaledObject": {
            "minReplicaCount": 1, "maxReplicaCount": 2, "triggers": triggers}}
    return TestPlan(parse(body), environment)


@pytest.mark.parametrize(("metric", "pod", "flaws"), [
    (resource(), {}, []),
    (resource(container="server"), {}, []),
    (resource(container="vllm"), {}, [
        f"{HPA}.metrics[0].containerResource.container: must be one of the containers of the server's Pod (server), is "
        "'vllm'"]),
    (resource(container="proxy"), {"initContainers": [SIDECAR]}, [
        f"{HPA}.metrics[0].containerResource: must be a percentage of a request, so each of its containers must "
        "request cpu in `podTemplate`; proxy requests none"]),
    (resource({"type": "AverageValue", "averageValue": "1"}, container="proxy"), {"initContainers": [SIDECAR]}, []),
    (resource(container="setup"), {"initContainers": [{"name": "setup", "image": "a"}]}, [
        f"{HPA}.metrics[0].containerResource.container: must be one of the containers of the server's Pod (server), is "
        "'setup'"]),
    (resource(), {"containers": [{"name": "agent", "image": "a"}]}, [
        f"{HPA}.metrics[0].resource: must be a percentage of a request, so each of its containers must request cpu in "
        "`podTemplate`; server, agent requests none"]),
    (resource(), {"containers": [{"name": "server", "resources": {"limits": {"cpu": "2"}}}]}, []),
    (resource(), {"resources": {"requests": {"cpu": "2"}}, "containers": [{"name": "agent", "image": "a"}]}, []),
])
def test_a_metric_of_an_hpa_is_on_a_container_of_the_pod_that_requests_the_resource(
    demo_body: dict[str, Any], environment: Environment, metric: dict[str, Any], pod: dict[str, Any], flaws: list[str],
) -> None:
    assert list(container_flaws(planned(demo_body, environment, pod, metrics=[metric]))) == flaws


@pytest.mark.parametrize(("metadata", "flaws"), [
    ({"value": "60"}, []), ({"value": "60", "containerName": "server"}, []),
    ({"value": "60", "containerName": "vllm"}, [
        f"{KEDA}.triggers[0].metadata.containerName: must be one of the containers of the server's Pod (server), is "
        "'vllm'"]),
])
def test_a_trigger_of_keda_is_on_a_container_of_the_pod(
    demo_body: dict[str, Any], environment: Environment, metadata: dict[str, str], flaws: list[str],
) -> None:
    trigger = {"type": "cpu", "metricType": "Utilization", "metadata": metadata}
    assert list(container_flaws(planned(demo_body, environment, triggers=[trigger]))) == flaws


def test_a_metric_of_pods_asks_for_no_container(plan: TestPlan) -> None:
    assert list(container_flaws(plan)) == []


def test_the_preflight_names_the_container_before_anything_is_created(
    demo_body: dict[str, Any], environment: Environment, monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def accepted(*_: Any) -> None:
        return None

    monkeypatch.setattr(checks, "_refusal", accepted)
    monkeypatch.setattr(checks, "capacity_flaw", lambda *_: None)
    plan = planned(demo_body, environment, metrics=[resource(container="vllm")])
    fact = asyncio.run(checks.preflight(plan, None, []))  # type: ignore[arg-type]
    assert fact.flaw is not None
    assert fact.flaw[:2] == (ACCEPTED, reasons.SCALER_REJECTED)
    assert "metrics[0].containerResource.container" in fact.flaw[2]
