"""The demo and the ground of the end-to-end tests: a cluster, the chart in it, and one test carried out.

Works on three kinds of clusters: the lab on this host, kind (Docker needed), or whatever KUBECONFIG points to.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from elastometer_lab import images
from elastometer_lab.errors import LabError
from elastometer_lab.paths import REPOSITORY, Paths

NAMESPACE = "elastometer"
DEMO_NAMESPACE = "demo"
SAMPLE = REPOSITORY / "manifests/samples/demo.yaml"
CHART = REPOSITORY / "charts/elastometer"
OPERATOR_IMAGE = "docker.io/elastometer/operator:0.1.0"
HELM_TIMEOUT = "180s"


@dataclass(frozen=True, slots=True)
class Ground:
    """A cluster that is ready: its kubeconfig, a helm, and a mark that changes with the operator's image."""

    kubeconfig: Path
    helm: str
    image_mark: str


def main(argv: Sequence[str] | None = None) -> int:
    """Prepares the cluster, runs the demo, exits as `elastometer run` does."""
    parser = argparse.ArgumentParser(prog="python -m elastometer_lab.demo", description=__doc__)
    parser.add_argument("--cluster", choices=("lab", "kind", "current"), default="lab")
    parser.add_argument("--prepare-only", action="store_true", help="bring everything up, run no test")
    parser.add_argument("--keda", action="store_true", help="with KEDA, for tests of ScaledObjects")
    options = parser.parse_args(argv)
    try:
        ground = prepare(options.cluster, keda=options.keda)
    except LabError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 4
    return 0 if options.prepare_only else run_demo(ground)


def prepare(cluster: str, *, keda: bool) -> Ground:
    """The cluster with the chart installed and the operator ready."""
    ground = {"lab": _lab, "kind": _kind, "current": _current}[cluster](keda)
    install(ground)
    return ground


def install(ground: Ground) -> None:
    """`helm install`, or the upgrade that brings a running operator to the present images."""
    print(f"helm upgrade --install elastometer {CHART.relative_to(REPOSITORY)}", flush=True)
    _call([ground.helm, "upgrade", "--install", "elastometer", str(CHART), "--namespace", NAMESPACE,
           "--create-namespace", "--wait", "--timeout", HELM_TIMEOUT,
           "--set-string", f"podAnnotations.elastometer\\.dev/image={ground.image_mark}"],
          ground.kubeconfig, quiet=True)  # fmt: skip


def run_demo(ground: Ground) -> int:
    """Carries the demo test out and shows where its report is."""
    kubectl = shutil.which("kubectl")
    environment = {**os.environ, "KUBECONFIG": str(ground.kubeconfig)}
    if kubectl:
        print("kubectl get etest -n demo -w   # in another terminal, with KUBECONFIG="
              f"{ground.kubeconfig}", flush=True)  # fmt: skip
    _namespace(ground)
    out = REPOSITORY / "runs/demo"
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "elastometer.cli.main", "run", str(SAMPLE), "--namespace", DEMO_NAMESPACE,
               "--replace", "--out", str(out)]  # fmt: skip
    return subprocess.run(command, env=environment, check=False).returncode


def _namespace(ground: Ground) -> None:
    manifest = orjson.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": DEMO_NAMESPACE}})
    _call([_kubectl(), "apply", "--server-side", "-f", "-"], ground.kubeconfig, quiet=True, stdin=manifest)


def _lab(keda: bool) -> Ground:
    """The lab; says which other way fits where it cannot run."""
    if platform.system() != "Linux" or os.geteuid() != 0:
        raise LabError(f"the lab needs Linux and root; {_other_ways()}")
    command = [sys.executable, "-m", "elastometer_lab", "up", *(["--keda"] if keda else [])]
    if subprocess.run(command, check=False).returncode:
        raise LabError(f"the lab did not come up (its own words are above); {_other_ways()}")
    paths = Paths.from_environment()
    mark = images.imported(paths).get(OPERATOR_IMAGE, "unknown")
    return Ground(paths.kubeconfig, _helm(paths), mark.removeprefix("sha256:")[:16])


def _kind(keda: bool) -> Ground:
    """kind, by the script that manifests/kind keeps."""
    script = REPOSITORY / "manifests/kind/up.sh"
    if subprocess.run([str(script), *(["--keda"] if keda else [])], check=False).returncode:
        raise LabError(f"kind did not come up (see above); {_other_ways()}")
    kubeconfig = Path(os.environ.get("KUBECONFIG", Path.home() / ".kube/config"))
    return Ground(kubeconfig, _helm(None), _sources_mark())


def _current(_: bool) -> Ground:
    """The cluster of KUBECONFIG, as it is: Prometheus, a metrics adapter and the images must be there."""
    kubeconfig = Path(os.environ.get("KUBECONFIG", Path.home() / ".kube/config"))
    if not kubeconfig.is_file():
        raise LabError(f"no kubeconfig at {kubeconfig}: set KUBECONFIG; {_other_ways()}")
    return Ground(kubeconfig, _helm(None), _sources_mark())


def _other_ways() -> str:
    ways = []
    if shutil.which("kind") and shutil.which("docker"):
        ways.append("`make demo CLUSTER=kind` (docker and kind are here)")
    if Path(os.environ.get("KUBECONFIG", Path.home() / ".kube/config")).is_file():
        ways.append("`make demo CLUSTER=current` (a kubeconfig is here)")
    if not ways:
        return ("other ways: `make demo CLUSTER=kind` with docker and kind installed, or `make demo CLUSTER=current` "
                "with KUBECONFIG set")  # fmt: skip
    return "other ways that fit this host: " + ", or ".join(ways)


def _helm(paths: Paths | None) -> str:
    """The lab's own helm, or the one on PATH."""
    if paths is not None:
        built = sorted((paths.cache / "bin").glob("helm*"), key=lambda path: path.stat().st_mtime)
        if built:
            return str(built[-1])
    found = shutil.which("helm")
    if found is None:
        raise LabError("helm is not here: install it (https://helm.sh), or use the lab, which builds one")
    return found


def _kubectl() -> str:
    found = shutil.which("kubectl")
    if found is None:
        raise LabError("kubectl is not on PATH: install it (https://kubernetes.io/docs/tasks/tools)")
    return found


def _sources_mark() -> str:
    """Where images are built elsewhere, the commit stands for them."""
    answer = subprocess.run(["git", "-C", str(REPOSITORY), "rev-parse", "--short=12", "HEAD"],
                            capture_output=True, text=True, check=False)  # fmt: skip
    return answer.stdout.strip() or "unknown"


def _call(command: list[str], kubeconfig: Path, *, quiet: bool = False, stdin: bytes | None = None) -> None:
    """Runs a command against the cluster; its own words become the error."""
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    ended = subprocess.run(command, env=environment, input=stdin, capture_output=quiet, check=False)
    if ended.returncode:
        said = (ended.stderr or b"").decode(errors="replace").strip()
        raise LabError(f"{Path(command[0]).name} {command[1]} failed: {said or 'see above'}")


if __name__ == "__main__":
    sys.exit(main())
