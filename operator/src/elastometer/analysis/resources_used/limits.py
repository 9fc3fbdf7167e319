"""What each resource of a replica is limited to: CPU by its container or its node, the batch by the server's flag."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from elastometer.analysis.evidence.evidence import PodHistory
from elastometer.analysis.run import DerivedRun
from elastometer.hpa.quantity import milli_units
from elastometer.model.document import Document, at, document_at, documents_at, text_at
from elastometer.model.names import SERVER
from elastometer.model.observation import ObjectKind, ObjectSeen
from elastometer.model.server_flags import MAX_NUM_SEQS, flags_of_test

MAX_NUM_QUEUED = "--max-num-queued-reqs"


@dataclass(frozen=True, slots=True)
class Limit:
    """By Pod, or the same for `every` Pod; `words` say what it is."""

    words: str
    by_pod: Mapping[str, float] = field(default_factory=dict)
    every: float | None = None


def cpu_limit(run: DerivedRun) -> Limit | None:
    """Cores: the limit of the server's container, else what its node has; None where neither was recorded."""
    own = {pod.name: limit for pod in run.evidence.pods if (limit := _container_limit(pod)) is not None}
    if own:
        return Limit(f"the container's limit of {_shown(own)}", own)
    nodes = {seen.name: cores for seen in run.bundle.observations
             if isinstance(seen, ObjectSeen) and seen.kind is ObjectKind.NODE
             and (cores := _milli(at(document_at(seen.object, "status", "allocatable"), "cpu"))) is not None}
    of_node = {pod.name: nodes[node] for pod in run.evidence.pods
               if (node := text_at(pod.last.object, "spec", "nodeName")) in nodes and node is not None}
    return Limit(f"the node's {_shown(of_node)}, since the container has no limit", of_node) if of_node else None


def batch_limit(run: DerivedRun) -> Limit | None:
    """Sequences that run at once, as the test states them."""
    return _flag(run, MAX_NUM_SEQS)


def queue_limit(run: DerivedRun) -> Limit | None:
    """Requests that may wait, where the test limits them."""
    return _flag(run, MAX_NUM_QUEUED)


def _flag(run: DerivedRun, name: str) -> Limit | None:
    stated = flags_of_test(run.evidence.spec).whole(name)
    return Limit(f"`{name}` {stated}", every=float(stated)) if stated else None


def _container_limit(pod: PodHistory) -> float | None:
    containers: list[Document] = list(documents_at(pod.last.object, "spec", "containers"))
    server = next((one for one in containers if text_at(one, "name") == SERVER), containers[0] if containers else {})
    return _milli(at(document_at(server, "resources", "limits"), "cpu"))


def _milli(value: object) -> float | None:
    """Cores of a Kubernetes quantity; None where it cannot be read as one."""
    try:
        return None if value is None else milli_units(str(value)) / 1000
    except ValueError:
        return None


def _shown(values: Mapping[str, float]) -> str:
    low, high = min(values.values()), max(values.values())
    return f"{low:g} {'core' if low == 1 else 'cores'}" if low == high else f"{low:g} to {high:g} cores"
