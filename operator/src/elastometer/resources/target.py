"""The model server under test: Deployment and Service. Pure."""

from __future__ import annotations

from typing import Any

from elastometer.model.names import SERVER
from elastometer.model.server_flags import own_arguments
from elastometer.plan import TestPlan
from elastometer.resources.overlay import overlaid
from elastometer.resources.ownership import metadata

Json = dict[str, Any]
WEIGHTS_PATH = "/models"
# A busy engine may answer a probe late. The default timeout of 1 s could restart it under the load that is measured.
PROBE_TIMEOUT_SECONDS = 5


def service(plan: TestPlan) -> Json:
    """The Service to which the load goes. It is never called `vllm`: Kubernetes would set variables like VLLM_PORT for
    it in the Pods of the namespace, and vLLM reads those as its own settings."""
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
    """The Deployment, created with what the autoscaler keeps at rest; from then on the autoscaler owns `replicas`."""
    server = plan.spec.server
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(plan, plan.names.server, SERVER),
        "spec": {
            "replicas": plan.initial_replicas,
            "selector": {"matchLabels": plan.names.labels(SERVER)},
            # GPUs are scarce: a surge Pod might wait for one indefinitely.
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
            # Only a condition of the Deployment, but one that alarms people: not before every start is allowed to take.
            "progressDeadlineSeconds": max(600, 2 * server.startup_seconds),
            "template": overlaid(_pod_template(plan), server.pod_template),
        },
    }


def _pod_template(plan: TestPlan) -> Json:
    server = plan.spec.server
    spec: Json = {
        # A Service of others could be called `vllm` as well.
        "enableServiceLinks": False,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": server.termination_grace_seconds,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [_container(plan)],
        # vLLM's worker processes exchange tensors through /dev/shm, which is 64 MiB by default.
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
        "name": SERVER,
        "image": server.image,
        "imagePullPolicy": "IfNotPresent",
        "args": [word.text for word in own_arguments(plan.spec.raw["target"])],
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


def _probes(plan: TestPlan) -> Json:
    server = plan.spec.server
    probe = {"httpGet": {"path": "/health", "port": "http"}, "timeoutSeconds": PROBE_TIMEOUT_SECONDS}
    # The period of startup and readiness is the resolution of the cold start, so it is short. The thresholds follow: a
    # replica becomes unready after 15 s without an answer, and after three failures, at the earliest.
    period = server.probe_period_seconds
    return {
        "startupProbe": {**probe, "periodSeconds": period, "failureThreshold": -(-server.startup_seconds // period)},
        "readinessProbe": {**probe, "periodSeconds": period, "failureThreshold": max(3, -(-15 // period))},
        "livenessProbe": {**probe, "periodSeconds": 10, "failureThreshold": 6},
    }
