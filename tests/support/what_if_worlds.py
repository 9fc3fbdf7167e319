"""A recorded run as what-if sees it, made by hand: an HPA or a ScaledObject over a small scenario."""
from __future__ import annotations

import copy
from typing import Any

from elastometer.hpa.parse import parse_hpa
from elastometer.model.capacity import Capacity
from elastometer.model.terms import Indicator, Objective, StageWindow, Terms
from elastometer.twin.scenario import Arrival, HpaController, KedaController, MetricsPath, Scenario
from elastometer.twin.search.score.searcher import SearchProblem
from elastometer.twin.search.vary.candidates import Baseline
from elastometer.twin.sources import Signal, Trigger

TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "demo-server"}
RULES: dict[str, Any] = {
    "scaleUp": {"stabilizationWindowSeconds": 0, "selectPolicy": "Max",
                "policies": [{"type": "Pods", "value": 1, "periodSeconds": 15}]},
    "scaleDown": {"stabilizationWindowSeconds": 30, "selectPolicy": "Max",
                  "policies": [{"type": "Pods", "value": 2, "periodSeconds": 15}]},
}
METRIC: dict[str, Any] = {"type": "Pods", "pods": {"metric": {"name": "vllm_num_requests_waiting"},
                                   "target": {"type": "AverageValue", "averageValue": "2"}}}
HPA: dict[str, Any] = {
    "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "demo-server", "namespace": "demo", "uid": "u", "resourceVersion": "7", "managedFields": []},
    "spec": {"scaleTargetRef": TARGET, "minReplicas": 1, "maxReplicas": 4, "metrics": [METRIC], "behavior": RULES},
    "status": {"currentReplicas": 1, "desiredReplicas": 1},
}
SCALED_OBJECT: dict[str, Any] = {
    "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "demo-server", "namespace": "demo"},
    "spec": {
        "scaleTargetRef": TARGET, "minReplicaCount": 1, "maxReplicaCount": 4, "pollingInterval": 5,
        "triggers": [{"type": "prometheus", "metricType": "AverageValue", "metadata": {
            "serverAddress": "http://prometheus.monitoring:9090",
            "query": 'sum(vllm:num_requests_waiting{namespace="demo"})', "threshold": "2"}}],
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": RULES}},
    },
}
KEDA_HPA: dict[str, Any] = {
    "scaleTargetRef": TARGET, "minReplicas": 1, "maxReplicas": 4, "behavior": RULES,
    "metrics": [{"type": "External", "external": {
        "metric": {"name": "s0-prometheus"}, "target": {"type": "AverageValue", "averageValue": "2"}}}],
}


def scenario(controller: Any, rate: float = 1.5, seconds: int = 300) -> Scenario:
    """Four slots a replica, 1.6 s a request: 2.5 requests a second and replica; a cold start of ten seconds."""
    arrivals = tuple(Arrival(number / rate, 20, 40, 0) for number in range(int(seconds * rate)))
    return Scenario(
        arrivals=arrivals, capacity=Capacity(4, 0.02, 0.00025, 0.04), cold_starts=(9.0, 10.0, 11.0),
        path=MetricsPath(2.0), controller=controller, initial_replicas=1, start_seconds=-15.0,
        horizon_seconds=seconds + 60.0, drain_seconds=6.0, grace_seconds=40.0, timeout_seconds=60.0,
    )


def hpa_baseline(**spec: Any) -> Baseline:
    """Under the HPA above, with fields of its spec replaced."""
    manifest = copy.deepcopy(HPA)
    manifest["spec"] = {**HPA["spec"], **spec}
    controller = HpaController(parse_hpa(manifest), (Signal.WAITING,) * len(manifest["spec"]["metrics"]), 3.0)
    return Baseline(scenario(controller, rate=6.0), manifest, manifest["spec"])


def keda_baseline() -> Baseline:
    """Under the ScaledObject above."""
    hpa = HpaController(parse_hpa(KEDA_HPA), (None,), 3.0)
    controller = KedaController(hpa, polling_seconds=5.0, cooldown_seconds=300.0, minimum=1,
                                triggers=(Trigger(Signal.WAITING),))
    return Baseline(scenario(controller, rate=6.0), copy.deepcopy(SCALED_OBJECT), copy.deepcopy(KEDA_HPA))


def terms(milliseconds: int = 2000, percentile: int = 95) -> Terms:
    """First token and success, over the one stage."""
    return Terms(test="demo", namespace="demo", stages=(StageWindow("all", 0.0, 300.0, 6.0, 6.0),), objectives=(
        Objective("first-token", Indicator.TIME_TO_FIRST_TOKEN, percentile, milliseconds, None, None),
        Objective("served", Indicator.REQUEST_SUCCESS, 95, None, 99, None)))


def problem(base: Baseline | None = None) -> SearchProblem:
    """The HPA's baseline, judged by the terms above, one GPU a replica."""
    return SearchProblem(base or hpa_baseline(), terms(), 1)
