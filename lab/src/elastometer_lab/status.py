"""`status`: what runs, how much memory it takes, what is wrong and what to do about it. It changes nothing."""
from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import orjson

from elastometer_lab import cgroups, namespaces
from elastometer_lab.api import Api, ApiError
from elastometer_lab.component import running
from elastometer_lab.paths import NETWORK_NAMESPACE, Paths
from elastometer_lab.probes import api_path, node_ready
from elastometer_lab.processes import resident_bytes
from elastometer_lab.settings import GPU_RESOURCE, Settings, load_settings
from elastometer_lab.teardown import is_absent

COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "containerd", "kubelet",
              "kube-proxy", "forwarder", "keeper")
SYSTEM_NAMESPACES = ("kube-system", "monitoring", "keda", "local-path-storage")
MEBIBYTE = 1 << 20


class Health(StrEnum):
    """The lab's state as a whole."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Running:
    """One component; `pid` and `rss_mib` are None if it does not run."""

    name: str
    pid: int | None
    rss_mib: int | None


@dataclass(frozen=True, slots=True)
class LabStatus:
    """The result of one inspection."""

    health: Health
    kubernetes: str | None
    settings: Settings | None
    components: tuple[Running, ...]
    processes: int
    rss_mib: int
    """The sum over all processes of the lab, including those of Pods; shared pages count once for each process."""
    pods: tuple[str, ...]
    faults: tuple[str, ...]
    kubeconfig: str


def inspect(paths: Paths) -> LabStatus:
    """Inspect everything once; takes a few seconds even if nothing responds."""
    settings = load_settings(paths.settings)
    components = tuple(inspect_component(paths, name) for name in COMPONENTS)
    pids = cgroups.pids()
    faults = [f"{component.name} is not running" for component in components if component.pid is None]
    version: str | None = None
    pods: tuple[str, ...] = ()
    # Without the namespace or the certificates there is nothing to connect to, or to connect with.
    if NETWORK_NAMESPACE.exists() and namespaces.is_pinned(NETWORK_NAMESPACE) and paths.pki.exists():
        version, pods, more = query_api(paths, settings or Settings())
        faults += more
    absent = is_absent(paths)
    health = Health.ABSENT if absent else Health.UNHEALTHY if faults else Health.HEALTHY
    return LabStatus(health, version, settings, components, len(pids), total_mib(pids), pods,
                     () if absent else tuple(faults), str(paths.kubeconfig))


def inspect_component(paths: Paths, name: str) -> Running:
    """Whether one component runs, and its memory."""
    record = running(paths, name)
    size = resident_bytes(record.pid) if record else None
    return Running(name, record.pid if record else None, None if size is None else size // MEBIBYTE)


def total_mib(pids: list[int]) -> int:
    """The resident memory of all these processes, without those that have ended meanwhile."""
    return sum(size for pid in pids if (size := resident_bytes(pid)) is not None) // MEBIBYTE


def query_api(paths: Paths, settings: Settings) -> tuple[str | None, tuple[str, ...], list[str]]:
    """The version, the Pods and the faults, as the API server reports them."""
    if fault := api_path(paths.pki, "/readyz")():  # one fault then, and not one for each question
        return None, (), [fault]
    api = Api.connect(paths.pki)
    faults = [fault] if (fault := node_ready(paths.pki, settings.node)()) else []
    try:
        version = api.get("/version")["gitVersion"]
        pods = api.get("/api/v1/pods")["items"]
        node = api.get(f"/api/v1/nodes/{settings.node}")["status"]
    except (ApiError, OSError) as error:
        return None, (), [str(error)]
    if node.get("allocatable", {}).get(GPU_RESOURCE) != str(settings.gpus):
        faults.append(f"the node does not show {settings.gpus} GPUs")
    unready = [pod for pod in pods if not is_settled(pod)]
    faults += [f"Pod {name(pod)} is not ready" for pod in unready if is_system(pod)]
    return version, tuple(f"{name(pod)} {pod['status']['phase']}" for pod in pods), faults


def name(pod: dict[str, Any]) -> str:
    """Namespace and name of a Pod."""
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def is_system(pod: dict[str, Any]) -> bool:
    """Whether a Pod belongs to the stack, and must be ready; Pods of tests may be in any state."""
    return pod["metadata"]["namespace"] in SYSTEM_NAMESPACES


def is_settled(pod: dict[str, Any]) -> bool:
    """Whether a Pod is ready, or has finished."""
    if pod["status"].get("phase") == "Succeeded":
        return True
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))


def describe(seen: LabStatus, output: str) -> str:
    """The status as text for a person, or as JSON."""
    if output == "json":
        return orjson.dumps(asdict(seen), option=orjson.OPT_INDENT_2).decode()
    if seen.health is Health.ABSENT:
        return "There is no lab on this host. `python -m elastometer_lab up` starts one."
    lines = [f"The lab is {seen.health} (Kubernetes {seen.kubernetes or 'does not respond'})", ""]
    for component in seen.components:
        size = component.rss_mib if component.rss_mib is not None else "-"
        lines.append(f"  {component.name:<26}{component.pid or '-':>8}{size:>7} MiB")
    lines += ["", f"  {seen.processes} processes in all, {seen.rss_mib} MiB resident, {len(seen.pods)} Pods"]
    if seen.faults:
        lines += ["", "What is wrong:", *(f"  {fault}" for fault in seen.faults), "",
                  "`python -m elastometer_lab up` repairs it; if that fails, `down` and `up` make a new one."]
    return "\n".join([*lines, "", f"export KUBECONFIG={seen.kubeconfig}"])
