"""A real cluster for the end-to-end tests: the lab (default), kind, or whatever KUBECONFIG points to."""

from __future__ import annotations

import json
import os
import re
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

import polars as pl
import pytest

from elastometer.analysis.autoscaler.fidelity import Compared, Fidelity, fidelity
from elastometer.analysis.autoscaler.recording import Unrecorded, recording_of
from elastometer.analysis.evidence.evidence import gather
from elastometer.model.bundle_files import COLUMNS_OF, OBSERVATIONS, REQUESTS, SERIES
from elastometer.world.bundle_reader import load_bundle
from elastometer.world.columns.observations import observation_lines
from elastometer.world.columns.series import series_lines

LAB_STATE = Path(os.environ.get("ELASTOMETER_LAB_STATE", "/var/lib/elastometer-lab"))
ROOT = Path(__file__).parent.parent.parent
# A line of the controller manager's log at verbosity 4: what a sync of the HPA controller made of the metrics.
PROPOSAL = re.compile(r'I(?P<month>\d\d)(?P<day>\d\d) (?P<time>[\d:.]+) .*"Proposing desired replicas" '
                      r'desiredReplicas=(?P<replicas>\d+) metric="(?P<metric>[^"]*)".* scaleTarget="(?P<target>[^"]*)"')
# A sync and the line about it are nearer than this, and two syncs are further apart.
SAME_SYNC_SECONDS = 2.0
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
        """As the load generator writes them."""
        rows = pl.read_parquet(self.path / COLUMNS_OF[REQUESTS]).rows(named=True)
        return [{name: _as_written(value) for name, value in row.items()} for row in rows]

    def document(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.path / name).read_text())
        return found

    @property
    def observations(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in observation_lines(self.path / COLUMNS_OF[OBSERVATIONS])]

    @property
    def series(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in series_lines(self.path / COLUMNS_OF[SERIES])]


def _as_written(value: object) -> object:
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if isinstance(value, datetime) else value


@dataclass(frozen=True)
class Proposal:
    """One sync of the live HPA controller, by its own log."""

    when: datetime
    replicas: int
    metric: str


@dataclass(frozen=True)
class Explained:
    """Our account of a run beside the live controller's log. `pairs` are syncs that both know."""

    fidelity: Fidelity
    pairs: list[tuple[Proposal, Compared, float]]
    only_in_log: list[Proposal]
    only_ours: list[Compared]

    def __str__(self) -> str:
        """For people."""
        shares = {"syncs": self.fidelity.all, "seen": self.fidelity.seen, "inferred": self.fidelity.inferred}
        shares_text = ", ".join(f"{name} {share.agreed} of {share.of}" for name, share in shares.items())
        late = [seconds * 1000 for _, _, seconds in self.pairs]
        lines = [f"replayed as decided: {shares_text}",
                 f"controller's log: {len(self.pairs)} proposals, {len(self.wrong)} of them otherwise; only in the log "
                 f"{len(self.only_in_log)}, only ours {len(self.only_ours)}; our instant - the log's "
                 f"{min(late, default=0):.1f} to {max(late, default=0):.1f} ms"]
        lines += [f"  miss at {one.sync.input.at:.3f} s: {'; '.join(one.differences)} ({one.cause})"
                  for one in self.fidelity.misses]
        return "\n".join(lines + [f"  proposal at {ours.sync.input.at:.3f} s: live {theirs.replicas}, "
                                  f"replayed {ours.decision.account.raw}" for theirs, ours in self.wrong])

    @property
    def wrong(self) -> list[tuple[Proposal, Compared]]:
        """Syncs at which the metrics were made something else of."""
        return [(theirs, ours) for theirs, ours, _ in self.pairs if theirs.replicas != ours.decision.account.raw]


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
                               capture_output=True, check=False, timeout=180)
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
                                stderr=subprocess.STDOUT, cwd=ROOT, **options)

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

    def scale_writes(self, namespace: str, deployment: str, *others: str) -> list[tuple[datetime, int]]:
        """(when, replicas) of each write of the HPA controller, or of other users, to the Deployment's scale; skips
        without audit log."""
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
                if entry["verb"] in ("update", "patch") and entry["user"]["username"] in (HPA_CONTROLLER, *others):
                    when = datetime.fromisoformat(entry["stageTimestamp"])
                    # A 0 is left out.
                    found.append((when, entry["responseObject"]["spec"].get("replicas", 0)))
        return found

    def proposals(self, namespace: str, deployment: str) -> list[Proposal]:
        """What the HPA controller itself logged of its syncs; skips where its log cannot be read."""
        log = LAB_STATE / "log/kube-controller-manager.log"
        if self.kind != "lab" or not log.is_file():
            pytest.skip("NO CONTROLLER LOG: only the lab's can be read")
        return proposals_in(log, f"Deployment/{namespace}/{deployment}")

    def explained(self, path: Path, namespace: str, deployment: str) -> Explained:
        """A run's bundle beside the log of the controller that scaled it."""
        return explained(path, self.proposals(namespace, deployment))

    @staticmethod
    def bundle(path: Path) -> Bundle:
        """What lies in a bundle's directory."""
        return Bundle(path)


def proposals_in(log: Path, target: str) -> list[Proposal]:
    """The log has no year, and the machine's own time zone."""
    found = []
    with log.open() as lines:
        for line in lines:
            match = PROPOSAL.match(line) if target in line else None
            if match and match["target"] == target:
                stamp = f"{datetime.now().astimezone().year}-{match['month']}-{match['day']}T{match['time']}"
                found.append(Proposal(datetime.fromisoformat(stamp).astimezone(), int(match["replicas"]),
                                      match["metric"]))
    return found


def explained(path: Path, proposals: list[Proposal]) -> Explained:
    """Syncs and log lines of the same instant side by side."""
    evidence = gather(load_bundle(path))
    recording = recording_of(evidence)
    assert not isinstance(recording, Unrecorded), recording
    found = fidelity(recording)
    left, pairs, ours = list(proposals), [], []
    for one in found.syncs:
        at = evidence.origin / 1e9 + one.sync.input.at
        near = min(left, key=lambda line: abs(at - line.when.timestamp()), default=None)
        if near is None or abs(at - near.when.timestamp()) > SAME_SYNC_SECONDS:
            # No line where nothing was logged; and of a sync while nothing was watched we claim nothing.
            ours += [one] if one.known and one.decision.account.raw is not None else []
        else:
            left.remove(near)
            pairs.append((near, one, at - near.when.timestamp()))
    first, last = found.syncs[0].sync.input.at, found.syncs[-1].sync.input.at
    # After a gap in the watch the controller's turn is not known before its next write.
    unwatched = evidence.gap_within(0, sys.maxsize, "horizontalpodautoscalers")
    last = last if unwatched is None else min(last, unwatched.start / 1e9 - evidence.origin / 1e9)
    recorded = [line for line in left if first <= line.when.timestamp() - evidence.origin / 1e9 <= last]
    return Explained(found, pairs, recorded, ours)


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
