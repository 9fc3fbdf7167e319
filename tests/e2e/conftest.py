"""A real cluster for the end-to-end tests: the lab (default), kind, or whatever KUBECONFIG points to."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import zstandard

LAB_STATE = Path(os.environ.get("ELASTOMETER_LAB_STATE", "/var/lib/elastometer-lab"))
ROOT = Path(__file__).parent.parent.parent
HPA_CONTROLLER = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"


@dataclass(frozen=True)
class Bundle:
    """The directory that a run left."""

    path: Path

    @property
    def report(self) -> dict[str, Any]:
        return self.document("report.json")

    @property
    def requests(self) -> list[dict[str, Any]]:
        return self.lines("requests.jsonl.zst")

    def document(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.path / name).read_text())
        return found

    def lines(self, name: str) -> list[dict[str, Any]]:
        with (self.path / name).open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as plain:
            return [json.loads(line) for line in plain.read().splitlines()]


@dataclass(frozen=True)
class Cluster:
    """kubectl and elastometer against one cluster."""

    kubeconfig: Path
    kind: str

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig)}

    @property
    def audit_log(self) -> Path | None:
        """The API server's own record of every write; only the lab's can be read from here."""
        path = LAB_STATE / "log/audit.log"
        return path if self.kind == "lab" and path.is_file() else None

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        ended = subprocess.run(["kubectl", *arguments], env=self.environment, input=stdin, text=True,
                               capture_output=True, check=False, timeout=180)  # fmt: skip
        if check and ended.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {ended.stderr}")
        return ended.stdout if check else ended.stdout + ended.stderr

    def get(self, *arguments: str) -> Any:
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def raw(self, path: str) -> Any:
        return json.loads(self.kubectl("get", "--raw", path))

    def left(self, namespace: str, kinds: str, word: str = "", seconds: float = 60) -> set[str]:
        """Objects whose name holds `word` that are still there after a while: a deleted pod drains first."""
        deadline = time.monotonic() + seconds
        while True:
            found = {
                name for name in self.kubectl("-n", namespace, "get", kinds, "-o", "name").split() if word in name
            }
            if not found or time.monotonic() > deadline:
                return found
            time.sleep(1)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "elastometer.cli.main", *arguments]
        return subprocess.Popen(command, env=self.environment, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, cwd=ROOT, **options)  # fmt: skip

    def run(self, *arguments: str, timeout: float = 900) -> tuple[int, str]:
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=timeout)
        return process.returncode, output

    def prometheus(self, query: str) -> list[dict[str, Any]]:
        """An instant query, asked of Prometheus itself through the API server."""
        path = "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query"
        answer = self.raw(f"{path}?query={quote(query)}")
        assert answer["status"] == "success", answer
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def counted(self, metric: str, namespace: str, deployment: str) -> dict[str, int]:
        """A counter of a Deployment's pods, gone or not, as Prometheus saw it last; pods at 0 are left out."""
        selector = f'{{namespace="{namespace}",pod=~"{deployment}-.*"}}'
        found = self.prometheus(f"sum by (pod) (max_over_time({metric}{selector}[30m]))")
        return {item["metric"]["pod"]: round(float(item["value"][1])) for item in found if float(item["value"][1])}

    def scale_writes(self, namespace: str, deployment: str) -> list[tuple[datetime, int]]:
        """(when, replicas) of each write of the HPA controller to the Deployment's scale; skips without audit log."""
        if self.audit_log is None:
            pytest.skip("NO AUDIT LOG: only the lab's can be read")
        found = []
        with self.audit_log.open() as log:
            for line in log:
                if f'"{deployment}"' not in line or '"scale"' not in line:
                    continue
                entry = json.loads(line)
                ref = entry.get("objectRef", {})
                if (ref.get("namespace"), ref.get("name"), ref.get("subresource")) != (namespace, deployment, "scale"):
                    continue
                if entry["verb"] in ("update", "patch") and entry["user"]["username"] == HPA_CONTROLLER:
                    when = datetime.fromisoformat(entry["stageTimestamp"])
                    found.append((when, entry["responseObject"]["spec"]["replicas"]))
        return found

    @staticmethod
    def bundle(path: Path) -> Bundle:
        """What lies in a bundle's directory."""
        return Bundle(path)


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Cluster:
    kind = request.config.getoption("--cluster")
    kubeconfig = LAB_STATE / "kubeconfig" if kind == "lab" else Path(os.environ.get("KUBECONFIG", "~/.kube/config"))
    found = Cluster(kubeconfig.expanduser(), kind)
    if not found.kubeconfig.is_file():
        pytest.skip(f"NO CLUSTER: no kubeconfig at {kubeconfig}; `make lab-up` brings one up")
    found.kubectl("get", "crd", "elasticitytests.elastometer.dev")
    return found


def fresh_namespace(cluster: Cluster) -> Iterator[str]:
    name = f"e2e-{secrets.token_hex(3)}"
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("-n", name, "delete", "etest", "--all", "--timeout=60s", check=False)
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    yield from fresh_namespace(cluster)


@pytest.fixture(scope="module")
def module_namespace(cluster: Cluster) -> Iterator[str]:
    yield from fresh_namespace(cluster)
