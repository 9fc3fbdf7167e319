"""The operator killed in the middle of a run: the run goes on, nothing recorded is lost, the report names the gap."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]
ROOT = Path(__file__).parent.parent.parent
STAGES = [
    {"name": "calm", "type": "Rate", "durationSeconds": 20, "endRequestsPerSecond": "1"},
    {"name": "busy", "type": "Rate", "durationSeconds": 60, "startRequestsPerSecond": "5", "endRequestsPerSecond": "5"},
]


def kill_operator(cluster: Any) -> None:
    cluster.kubectl("-n", "elastometer", "delete", "pod", "-l", "app.kubernetes.io/name=elastometer", "--force",
                    "--grace-period=0")
    cluster.kubectl("-n", "elastometer", "rollout", "status", "deploy/elastometer", "--timeout=120s")


def wait_for_stage(cluster: Any, namespace: str, stage: str) -> None:
    statuses: list[dict[str, Any]] = []
    for _ in range(240):
        statuses = [item.get("status", {}) for item in cluster.get("etest", "-n", namespace)["items"]]
        if any(status.get("progress", {}).get("stage") == stage for status in statuses):
            return
        time.sleep(0.5)
    raise AssertionError(f"stage {stage} was not reached: {statuses}")


def test_a_run_survives_two_kills_of_the_operator(cluster: Any, namespace: str, tmp_path: Path) -> None:
    test = yaml.safe_load((ROOT / "manifests/samples/demo.yaml").read_text())
    test["metadata"]["name"] = "killed"
    test["spec"]["load"]["stages"] = STAGES
    test["spec"]["measurement"]["settleSeconds"] = 15
    test["spec"]["objectives"] = [{"name": "served", "indicator": "RequestSuccess", "minimumPercent": 99}]
    path = tmp_path / "killed.yaml"
    path.write_text(yaml.safe_dump(test))
    process = cluster.start("run", str(path), "-n", namespace, "--out", str(tmp_path / "out"))
    wait_for_stage(cluster, namespace, "calm")
    kill_operator(cluster)
    wait_for_stage(cluster, namespace, "busy")
    kill_operator(cluster)
    output, _ = process.communicate(timeout=400)
    assert process.returncode == 0, output
    report = json.loads((tmp_path / "out/report.json").read_text())
    gaps = [gap for gap in report["quality"]["gaps"] if gap["resource"] == "*"]
    assert len(gaps) == 2
    assert all(gap["endSeconds"] > gap["startSeconds"] for gap in gaps)
    planned = sum(worker["planned"] for worker in report["quality"]["generators"])
    assert report["summary"]["requestCount"] == planned > 200
    assert report["verdict"] == "Pass"
    assert "operator" in (tmp_path / "out/report.md").read_text()
