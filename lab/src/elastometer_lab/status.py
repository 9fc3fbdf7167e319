"""`status`: what runs, how much it takes, what is wrong and what to do about it. Changes nothing."""
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
MEBIBYTE = 1 << 20


class Health(StrEnum):
    """What `status` amounts to."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Running:
    """One component; `pid` and `rss_mib` are None for one that does not run."""

    name: str
    pid: int | None
    rss_mib: int | None


@dataclass(frozen=True, slots=True)
class LabStatus:
    """All that was seen in one look."""

    health: Health
    kubernetes: str | None
    settings: Settings | None
    components: tuple[Running, ...]
    processes: int
    rss_mib: int
    """Sum over every process of the lab, pods included; pages that are shared count each time."""
    pods: tuple[str, ...]
    faults: tuple[str, ...]
    kubeconfig: str


def inspect(paths: Paths) -> LabStatus:
    """One look at everything, in a few seconds even where nothing answers."""
    settings = load_settings(paths.settings)
    components = tuple(look_at(paths, name) for name in COMPONENTS)
    pids = cgroups.pids()
    faults = [f"{each.name} does not run" for each in components if each.pid is None]
    version: str | None = None
    pods: tuple[str, ...] = ()
    if NETWORK_NAMESPACE.exists() and namespaces.is_pinned(NETWORK_NAMESPACE) and paths.pki.exists():
        version, pods, more = ask(paths, settings or Settings())
        faults += more
    absent = is_absent(paths)
    health = Health.ABSENT if absent else Health.UNHEALTHY if faults else Health.HEALTHY
    return LabStatus(health, version, settings, components, len(pids), total_mib(pids), pods,
                     () if absent else tuple(faults), str(paths.kubeconfig))


def look_at(paths: Paths, name: str) -> Running:
    record = running(paths, name)
    size = resident_bytes(record.pid) if record else None
    return Running(name, record.pid if record else None, None if size is None else size // MEBIBYTE)


def total_mib(pids: list[int]) -> int:
    return sum(size for pid in pids if (size := resident_bytes(pid)) is not None) // MEBIBYTE


def ask(paths: Paths, settings: Settings) -> tuple[str | None, tuple[str, ...], list[str]]:
    """Version, pods of the system and faults, as the API server tells them."""
    if fault := api_path(paths.pki, "/readyz")():
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
    faults += [f"pod {name(pod)} is not ready" for pod in unready if is_system(pod)]
    return version, tuple(f"{name(pod)} {pod['status']['phase']}" for pod in pods), faults


def name(pod: dict[str, Any]) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def is_system(pod: dict[str, Any]) -> bool:
    """Pods of tests may be as they like; those of the stack must be ready."""
    return pod["metadata"]["namespace"] in ("kube-system", "monitoring", "keda", "local-path-storage")


def is_settled(pod: dict[str, Any]) -> bool:
    """Ready, or finished."""
    if pod["status"].get("phase") == "Succeeded":
        return True
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))


def describe(seen: LabStatus, output: str) -> str:
    """For a person, or JSON."""
    if output == "json":
        return orjson.dumps(asdict(seen), option=orjson.OPT_INDENT_2).decode()
    if seen.health is Health.ABSENT:
        return "There is no lab on this host. `python -m elastometer_lab up` makes one."
    lines = [f"The lab is {seen.health} (Kubernetes {seen.kubernetes or 'does not answer'})", ""]
    lines += [f"  {each.name:<26}{each.pid or '-':>8}{each.rss_mib if each.rss_mib is not None else '-':>7} MiB"
              for each in seen.components]
    lines += ["", f"  {seen.processes} processes in all, {seen.rss_mib} MiB resident, {len(seen.pods)} pods"]
    if seen.faults:
        lines += ["", "What is wrong:", *(f"  {fault}" for fault in seen.faults), "",
                  "`python -m elastometer_lab up` heals it; if it does not, `down` and `up` make it anew."]
    return "\n".join([*lines, "", f"export KUBECONFIG={seen.kubeconfig}"])
