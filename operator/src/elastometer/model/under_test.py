"""Under test: what was measured, as the server and the cluster state it, so that two reports can be compared."""
from __future__ import annotations

from dataclasses import dataclass

# The label of a node with the product of its GPUs, which NVIDIA's feature discovery sets.
GPU_PRODUCT = "nvidia.com/gpu.product"


@dataclass(frozen=True, slots=True)
class NodeUnderTest:
    """A node that held a server Pod; `gpu` is its product label, None where the node has none."""

    name: str
    cpus: str | None
    memory: str | None
    gpu: str | None
    gpu_count: str | None
    kubelet: str | None


@dataclass(frozen=True, slots=True)
class UnderTest:
    """`engine` and `engine_version` are what the server's log states, `digests` the images that really ran. Resources
    are those of the server's container. Each of these is None, or empty, with its reason in `missing`."""

    model: str | None
    revision: str | None
    engine: str | None
    engine_version: str | None
    image: str | None
    digests: tuple[str, ...]
    args: tuple[str, ...]
    requests: dict[str, str]
    limits: dict[str, str]
    minimum_replicas: int | None
    maximum_replicas: int | None
    most_ready: int | None
    kubernetes: str | None
    nodes: tuple[NodeUnderTest, ...]
    missing: tuple[tuple[str, str], ...] = ()
