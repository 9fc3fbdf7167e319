"""The demo: a cluster, the chart installed in it, and one test run. The end-to-end tests use the first two.

It works with three kinds of clusters: the lab on this host, kind (which needs Docker), or the one of KUBECONFIG.
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
import yaml

from elastometer_lab import images
from elastometer_lab.errors import LabError
from elastometer_lab.paths import REPOSITORY, Paths
from elastometer_lab.vllm.install import python as installed_vllm
from elastometer_lab.vllm.server import import_image, on_vllm

NAMESPACE = "elastometer"
DEMO_NAMESPACE = "demo"
SAMPLE = REPOSITORY / "manifests/samples/demo.yaml"
CHART = REPOSITORY / "charts/elastometer"
OPERATOR_IMAGE = "docker.io/elastometer/operator:0.1.0"
HELM_TIMEOUT = "180s"
# Exit codes of `elastometer run` for a run that was carried out.
VERDICTS = {
    0: "which means that all objectives were met",
    1: "which means that an objective was missed. The report says what would help most; "
       "manifests/samples/demo-tuned.yaml is the same test with that change",
    3: "which means that the data allow no verdict; the report says why",
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that is ready: its kubeconfig, a helm for it, and a mark that changes with the operator's image.

    The mark is an annotation of the operator's Pods: the image's tag stays the same, so without it an upgrade would not
    replace a running operator.
    """

    kubeconfig: Path
    helm: str
    image_mark: str


def main(argv: Sequence[str] | None = None) -> int:
    """Prepare the cluster and run the demo: 0 if it was carried out, whatever its verdict; 4 if there is no cluster."""
    parser = argparse.ArgumentParser(prog="python -m elastometer_lab.demo", description=__doc__)
    parser.add_argument("--cluster", choices=("lab", "kind", "current"), default="lab", help="which cluster (lab)")
    parser.add_argument("--prepare-only", action="store_true", help="bring everything up, but run no test")
    parser.add_argument("--engine", choices=("standin", "vllm"), default="standin",
                        help="what serves the demo: the stand-in, or the build of vLLM for CPUs (standin)")
    parser.add_argument("--keda", action="store_true", help="install KEDA too, for tests of ScaledObjects")
    options = parser.parse_args(argv)
    try:
        manifest = demo_manifest(options.engine)
        cluster = prepare(options.cluster, keda=options.keda)
        if options.engine == "vllm":
            import_image(Paths.from_environment())
    except LabError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 4
    return 0 if options.prepare_only else run_demo(cluster, manifest)


def demo_manifest(engine: str) -> str:
    """The sample as text, for the stand-in or for the real engine; raises NoVllm where that is not installed."""
    text = SAMPLE.read_text()
    if engine == "standin":
        return text
    installed_vllm()
    return orjson.dumps(on_vllm(yaml.safe_load(text))).decode()


def prepare(kind: str, *, keda: bool, gpus: int | None = None) -> Cluster:
    """The cluster, with the chart installed and the operator ready. `gpus` are those that the lab's node is given at
    least; another cluster has those that it has."""
    cluster = _lab(keda, gpus) if kind == "lab" else {"kind": _kind, "current": _current}[kind](keda)
    install(cluster)
    return cluster


def install(cluster: Cluster) -> None:
    """Install the chart, or upgrade it, which brings a running operator to the present images."""
    print(f"helm upgrade --install elastometer {CHART.relative_to(REPOSITORY)}", flush=True)
    _call([cluster.helm, "upgrade", "--install", "elastometer", str(CHART), "--namespace", NAMESPACE,
           "--create-namespace", "--wait", "--timeout", HELM_TIMEOUT,
           "--set-string", f"podAnnotations.elastometer\\.dev/image={cluster.image_mark}"],
          cluster.kubeconfig, quiet=True)


def run_demo(cluster: Cluster, manifest: str) -> int:
    """Run the demo test, which prints its summary and where its report is."""
    kubectl = shutil.which("kubectl")
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
    if kubectl:
        print("kubectl get etest -n demo -w   # in another terminal, with KUBECONFIG="
              f"{cluster.kubeconfig}", flush=True)
    make_namespace(cluster, DEMO_NAMESPACE)
    out = REPOSITORY / "runs/demo"
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "elastometer.cli.main", "run", "-", "--namespace", DEMO_NAMESPACE,
               "--replace", "--out", str(out)]
    return shown(subprocess.run(command, input=manifest, text=True, env=environment, check=False).returncode)


