"""What runs on the lab's cluster before any test: DNS, metrics, Prometheus, storage; KEDA where asked for.

The manifests are those of manifests/stack. The stack is up when its pods are ready *and* its aggregated APIs answer
a value: an APIService says Available some time before it has one.
"""
from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elastometer_lab.api import Api, ApiError, read_manifests
from elastometer_lab.errors import LabError
from elastometer_lab.paths import REPOSITORY

MANIFESTS = REPOSITORY / "manifests" / "stack"
POLL_SECONDS = 0.25
APPLY_SECONDS = 30.0
"""Kinds of a definition applied a moment ago are not served at once."""
PARTS = ("coredns", "metrics-server", "prometheus", "metrics-adapter", "local-path")
"""Folders of manifests/stack; prometheus-adapter is the metrics adapter of clusters that can pull images."""
SILENCE_SECONDS = 10.0
"""An API server that is silent for longer does not come back by itself."""
KEDA = "keda"


@dataclass(frozen=True, slots=True)
class AnsweringApi:
    """An aggregated API and a request that only answers once there is a value behind it."""

    group: str
    path: str
    has_value: Callable[[Any], bool]


ANSWERS = (
    AnsweringApi("metrics.k8s.io", "/apis/metrics.k8s.io/v1beta1/nodes", lambda data: bool(data["items"])),
    AnsweringApi("custom.metrics.k8s.io", "/apis/custom.metrics.k8s.io/v1beta2", lambda data: "resources" in data),
    AnsweringApi("external.metrics.k8s.io", "/apis/external.metrics.k8s.io/v1beta1",
                 lambda data: "resources" in data),
)


def chosen_files(directory: Path) -> list[Path]:
    """Manifests of the parts that a lab has; in each, files in order of name."""
    return [path for part in PARTS for path in sorted((directory / part).glob("*.yaml"))
            if path.name != "kustomization.yaml"]


def load_stack(directory: Path, more: Iterable[dict[str, Any]] = ()) -> list[dict[str, Any]]:
    """All objects in an order that can be applied: namespaces, definitions, then the rest as written."""
    rank = {"Namespace": 0, "CustomResourceDefinition": 1}
    objects = [each for path in chosen_files(directory) for each in read_manifests(path)]
    return sorted([*objects, *more], key=lambda each: rank.get(each["kind"], 2))


def apply_all(api: Api, objects: Iterable[dict[str, Any]]) -> int:
    """Applies each, waiting for kinds that are not served yet; returns how many."""
    count = 0
    deadline = time.monotonic() + APPLY_SECONDS
    for each in objects:
        while True:
            try:
                api.apply(each)
                break
            except ApiError as error:
                if error.status not in (404, 409, 429, 500, 503) or time.monotonic() > deadline:
                    raise LabError(f"{each['kind']} {each['metadata']['name']} was refused: {error}") from error
                time.sleep(POLL_SECONDS)
        count += 1
    return count


def keda_certificates(pki: Path) -> dict[str, Any]:
    """KEDA with certificates of the lab's own answers seconds after its start; its own rotation restarts it first."""
    def encoded(name: str) -> str:
        return base64.b64encode((pki / name).read_bytes()).decode()

    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "kedaorg-certs", "namespace": KEDA},
            "type": "Opaque",
            "data": {"ca.crt": encoded("ca.crt"), "tls.crt": encoded("keda.crt"), "tls.key": encoded("keda.key")}}


def after_namespaces(objects: list[dict[str, Any]]) -> int:
    """Where an object can be put that needs its namespace and is needed by workloads."""
    return sum(each["kind"] == "Namespace" for each in objects)


def with_authority(each: dict[str, Any], pki: Path) -> dict[str, Any]:
    """KEDA's APIService trusts the lab's authority."""
    if each["kind"] != "APIService" or each["spec"]["group"] != "external.metrics.k8s.io":
        return each
    bundle = base64.b64encode((pki / "ca.crt").read_bytes()).decode()
    spec = {key: value for key, value in each["spec"].items() if key != "insecureSkipTLSVerify"}
    return {**each, "spec": {**spec, "caBundle": bundle}}


def unready(objects: Iterable[dict[str, Any]], api: Api) -> str | None:
    """The first workload or API of the stack that is not up; None when all are."""
    for each in objects:
        if each["kind"] in ("Deployment", "DaemonSet", "StatefulSet"):
            seen = api.get(f"{api.collection(each)}/{each['metadata']['name']}")
            if not is_rolled_out(seen):
                return f"{each['kind']} {each['metadata']['namespace']}/{each['metadata']['name']} is not ready"
        if each["kind"] == "APIService" and (fault := silent(each["spec"]["group"], api)):
            return fault
    return None


def is_rolled_out(seen: dict[str, Any]) -> bool:
    """Whether the newest pods, and only they, are ready."""
    status, generation = seen.get("status", {}), seen["metadata"]["generation"]
    if seen["kind"] == "DaemonSet":
        wanted, ready = status.get("desiredNumberScheduled"), status.get("numberReady", 0)
        updated = status.get("updatedNumberScheduled", 0)
    else:
        wanted, ready = seen["spec"].get("replicas", 1), status.get("readyReplicas", 0)
        updated = status.get("updatedReplicas", 0)
    return bool(status.get("observedGeneration") == generation and wanted is not None
                and ready == wanted == updated == status.get("replicas", wanted))


def silent(group: str, api: Api) -> str | None:
    """Complaint about an aggregated API that has no value yet."""
    for known in ANSWERS:
        if known.group == group:
            try:
                if not known.has_value(api.get(known.path)):
                    return f"{group} has no value yet"
            except ApiError as error:
                return f"{group} does not answer yet: {error}"
    return None


def await_stack(api: Api, objects: list[dict[str, Any]], budget_seconds: float) -> None:
    """Returns when nothing of the stack is unready; says what is when the budget is spent."""
    deadline = time.monotonic() + budget_seconds
    answered = time.monotonic()
    while True:
        try:
            fault = unready(objects, api)
            answered = time.monotonic()
        except ApiError as error:
            fault = str(error)
        except OSError as error:
            fault = str(error)
            if time.monotonic() - answered > SILENCE_SECONDS:
                raise LabError(f"the API server went away while the stack came up: {error}. Run `up` again.") from error
        if fault is None:
            return
        if time.monotonic() > deadline:
            raise LabError(f"the stack is not up after {budget_seconds:.0f} s: {fault}. "
                           "Look at it with `kubectl get pods -A` and `kubectl describe`, then run `up` again.")
        time.sleep(POLL_SECONDS)
