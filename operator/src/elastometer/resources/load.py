"""The load: an Indexed Job whose Pods share one schedule, its profile, and the token for the receiver. Pure.

Indexed, so that each Pod knows which part of the schedule is its own and keeps that part after a restart.
"""

from __future__ import annotations

from typing import Any

from elastometer.model.names import LOAD, PROFILE_KEY, TOKEN_KEY
from elastometer.plan import TestPlan
from elastometer.resources.ownership import metadata
from elastometer_loadgen.base.document import write_document

Json = dict[str, Any]
# Restarts of a worker's container before the Job gives up. Each restart finds the spool of the one before and resumes.
WORKER_RESTARTS = 6
SPOOL_PATH = "/spool"
TOKEN_PATH = "/token"
PROFILE_PATH = "/profile"
API_KEY_PATH = "/api-key"
API_KEY_FILE = "key"
METRICS_PORT = 8080
_SCRAPED = {
    "prometheus.io/scrape": "true",
    "prometheus.io/port": str(METRICS_PORT),
    "prometheus.io/path": "/metrics",
}


def token_secret(plan: TestPlan, token: str) -> Json:
    """The Secret with which the run's workers, and its users, authenticate to the receiver."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(plan, plan.names.load, LOAD),
        "stringData": {TOKEN_KEY: token},
    }


def profile_map(plan: TestPlan) -> Json:
    """The ConfigMap with the profile: `spec.load` with the name under which the target serves its model."""
    profile = {**plan.spec.load, "model": plan.spec.server.flags.served_model}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(plan, plan.names.load, LOAD),
        "data": {PROFILE_KEY: write_document(profile)},
    }


def files_map(plan: TestPlan) -> Json | None:
    """The ConfigMap with the files as they were read before the run; None where the profile names none.

    It is a copy: changes of the original during the run do not reach the workers.
    """
    if not plan.names_files:
        return None
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(plan, plan.names.files, LOAD),
        "immutable": True,
        "data": dict(plan.spec.files),
    }


def load_job(plan: TestPlan) -> Json:
    """The Job. An evicted worker is started again; without its records it does not begin a stage of unknown end."""
    workers = plan.spec.profile.workers
    labels = plan.names.labels(LOAD)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(plan, plan.names.load, LOAD),
        "spec": {
            "completionMode": "Indexed",
            "completions": workers,
            "parallelism": workers,
            "backoffLimit": WORKER_RESTARTS,
            "template": {"metadata": {"labels": labels, "annotations": _SCRAPED}, "spec": _pod_spec(plan)},
        },
    }


def _pod_spec(plan: TestPlan) -> Json:
    return {
        "restartPolicy": "OnFailure",
        "enableServiceLinks": False,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 60,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(plan)],
        "volumes": _volumes(plan),
    }


def _volumes(plan: TestPlan) -> list[Json]:
    """One directory holds the profile and its files: a profile names files relative to itself."""
    maps = [plan.names.load, *([plan.names.files] if plan.names_files else [])]
    key = plan.spec.api_key
    item = None if key is None else {"secretName": key.name, "items": [{"key": key.key, "path": API_KEY_FILE}]}
    return [
        {"name": "profile", "projected": {"sources": [{"configMap": {"name": name}} for name in maps]}},
        {"name": "token", "secret": {"secretName": plan.names.load}},
        {"name": "spool", "emptyDir": {}},
        *([] if item is None else [{"name": "api-key", "secret": item}]),
    ]


def _container(plan: TestPlan) -> Json:
    environment, asks_key = plan.environment, plan.spec.api_key is not None
    return {
        "name": "load",
        "image": environment.load_image,
        "imagePullPolicy": "IfNotPresent",
        "args": [
            "run",
            f"{PROFILE_PATH}/{PROFILE_KEY}",
            f"--target={plan.target_url}",
            f"--out={SPOOL_PATH}",
            f"--workers={plan.spec.profile.workers}",
            f"--report-to={environment.receiver_url}{plan.run_path}",
            f"--token-file={TOKEN_PATH}/{TOKEN_KEY}",
            "--incarnation=$(POD_UID)",
            f"--metrics=:{METRICS_PORT}",
            *([f"--api-key-file={API_KEY_PATH}/{API_KEY_FILE}"] if asks_key else []),
        ],
        "ports": [{"name": "metrics", "containerPort": METRICS_PORT}],
        "env": [{"name": "POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}}],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "1Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "profile", "mountPath": PROFILE_PATH, "readOnly": True},
            {"name": "token", "mountPath": TOKEN_PATH, "readOnly": True},
            {"name": "spool", "mountPath": SPOOL_PATH},
            *([{"name": "api-key", "mountPath": API_KEY_PATH, "readOnly": True}] if asks_key else []),
        ],
    }
