"""Installs what every test needs in the cluster: DNS, metrics, Prometheus and storage, and KEDA if it was asked for.

The manifests are those of manifests/stack. The stack is up when its Pods are ready *and* its aggregated APIs return a
value: an APIService is Available some time (with KEDA some 20 s) before there is one.
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
"""How long an object may be refused: a kind is not served at once after its definition was applied."""
PARTS = ("coredns", "metrics-server", "prometheus", "metrics-adapter", "local-path")
"""Folders of manifests/stack. prometheus-adapter is left out: it is for clusters that can pull images."""
SILENCE_SECONDS = 10.0
"""An API server that does not respond for longer than this will not recover by itself."""
KEDA = "keda"


@dataclass(frozen=True, slots=True)
class AggregatedApi:
    """An aggregated API, and a request whose response shows whether it has a value yet."""

    group: str
    path: str
    has_value: Callable[[Any], bool]


AGGREGATED_APIS = (
    AggregatedApi("metrics.k8s.io", "/apis/metrics.k8s.io/v1beta1/nodes", lambda data: bool(data["items"])),
    AggregatedApi("custom.metrics.k8s.io", "/apis/custom.metrics.k8s.io/v1beta2", lambda data: "resources" in data),
    AggregatedApi("external.metrics.k8s.io", "/apis/external.metrics.k8s.io/v1beta1",
                 lambda data: "resources" in data),
)


def chosen_files(directory: Path) -> list[Path]:
    """The manifest files of the lab's parts, in order of name within each part."""
    return [path for part in PARTS for path in sorted((directory / part).glob("*.yaml"))
            if path.name != "kustomization.yaml"]


def load_stack(directory: Path, more: Iterable[dict[str, Any]] = ()) -> list[dict[str, Any]]:
    """All objects in an order in which they can be applied: namespaces, definitions, and then the rest as written."""
    rank = {"Namespace": 0, "CustomResourceDefinition": 1}
    objects = [manifest for path in chosen_files(directory) for manifest in read_manifests(path)]
    return sorted([*objects, *more], key=lambda manifest: rank.get(manifest["kind"], 2))


def apply_all(api: Api, objects: Iterable[dict[str, Any]]) -> int:
    """Apply all objects, waiting for kinds that are not served yet; returns how many there were."""
    count = 0
    deadline = time.monotonic() + APPLY_SECONDS
    for manifest in objects:
        while True:
            try:
                api.apply(manifest)
                break
            except ApiError as error:
                # These come from a kind that is not served yet, or from a server or webhook that is still starting.
                if error.status not in (404, 409, 429, 500, 503) or time.monotonic() > deadline:
                    name = f"{manifest['kind']} {manifest['metadata']['name']}"
                    raise LabError(f"{name} was refused: {error}") from error
                time.sleep(POLL_SECONDS)
        count += 1
    return count


def keda_certificates(pki: Path) -> dict[str, Any]:
    """KEDA's certificates. With its own rotation the operator would restart once and take 20 s instead of 4 s."""
    def encoded(name: str) -> str:
        return base64.b64encode((pki / name).read_bytes()).decode()

    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "kedaorg-certs", "namespace": KEDA},
            "type": "Opaque",
            "data": {"ca.crt": encoded("ca.crt"), "tls.crt": encoded("keda.crt"), "tls.key": encoded("keda.key")}}


def index_after_namespaces(objects: list[dict[str, Any]]) -> int:
    """The place for an object that needs its namespace and that workloads need."""
    return sum(manifest["kind"] == "Namespace" for manifest in objects)


def with_authority(manifest: dict[str, Any], pki: Path) -> dict[str, Any]:
    """The object; KEDA's APIService with the lab's authority as the one to trust."""
    if manifest["kind"] != "APIService" or manifest["spec"]["group"] != "external.metrics.k8s.io":
        return manifest
    bundle = base64.b64encode((pki / "ca.crt").read_bytes()).decode()
    # The API server refuses a caBundle together with insecureSkipTLSVerify.
    spec = {key: value for key, value in manifest["spec"].items() if key != "insecureSkipTLSVerify"}
    return {**manifest, "spec": {**spec, "caBundle": bundle}}


def first_unready(objects: Iterable[dict[str, Any]], api: Api) -> str | None:
    """The first workload or API of the stack that is not up yet; None when all are."""
    for manifest in objects:
        kind, metadata = manifest["kind"], manifest["metadata"]
        if kind in ("Deployment", "DaemonSet", "StatefulSet"):
            seen = api.get(f"{api.collection(manifest)}/{metadata['name']}")
            if not is_rolled_out(seen):
                return f"{kind} {metadata['namespace']}/{metadata['name']} is not ready"
        if kind == "APIService" and (fault := missing_value(manifest["spec"]["group"], api)):
            return fault
    return None


def is_rolled_out(seen: dict[str, Any]) -> bool:
    """Whether all Pods of the newest revision are ready and none of an older one is left."""
    status, generation = seen.get("status", {}), seen["metadata"]["generation"]
    if seen["kind"] == "DaemonSet":
        wanted, ready = status.get("desiredNumberScheduled"), status.get("numberReady", 0)
        updated = status.get("updatedNumberScheduled", 0)
    else:
        wanted, ready = seen["spec"].get("replicas", 1), status.get("readyReplicas", 0)
        updated = status.get("updatedReplicas", 0)
    return bool(status.get("observedGeneration") == generation and wanted is not None
                and ready == wanted == updated == status.get("replicas", wanted))


def missing_value(group: str, api: Api) -> str | None:
    """What an aggregated API still lacks; None if it has a value, or is not one of those checked."""
    for known in AGGREGATED_APIS:
        if known.group == group:
            try:
                if not known.has_value(api.get(known.path)):
                    return f"{group} has no value yet"
            except ApiError as error:
                return f"{group} does not answer yet: {error}"
    return None


def await_stack(api: Api, objects: list[dict[str, Any]], budget_seconds: float) -> None:
    """Wait until all of the stack is ready; a LabError says what is not when the budget is spent."""
    deadline = time.monotonic() + budget_seconds
    answered = time.monotonic()
    while True:
        try:
            fault = first_unready(objects, api)
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
