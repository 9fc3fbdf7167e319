"""The lab's Go programs and the images that contain them, in one table each, for the build and the lab."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from elastometer_lab.errors import LabError
from elastometer_lab.paths import REPOSITORY

GO_SOURCES = REPOSITORY / "lab" / "go"
"""A Go module; `keda` below it is a second one, because KEDA needs newer libraries than Kubernetes 1.35.

One module for all others, because programs with the same versions of libraries share most of the compile time.
"""

KUBERNETES_VERSION = "1.35.4"
KEDA_VERSION = "2.21.0"


@dataclass(frozen=True, slots=True)
class Program:
    """A binary and how it is linked. `versions` are Go variables with a version, which the linker sets."""

    name: str
    package: str
    versions: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    module: str = "."

    @property
    def directory(self) -> Path:
        """The directory of its go.mod."""
        return GO_SOURCES / self.module

    @property
    def local_sources(self) -> tuple[Path, ...]:
        """The Go files of this repository that it may be made from; none for upstream's own main packages."""
        if not self.package.startswith("./"):
            return ()
        folders = (self.directory / self.package, self.directory / "internal")
        found = (path for folder in folders for path in folder.rglob("*.go"))
        return tuple(sorted(path for path in found if not path.name.endswith("_test.go")))


# Without these Kubernetes calls itself v0.0.0, since it is built as a library of our module.
KUBE_VERSIONS = (
    ("k8s.io/component-base/version.gitVersion", f"v{KUBERNETES_VERSION}"),
    ("k8s.io/component-base/version.gitMajor", "1"),
    ("k8s.io/component-base/version.gitMinor", "35"),
    ("k8s.io/component-base/version.gitTreeState", "clean"),
    ("k8s.io/client-go/pkg/version.gitVersion", f"v{KUBERNETES_VERSION}"),
)
KEDA_VERSIONS = (("github.com/kedacore/keda/v2/version.Version", KEDA_VERSION),)

PROGRAMS = {program.name: program for program in (
    Program("pause", "./cmd/pause"),
    Program("kube", "./cmd/kube", KUBE_VERSIONS),
    Program("coredns", "./cmd/coredns"),
    Program("metrics-server", "./cmd/metrics-server", (("k8s.io/client-go/pkg/version.gitVersion", "v0.9.0"),)),
    Program("metrics-adapter", "./cmd/metrics-adapter"),
    Program("prometheus", "github.com/prometheus/prometheus/cmd/prometheus",
            (("github.com/prometheus/common/version.Version", "3.15.0"),),
            # Only Kubernetes' service discovery: the others bring the client libraries of every cloud.
            tags=("remove_all_sd", "enable_kubernetes_sd")),
    Program("local-path-provisioner", "github.com/rancher/local-path-provisioner", (("main.VERSION", "v0.0.30"),)),
    Program("helm", "helm.sh/helm/v3/cmd/helm", (("helm.sh/helm/v3/internal/version.version", "v3.20.2"),)),
    Program("keda-operator", "github.com/kedacore/keda/v2/cmd/operator", KEDA_VERSIONS, module="keda"),
    Program("keda-adapter", "github.com/kedacore/keda/v2/cmd/adapter", KEDA_VERSIONS, module="keda"),
)}
"""In the order in which they are built."""

KEDA_PROGRAMS = ("keda-operator", "keda-adapter")
DEFAULT_PROGRAMS = tuple(name for name in PROGRAMS if name not in KEDA_PROGRAMS)


@dataclass(frozen=True, slots=True)
class ProgramImage:
    """An image that contains programs and nothing else, at the paths where upstream's image has them.

    It also has upstream's name, so that the same manifest works in the lab and in clusters that pull images.
    """

    name: str
    contents: tuple[tuple[str, str], ...]
    """Pairs of a program's name in `PROGRAMS` and its absolute path in the image."""
    user: str = "65532:65532"

    @property
    def entrypoint(self) -> tuple[str, ...]:
        """The first program."""
        return (self.contents[0][1],)


PAUSE_IMAGE = "registry.k8s.io/pause:3.10.1"

IMAGES = (
    ProgramImage(PAUSE_IMAGE, (("pause", "/pause"),), user="65535:65535"),
    ProgramImage("registry.k8s.io/coredns/coredns:v1.15.0", (("coredns", "/coredns"),)),
    ProgramImage("registry.k8s.io/metrics-server/metrics-server:v0.9.0", (("metrics-server", "/metrics-server"),)),
    ProgramImage("quay.io/prometheus/prometheus:v3.15.0", (("prometheus", "/bin/prometheus"),), user="65534:65534"),
    ProgramImage("elastometer.dev/lab/metrics-adapter:v1", (("metrics-adapter", "/metrics-adapter"),)),
    ProgramImage("docker.io/rancher/local-path-provisioner:v0.0.30",
                 (("local-path-provisioner", "/usr/bin/local-path-provisioner"),), user="65534:65534"),
)
KEDA_IMAGES = (
    ProgramImage(f"ghcr.io/kedacore/keda:{KEDA_VERSION}", (("keda-operator", "/keda"),), user="1000:1000"),
    ProgramImage(f"ghcr.io/kedacore/keda-metrics-apiserver:{KEDA_VERSION}", (("keda-adapter", "/keda-adapter"),),
                 user="1000:1000"),
)


def select_programs(names: Sequence[str]) -> tuple[Program, ...]:
    """The programs with these names, in the order in which they are built; LabError for an unknown name."""
    if unknown := sorted(set(names) - set(PROGRAMS)):
        raise LabError(f"no program is called {', '.join(unknown)}; the lab can build {', '.join(PROGRAMS)}")
    return tuple(program for name, program in PROGRAMS.items() if name in names)
