"""The model server under test: Deployment and Service. Pure."""

from __future__ import annotations

from typing import Any

from elastometer.model.names import SERVER
from elastometer.plan import TestPlan
from elastometer.resources.overlay import overlaid
from elastometer.resources.ownership import metadata

Json = dict[str, Any]
WEIGHTS_PATH = "/models"
# A busy engine can answer a probe late; one second of patience would kill it under the very load that is measured.
PROBE_TIMEOUT_SECONDS = 5


def service(plan: TestPlan) -> Json:
    """The Service that the load goes to. Never called `vllm`: its environment variables would configure the server."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(plan, plan.names.server, SERVER),
        "spec": {
            "selector": plan.names.labels(SERVER),
            "ports": [{"name": "http", "port": plan.spec.server.port, "targetPort": "http"}],
        },
    }


def deployment(plan: TestPlan) -> Json:
    """The Deployment, at the autoscaler's minimum; after that its replicas belong to the autoscaler."""
    server = plan.spec.server
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(plan, plan.names.server, SERVER),
        "spec": {
            "replicas": plan.minimum_replicas,
            "selector": {"matchLabels": plan.names.labels(SERVER)},
            # GPUs are scarce: a surge pod would wait for one for ever.
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
            "progressDeadlineSeconds": max(600, 2 * server.startup_seconds),
            "template": overlaid(_pod_template(plan), server.pod_template),
        },
    }


def _pod_template(plan: TestPlan) -> Json:
    server = plan.spec.server
    spec: Json = {
        "enableServiceLinks": False,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": server.termination_grace_seconds,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [_container(plan)],
        "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "2Gi"}}],
    }
    if plan.gpus_per_replica:
        spec["tolerations"] = [
            {"key": key, "operator": "Exists", "effect": "NoSchedule"} for key in plan.gpus_per_replica
        ]
    if server.weights_claim:
        spec["volumes"].append({"name": "weights", "persistentVolumeClaim": {"claimName": server.weights_claim}})
    annotations = {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(server.port),
        "prometheus.io/path": "/metrics",
    }
    return {"metadata": {"labels": plan.names.labels(SERVER), "annotations": annotations}, "spec": spec}


def _container(plan: TestPlan) -> Json:
    server = plan.spec.server
    container: Json = {
        "name": "server",
        "image": server.image,
        "imagePullPolicy": "IfNotPresent",
        "args": _arguments(plan),
        "env": [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "ports": [{"name": "http", "containerPort": server.port}],
        "securityContext": {"allowPrivilegeEscalation": False},
        "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}],
        **_probes(plan),
    }
    if server.command:
        container["command"] = list(server.command)
    if server.weights_claim:
        container["volumeMounts"].append({"name": "weights", "mountPath": WEIGHTS_PATH})
        container["env"].append({"name": "HF_HOME", "value": WEIGHTS_PATH})
    return container


def _arguments(plan: TestPlan) -> list[str]:
    """`vllm serve` arguments: the model first, the port, then the user's own, which win over ours."""
    server = plan.spec.server
    arguments = [server.model, f"--port={server.port}"]
    if server.revision:
        arguments.append(f"--revision={server.revision}")
    return [*arguments, *server.args]


def _probes(plan: TestPlan) -> Json:
    server = plan.spec.server
    look = {"httpGet": {"path": "/health", "port": "http"}, "timeoutSeconds": PROBE_TIMEOUT_SECONDS}
    period = server.probe_period_seconds
    return {
        "startupProbe": {**look, "periodSeconds": period, "failureThreshold": -(-server.startup_seconds // period)},
        "readinessProbe": {**look, "periodSeconds": period, "failureThreshold": max(3, -(-15 // period))},
        "livenessProbe": {**look, "periodSeconds": 10, "failureThreshold": 6},
    }
