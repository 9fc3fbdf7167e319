"""How many GPUs a replica holds, by the limits of its Pod. Unless that is a number of whole GPUs, it is not known."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from elastometer.analysis.evidence.evidence import PodHistory
from elastometer.model.document import Document, document_at, documents_at, text_at
from elastometer.plan import GPU_KEYS

# Names of resources that are a part of a GPU, or another accelerator.
_PARTS = ("/mig-", "/gpu.shared", "/gpu-", "/vgpu", "/gpumem", "/gpucores")
_OTHERS = ("/tpu", "/neuron", "/neuroncore", "/gaudi")


@dataclass(frozen=True, slots=True)
class Gpus:
    """GPUs of one replica, or why they are not known."""

    count: int | None
    reason: str | None = None


def gpus_of(pods: tuple[PodHistory, ...]) -> Gpus:
    """Of each replica of a run."""
    found = {_gpus(document_at(pod.last.object, "spec")) for pod in pods}
    if not found:
        return Gpus(None, "no Pod was seen")
    if len(found) > 1:
        counts = ", ".join(sorted(str(one.count) if one.count is not None else one.reason or "" for one in found))
        return Gpus(None, f"the replicas hold different numbers of GPUs ({counts})")
    return found.pop()


def _gpus(spec: Document) -> Gpus:
    if documents_at(spec, "resourceClaims"):
        return Gpus(None, "the replicas get their devices by resource claims, which state no number of GPUs")
    limits = list(_limits(spec))
    for _, name, value in limits:
        if any(part in name for part in _PARTS):
            return Gpus(None, f"a replica holds {value} {name}, a part of a GPU whose share is not known")
        if name.endswith(_OTHERS):
            return Gpus(None, f"a replica holds {value} {name}, which is not a GPU")
    whole = [(runs_along, name, value) for runs_along, name, value in limits if _is_whole(name)]
    odd = next((one for one in whole if not one[2].isdigit()), None)
    if odd is not None:
        return Gpus(None, f"a replica holds {odd[2]} {odd[1]}, which is not a whole number")
    together = sum(int(value) for runs_along, _, value in whole if runs_along)
    # Init containers run one after another, before the others: the Pod holds the larger of the two.
    count = max([together, *(int(value) for runs_along, _, value in whole if not runs_along)])
    return Gpus(count) if count else Gpus(None, "the replicas ask for no GPU")


def _limits(spec: Document) -> Iterator[tuple[bool, str, str]]:
    """(whether the container runs along with the others, name, value) of every limit."""
    for key in ("containers", "initContainers"):
        for container in documents_at(spec, key):
            runs_along = key == "containers" or text_at(container, "restartPolicy") == "Always"
            for name, value in document_at(container, "resources", "limits").items():
                yield runs_along, name, str(value)


def _is_whole(name: str) -> bool:
    return name in GPU_KEYS or name.endswith("/gpu")
