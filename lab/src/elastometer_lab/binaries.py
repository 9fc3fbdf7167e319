"""Joins the build of the Go programs to the lab: which binaries there are and which image each one fills."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from elastometer_lab.paths import Paths
from elastometer_lab.progress import Progress


@dataclass(frozen=True, slots=True)
class ProgramImage:
    """An image with one static program, under the name and at the place of the upstream image."""

    name: str
    binary: Path
    place: str


@dataclass(frozen=True, slots=True)
class Binaries:
    """`kube` is etcd and all of Kubernetes in one."""

    kube: Path
    images: tuple[ProgramImage, ...]


def build(paths: Paths, keda: bool, progress: Progress) -> Binaries:
    """DRAFT until the build module is there."""
    have = {k: Path(v) for k, v in (line.split() for line in Path("/tmp/brief/binaries.txt").read_text().splitlines() if line.strip())}
    table = (("docker.io/elastometer/pause:0.1.0", "pause", "/pause"),
             ("registry.k8s.io/coredns/coredns:v1.15.0", "coredns", "/coredns"),
             ("quay.io/prometheus/prometheus:v3.15.0", "prometheus", "/bin/prometheus"),
             ("registry.k8s.io/metrics-server/metrics-server:v0.9.0", "metrics-server", "/metrics-server"),
             ("elastometer.dev/lab/metrics-adapter:v1", "metrics-adapter", "/metrics-adapter"),
             ("docker.io/rancher/local-path-provisioner:v0.0.30", "local-path-provisioner", "/usr/bin/local-path-provisioner"))
    return Binaries(have["kube"], tuple(ProgramImage(n, have[b], p) for n, b, p in table if b in have))