def shown(code: int) -> int:
    """The exit code of the demo, from that of `elastometer run`, which is explained where it is that of a verdict: a
    run that was carried out and missed an objective is a demonstration that worked."""
    if code not in VERDICTS:
        return code
    print(f"demo: the run was carried out; `elastometer run` exits with {code}, {VERDICTS[code]}", flush=True)
    return 0


def make_namespace(cluster: Cluster, name: str) -> None:
    """Make the namespace, unless it is there."""
    manifest = orjson.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    _call([_kubectl(), "apply", "--server-side", "-f", "-"], cluster.kubeconfig, quiet=True, stdin=manifest)


def _lab(keda: bool, gpus: int | None) -> Cluster:
    """The lab; where it cannot run, the error says which other clusters are possible."""
    if platform.system() != "Linux" or os.geteuid() != 0:
        raise LabError(f"the lab needs Linux and root; {_other_ways()}")
    command = [sys.executable, "-m", "elastometer_lab", "up", *(["--keda"] if keda else []),
               *([] if gpus is None else [f"--gpus={gpus}"])]
    if subprocess.run(command, check=False).returncode:
        raise LabError(f"the lab did not come up (its messages are above); {_other_ways()}")
    # The digest of the image that the lab just imported: a change of code changes it, and nothing else does.
    paths = Paths.from_environment()
    mark = images.imported(paths).get(OPERATOR_IMAGE, "unknown")
    return Cluster(paths.kubeconfig, _helm(paths), mark.removeprefix("sha256:")[:16])


def _kind(keda: bool) -> Cluster:
    """A kind cluster, made by the script in manifests/kind."""
    script = REPOSITORY / "manifests/kind/up.sh"
    if subprocess.run([str(script), *(["--keda"] if keda else [])], check=False).returncode:
        raise LabError(f"kind did not come up (see above); {_other_ways()}")
    kubeconfig = Path(os.environ.get("KUBECONFIG", Path.home() / ".kube/config"))
    return Cluster(kubeconfig, _helm(None), _sources_mark())


def _current(_: bool) -> Cluster:
    """The cluster of KUBECONFIG as it is: it must have Prometheus, a metrics adapter and the images."""
    kubeconfig = Path(os.environ.get("KUBECONFIG", Path.home() / ".kube/config"))
    if not kubeconfig.is_file():
        raise LabError(f"no kubeconfig at {kubeconfig}: set KUBECONFIG; {_other_ways()}")
    return Cluster(kubeconfig, _helm(None), _sources_mark())


def _other_ways() -> str:
    """The kinds of clusters that are possible on this host, as a part of an error message."""
    ways = []
    if shutil.which("kind") and shutil.which("docker"):
        ways.append("`make demo CLUSTER=kind` (docker and kind are here)")
    if Path(os.environ.get("KUBECONFIG", Path.home() / ".kube/config")).is_file():
        ways.append("`make demo CLUSTER=current` (a kubeconfig is here)")
    if not ways:
        return ("other ways: `make demo CLUSTER=kind` with docker and kind installed, or `make demo CLUSTER=current` "
                "with KUBECONFIG set")
    return "other ways that fit this host: " + ", or ".join(ways)


def _helm(paths: Paths | None) -> str:
    """The lab's own helm, or the one on PATH."""
    if paths is not None:
        built = sorted((paths.cache / "bin").glob("helm*"), key=lambda path: path.stat().st_mtime)
        if built:
            return str(built[-1])
    found = shutil.which("helm")
    if found is None:
        raise LabError("helm is not on PATH: install it (https://helm.sh), or use the lab, which builds one")
    return found


def _kubectl() -> str:
    found = shutil.which("kubectl")
    if found is None:
        raise LabError("kubectl is not on PATH: install it (https://kubernetes.io/docs/tasks/tools)")
    return found


def _sources_mark() -> str:
    """The commit, as the mark where images are built elsewhere and their digest is not known here."""
    answer = subprocess.run(["git", "-C", str(REPOSITORY), "rev-parse", "--short=12", "HEAD"],
                            capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "unknown"


def _call(command: list[str], kubeconfig: Path, *, quiet: bool = False, stdin: bytes | None = None) -> None:
    """Run a command against the cluster; its error output becomes the LabError."""
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    ended = subprocess.run(command, env=environment, input=stdin, capture_output=quiet, check=False)
    if ended.returncode:
        reason = (ended.stderr or b"").decode(errors="replace").strip()
        raise LabError(f"{Path(command[0]).name} {command[1]} failed: {reason or 'see above'}")


if __name__ == "__main__":
    sys.exit(main())
