"""The loop of one test that begins at zero replicas under KEDA, on an API server in memory."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from support.daemon_run import Run

SPACE = "/namespaces/lab"
DEPLOYMENTS, JOBS = f"/apis/apps/v1{SPACE}/deployments", f"/apis/batch/v1{SPACE}/jobs"
SCALED_OBJECTS = f"/apis/keda.sh/v1alpha1{SPACE}/scaledobjects"
HPAS = f"/apis/autoscaling/v2{SPACE}/horizontalpodautoscalers"
DISABLED = [{"type": "ScalingActive", "status": "False", "reason": "ScalingDisabled", "message": "zero replicas"}]


@pytest.fixture
def run(world: Any, tmp_path: Path, demo_body: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Run:
    async def answers(_: Any) -> None: ...

    monkeypatch.setattr("elastometer.world.prometheus.Prometheus.ping", answers)
    monkeypatch.setattr("elastometer.world.prometheus.ATTEMPTS", 1)
    demo_body["metadata"].update(namespace="lab", name="demo", uid="11111111-now")
    demo_body["spec"]["measurement"]["capacityCheck"] = "Skip"
    trigger = {"type": "prometheus", "metadata": {"query": "sum(gateway_queue)", "threshold": "2"}}
    demo_body["spec"]["autoscaler"] = {"type": "ScaledObject", "scaledObject": {
        "idleReplicaCount": 0, "minReplicaCount": 1, "maxReplicaCount": 4, "triggers": [trigger],
        "advanced": {"horizontalPodAutoscalerConfig": {"name": "renamed"}}}}
    return Run(world, tmp_path, demo_body)


async def keda(run: Run) -> None:
    """KEDA makes its HPA, under the name that it was given, and polls."""
    api = run.world.api
    while not api.objects.get(SCALED_OBJECTS):
        await asyncio.sleep(0.001)
    made = api.objects[SCALED_OBJECTS]["demo-server"]
    owner = {"kind": "ScaledObject", "name": "demo-server", "uid": made["metadata"]["uid"]}
    await api.put(HPAS, {
        "metadata": {"name": "renamed", "namespace": "lab", "uid": "h", "ownerReferences": [owner]},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "demo-server"}}, "status": {"conditions": DISABLED}})
    conditions = [{"type": "Ready", "status": "True"}, {"type": "Active", "status": "False"}]
    await api.put(SCALED_OBJECTS, {**made, "status": {"hpaName": "renamed", "conditions": conditions}})


async def load(run: Run) -> None:
    """The load begins, finds no replica, and ends."""
    api = run.world.api
    while not api.objects.get(JOBS):
        await asyncio.sleep(0.001)
    directory = run.context.data / "runs/lab/demo-11111111"
    (directory / "start.json").write_bytes(orjson.dumps({"startTime": run.world.clock.now().isoformat()}))
    while run.last.get("phase") != "Loading":
        await asyncio.sleep(0.001)
    over = {"type": "Complete", "status": "True", "lastTransitionTime": "2026-11-21T05:03:00Z"}
    await api.put(JOBS, {**api.objects[JOBS]["demo-load"], "status": {"conditions": [over]}})


async def test_a_test_begins_at_zero_replicas_and_ends_without_having_had_one(run: Run) -> None:
    playing = asyncio.gather(keda(run), load(run))
    created: list[int] = []

    def is_over() -> bool:
        if (found := run.world.api.objects.get(DEPLOYMENTS)) and not created:
            created.append(found["demo-server"]["spec"]["replicas"])
        return "completionTime" in run.last

    await run.until(is_over)
    await playing
    assert created == [0]
    assert run.condition("Succeeded")["status"] == "True", run.last
    reasons = [reason for _, reason, _ in run.announced]
    assert "NoReplicasWanted" in reasons
    assert "AutoscalerAtRest" in reasons
    kept = orjson.loads((run.context.data / "runs/lab/demo-11111111/provenance.json").read_bytes())
    assert kept["autoscaler"]["metadata"]["name"] == "renamed"
    assert "targetReadyTime" not in run.last
    assert not run.world.api.objects.get(SCALED_OBJECTS)


async def test_an_autoscaler_of_others_that_has_the_name_is_not_left_to_keda(run: Run) -> None:
    theirs = {"metadata": {"name": "renamed", "uid": "x"}, "spec": {"scaleTargetRef": {"name": "theirs"}}}
    await run.world.api.put(HPAS, theirs)
    await run.until(lambda: "completionTime" in run.last)
    assert run.condition("Succeeded")["reason"] == "ScalerRejected"
    assert "renamed already exists" in run.condition("Accepted")["message"]
    assert run.world.api.objects[HPAS]["renamed"]["metadata"]["uid"] == "x"


async def test_what_keda_made_for_an_earlier_test_of_the_same_name_must_be_gone_first(run: Run) -> None:
    owner = {"kind": "ScaledObject", "name": "demo-server", "uid": "before"}
    await run.world.api.put(HPAS, {"metadata": {"name": "renamed", "uid": "h", "ownerReferences": [owner]}})
    await run.until(lambda: run.condition("Accepted"))
    assert run.condition("Accepted")["reason"] == "NotBegun"
    assert "HorizontalPodAutoscaler/renamed" in run.condition("Accepted")["message"]
