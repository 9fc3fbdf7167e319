"""What is left of us: after `kubectl delete etest` and `helm uninstall`, the CRDs and nothing else."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.wrecks("operator"), pytest.mark.timeout(600)]
ROOT = Path(__file__).parent.parent.parent
CRDS = {f"customresourcedefinition.apiextensions.k8s.io/{plural}.elastometer.dev"
        for plural in ("elasticitytests", "elasticitystudies")}
# The namespace was made by `helm --create-namespace`, which never removes one; the APIService is the CRD's own.
KEPT = CRDS | {"namespace/elastometer", "apiservice.apiregistration.k8s.io/v1alpha1.elastometer.dev"}
NOISE = ("event", "lease", "endpoints/")


def ours(cluster: Any) -> set[str]:
    """Every object of the cluster that carries our name, whatever its kind."""
    kinds = cluster.kubectl("api-resources", "--verbs=list", "-o", "name").split()
    wanted = ",".join(kind for kind in kinds if not kind.startswith(("events", "leases", "componentstatuses")))
    lines = cluster.kubectl("get", wanted, "-A", "-o", "name", "--ignore-not-found", check=False).split()
    ours = {line for line in lines if "elastometer" in line and not line.startswith(NOISE)}
    return {line for line in ours if line.split("/", 1)[1].split(":")[0] not in stack_names()}


def stack_names() -> set[str]:
    """Names of the cluster's own stack, some of which carry ours; the chart did not make them."""
    documents = (
        document
        for path in (ROOT / "manifests/stack").rglob("*.yaml")
        for document in yaml.safe_load_all(path.read_text())
    )
    return {document["metadata"]["name"].split(":")[0] for document in documents if document and "metadata" in document}


@pytest.fixture
def reinstalled(request: pytest.FixtureRequest) -> Any:
    """Whatever happens, the next test finds the operator again."""
    yield
    cluster = request.config.getoption("--cluster")
    command = [sys.executable, "-m", "elastometer_lab.demo", "--prepare-only", "--cluster", cluster]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def test_uninstalling_leaves_the_definitions_and_nothing_else(
    cluster: Any, namespace: str, tmp_path: Path, reinstalled: None
) -> None:
    # A test or a study that somebody ran before, such as that of `make demo`, stays as well.
    kept = KEPT | {name for name in ours(cluster) if name.startswith(("elasticitytest.", "elasticitystudy."))}
    test = yaml.safe_load((ROOT / "manifests/samples/demo.yaml").read_text())
    test["metadata"]["name"] = "going"
    path = tmp_path / "going.yaml"
    path.write_text(yaml.safe_dump(test))
    cluster.kubectl("-n", namespace, "apply", "-f", str(path))
    cluster.kubectl("-n", namespace, "wait", "etest/going", "--for=condition=TargetReady", "--timeout=90s")
    assert "deployment.apps/going-server" in cluster.kubectl("-n", namespace, "get", "deploy", "-o", "name")
    cluster.kubectl("-n", namespace, "delete", "etest", "going", "--timeout=60s")
    helm = sorted(Path("/var/cache/elastometer-lab/bin").glob("helm*"))
    program = str(helm[-1]) if helm else "helm"
    subprocess.run([program, "uninstall", "elastometer", "-n", "elastometer", "--wait"], check=True,
                   env=cluster.environment, stdout=subprocess.DEVNULL)
    for _ in range(90):
        left = ours(cluster) - kept
        children = cluster.kubectl("-n", namespace, "get", "deploy,rs,pod,svc,hpa,job,secret,cm", "-o", "name").split()
        going = {name for name in children if "going" in name}
        if not left and not going:
            break
        time.sleep(1)
    assert left == set()
    assert going == set()
    assert ours(cluster) >= CRDS
