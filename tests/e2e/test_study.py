"""Studies on a real Kubernetes: each run is made once, whatever happens to the operator, and nothing of them is left.

    pytest -m 'lab and slow' tests/e2e/test_study.py -k killed     # nine runs and five kills, about twelve minutes
"""
from __future__ import annotations

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from support.study_lab import (
    KINDS,
    OPERATOR,
    create,
    created,
    directories,
    ended,
    sample_study,
    small_study,
    status_of,
    wait_for,
)

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1500)]
KILLS = 5
VARIANTS = ("queue", "always-one", "always-three")
RUN_SECONDS = 120  # of one short run, from its creation to its last clean-up, on a slow machine


def left(cluster: Any, namespace: str, name: str) -> set[str]:
    return set(cluster.left(namespace, KINDS, name, seconds=90))


def test_a_study_runs_its_variants_side_by_side_and_leaves_nothing_when_it_is_deleted(
    cluster: Any, namespace: str, tmp_path: Path,
) -> None:
    uid = create(cluster, namespace, small_study("small"))
    status = ended(cluster, namespace, "small", 3 * RUN_SECONDS)
    assert status["phase"] == "Completed", status
    assert {run["name"]: run["state"] for run in status["runs"]} == {"small-one-1": "Judged", "small-two-1": "Judged"}
    assert status["progress"]["runs"] == "2/2"
    assert all(run["gpuSeconds"] > 0 for run in status["runs"])
    tests = {test["metadata"]["name"]: test["metadata"] for test in cluster.get("etest", "-n", namespace)["items"]}
    assert {run["name"]: run["uid"] for run in status["runs"]} == {name: meta["uid"] for name, meta in tests.items()}
    assert {ref["uid"] for meta in tests.values() for ref in meta["ownerReferences"]} == {uid}
    record = json.loads(cluster.get("cm", "small-study", "-n", namespace)["data"]["study.json"])
    assert record["endReason"] == "StudyCompleted"
    columns = cluster.kubectl("-n", namespace, "get", "estudy", "small", "--no-headers").split()
    assert columns[:3] == ["small", "Completed", "2/2"]
    code, output = cluster.run("fetch", "small", "--kind", "study", "-n", namespace, "--out", str(tmp_path / "out"))
    assert code == 0, output
    assert {path.name for path in (tmp_path / "out/runs").iterdir()} == set(tests)
    if cluster.audit_log is not None:
        assert created(cluster.audit_log, namespace, "elasticitytests") == dict.fromkeys(tests, 1)
    cluster.kubectl("-n", namespace, "delete", "estudy", "small", "--timeout=60s")
    assert left(cluster, namespace, "small") == set()
    wait_for(lambda: not directories(cluster, namespace), lambda: directories(cluster, namespace), 30)


@pytest.mark.slow
def test_a_study_that_is_deleted_on_its_way_leaves_nothing(cluster: Any, namespace: str) -> None:
    create(cluster, namespace, sample_study("midway"))

    def is_loading() -> bool:
        tests = cluster.get("etest", "-n", namespace)["items"]
        return any(test.get("status", {}).get("phase") == "Loading" for test in tests)

    wait_for(is_loading, lambda: status_of(cluster, namespace, "midway"), RUN_SECONDS)
    cluster.kubectl("-n", namespace, "delete", "estudy", "midway", "--timeout=60s")
    assert left(cluster, namespace, "midway") == set()
    wait_for(lambda: not directories(cluster, namespace), lambda: directories(cluster, namespace), 30)
    if cluster.audit_log is not None:
        assert created(cluster.audit_log, namespace, "elasticitytests") == {"midway-queue-1": 1}


def kill_after(cluster: Any, pauses: list[float]) -> int:
    """Kills the operator after each pause, without letting it end in good order; how often."""
    for pause in pauses:
        time.sleep(pause)
        cluster.kubectl("delete", "pod", *OPERATOR, "--force", "--grace-period=0")
        cluster.kubectl("-n", "elastometer", "rollout", "status", "deploy/elastometer", "--timeout=120s")
    return len(pauses)


@pytest.mark.slow
def test_a_study_whose_operator_is_killed_judges_every_run_and_repeats_none(cluster: Any, namespace: str) -> None:
    create(cluster, namespace, sample_study("killed"))
    pauses = [random.uniform(0, RUN_SECONDS) for _ in range(KILLS)]
    print("the operator is killed after pauses of", *(f"{pause:.1f} s" for pause in pauses))
    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(kill_after, cluster, pauses)
        status = ended(cluster, namespace, "killed", 9 * RUN_SECONDS + KILLS * 30)
        assert killing.done()
        assert killing.result() == KILLS
    names = [f"killed-{variant}-{number}" for number in (1, 2, 3) for variant in VARIANTS]
    assert [run["name"] for run in status["runs"]] == names
    assert {run["name"]: run["state"] for run in status["runs"]} == dict.fromkeys(names, "Judged"), status
    tests = [test["metadata"] for test in cluster.get("etest", "-n", namespace)["items"]]
    uids = {meta["name"]: meta["uid"] for meta in tests}
    assert {run["name"]: run["uid"] for run in status["runs"]} == uids
    if cluster.audit_log is not None:
        assert created(cluster.audit_log, namespace, "elasticitytests") == dict.fromkeys(names, 1)
        assert created(cluster.audit_log, namespace, "jobs") == dict.fromkeys([f"{name}-load" for name in names], 1)
        assert created(cluster.audit_log, namespace, "configmaps")["killed-study"] == 1
    record = json.loads(cluster.get("cm", "killed-study", "-n", namespace)["data"]["study.json"])
    assert [run["state"] for run in record["runs"]] == ["Judged"] * 9
    report = json.loads(cluster.get("cm", "killed-study", "-n", namespace)["data"]["report.json"])
    assert [(variant["name"], variant["planned"]) for variant in report["variants"]] == [(one, 3) for one in VARIANTS]
    # After a gap, or on a busy machine, a run may be inconclusive: judged, and left out of the comparison by name.
    left_out = {run["label"]["run"]: run["excluded"] for run in report["runs"] if run["excluded"]}
    assert {run["name"] for run in status["runs"] if run["verdict"] == "Inconclusive"} == set(left_out)
    print(status["conditions"][-1]["message"], left_out)
