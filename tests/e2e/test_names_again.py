"""A name used again at once, and a test deleted while no operator runs: nothing of the old one is adopted or left."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(400)]
ROOT = Path(__file__).parent.parent.parent
STAGES = [{"name": "calm", "type": "Rate", "durationSeconds": 20, "endRequestsPerSecond": "1"}]


def short_test(name: str, namespace: str) -> str:
    test = yaml.safe_load((ROOT / "manifests/samples/demo.yaml").read_text())
    test["metadata"] = {"name": name, "namespace": namespace}
    test["spec"]["autoscaler"] = {"type": "None"}
    test["spec"]["load"]["stages"] = STAGES
    test["spec"]["measurement"]["settleSeconds"] = 5
    test["spec"]["objectives"] = [{"name": "served", "indicator": "RequestSuccess", "minimumPercent": 99}]
    return json.dumps(test)


def wait(look: Callable[[], Any], what: str, seconds: float = 150) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.5)
    raise AssertionError(f"{what} did not come within {seconds:g} s")


def status(cluster: Any, name: str, namespace: str) -> dict[str, Any]:
    found = cluster.kubectl("-n", namespace, "get", "etest", name, "-o", "json", check=False)
    return json.loads(found).get("status", {}) if found.startswith("{") else {}


def run_directories(cluster: Any, namespace: str) -> list[str]:
    listed = f"import os; print(*os.listdir('/data/runs/{namespace}'))"
    return cluster.kubectl("-n", "elastometer", "exec", "deploy/elastometer", "--", "python3", "-c", listed).split()


def test_a_test_recreated_at_once_waits_for_the_leftovers_of_the_first_and_passes(cluster: Any, namespace: str) -> None:
    cluster.kubectl("create", "-f", "-", stdin=short_test("again", namespace))
    wait(lambda: status(cluster, "again", namespace).get("phase") == "Loading", "the load")
    cluster.kubectl("-n", namespace, "delete", "etest", "again", "--timeout=60s")
    cluster.kubectl("create", "-f", "-", stdin=short_test("again", namespace))
    ended = wait(lambda: (now := status(cluster, "again", namespace)).get("completionTime") and now, "the end", 200)
    assert ended["verdict"] == "Pass", ended["conditions"]
    assert ended["summary"]["peakReadyReplicas"] == 1
    assert len(run_directories(cluster, namespace)) == 1


def test_a_test_deleted_while_no_operator_runs_is_gone_when_it_is_back(cluster: Any, namespace: str) -> None:
    cluster.kubectl("create", "-f", "-", stdin=short_test("down", namespace))
    wait(lambda: status(cluster, "down", namespace).get("phase") == "Loading", "the load")
    cluster.kubectl("-n", "elastometer", "scale", "deploy/elastometer", "--replicas=0")
    try:
        cluster.kubectl("-n", "elastometer", "wait", "--for=delete", "pod", "-l", "app.kubernetes.io/name=elastometer",
                        "--timeout=90s")
        cluster.kubectl("-n", namespace, "delete", "etest", "down", "--wait=false")
    finally:
        cluster.kubectl("-n", "elastometer", "scale", "deploy/elastometer", "--replicas=1")
        cluster.kubectl("-n", "elastometer", "rollout", "status", "deploy/elastometer", "--timeout=120s")
    wait(lambda: not status(cluster, "down", namespace), "the release of the finalizer", 30)
    wait(lambda: run_directories(cluster, namespace) == [], "the removal of the run directory", 30)
