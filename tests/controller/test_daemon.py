"""The loop of one test, on an API server in memory: what keeps a run from beginning, and what ends it."""

from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import ApiClient, Configuration

from elastometer.controller import orphans
from elastometer.controller.session import Session
from elastometer.model.bundle import SeriesName, SeriesOutcome
from elastometer.model.names import Names
from elastometer.model.spec import parse, with_files
from elastometer.model.status import Status
from elastometer.plan import TestPlan
from elastometer.world.bundle_reader import load_bundle
from elastometer.world.cluster import Cluster
from support.daemon_run import ENVIRONMENT, Run

SPACE = "/namespaces/lab"
OLD = {"apiVersion": "elastometer.dev/v1alpha1", "kind": "ElasticityTest", "name": "demo", "uid": "before"}


@pytest.fixture
def run(world: Any, tmp_path: Path, demo_body: dict[str, Any]) -> Run:
    demo_body["metadata"].update(namespace="lab", name="demo", uid="11111111-now")
    return Run(world, tmp_path, demo_body)


def child(name: str, kind: str) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "uid": name, "ownerReferences": [OLD]}}


async def test_nothing_that_a_deleted_test_of_the_same_name_left_is_adopted(run: Run) -> None:
    secrets, deployments = f"/api/v1{SPACE}/secrets", f"/apis/apps/v1{SPACE}/deployments"
    await run.world.api.put(secrets, child("demo-load", "Secret"))
    await run.world.api.put(deployments, child("demo-server", "Deployment"))
    await run.world.api.put(f"/api/v1{SPACE}/pods", child("demo-server-a", "Pod"))
    await run.until(lambda: run.condition("Accepted"))
    assert run.condition("Accepted")["reason"] == "NotBegun"
    for left in ("Deployment/demo-server", "Pod/demo-server-a", "Secret/demo-load"):
        assert left in run.condition("Accepted")["message"]
    assert run.world.api.objects[secrets]["demo-load"]["metadata"]["uid"] == "demo-load"


async def test_a_test_begins_once_its_namesake_is_gone(run: Run) -> None:
    secrets = f"/api/v1{SPACE}/secrets"
    await run.world.api.put(secrets, child("demo-load", "Secret"))

    async def collect_garbage() -> None:
        while not run.condition("Accepted"):
            await asyncio.sleep(0.001)
        await run.world.api.remove(secrets, "demo-load")

    collecting = asyncio.create_task(collect_garbage())
    await run.until(lambda: run.condition("Accepted").get("reason") not in (None, "NotBegun"))
    await collecting
    owners = run.world.api.objects[secrets]["demo-load"]["metadata"]["ownerReferences"]
    assert [owner["uid"] for owner in owners] == ["11111111-now"]


async def test_each_action_and_each_changed_condition_is_one_line_with_its_facts(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """No node has a GPU, so the preflight ends the run: one action, then a condition for each thing that changed."""
    with caplog.at_level(logging.INFO, logger="elastometer.controller"):
        await run.until(lambda: "completionTime" in run.last)
    facts = [vars(record) for record in caplog.records if record.msg in ("acting", "condition changed")]
    assert facts
    assert {(fact["namespace"], fact["test"]) for fact in facts} == {("lab", "demo")}
    acted = [fact["action"] for fact in facts if fact["msg"] == "acting"]
    assert acted == ["Preflight", "Judge"]
    changes = [fact for fact in facts if fact["msg"] == "condition changed"]
    changed = [(fact["condition"], fact["status"], fact["reason"]) for fact in changes]
    assert changed[:3] == [
        ("Succeeded", "Unknown", "Running"),
        ("Succeeded", "False", "InsufficientCapacity"),
        ("Accepted", "False", "InsufficientCapacity"),
    ]
    assert len(changed) == len(set(changed))


async def test_an_object_of_somebody_else_is_never_taken_for_the_tests_own(run: Run) -> None:
    foreign = {"kind": "Secret", "metadata": {"name": "demo-load", "uid": "s"}, "data": {"token": "c2VjcmV0"}}
    await run.world.api.put(f"/api/v1{SPACE}/secrets", foreign)
    await run.until(lambda: run.condition("Accepted"))
    assert run.condition("Accepted")["reason"] == "NotBegun"
    assert "demo-load" in run.condition("Accepted")["message"]


def ready_pod() -> dict[str, Any]:
    labels = {"elastometer.dev/test": "demo", "app.kubernetes.io/component": "server"}
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-21T05:00:05Z"}
    return {"metadata": {"name": "demo-server-a", "uid": "p", "labels": labels}, "status": {"conditions": [ready]}}


async def play_the_cluster(run: Run) -> None:
    """The part of the controllers: a pod for the Deployment, an end for the Job."""
    objects, jobs = run.world.api.objects, f"/apis/batch/v1{SPACE}/jobs"
    while not objects.get(f"/apis/apps/v1{SPACE}/deployments"):
        await asyncio.sleep(0.001)
    await run.world.api.put(f"/api/v1{SPACE}/pods", ready_pod())
    while not objects.get(jobs):
        await asyncio.sleep(0.001)
    start = {"startTime": run.world.clock.now().isoformat()}
    directory = run.context.data / "runs/lab/demo-11111111"
    (directory / "start.json").write_bytes(orjson.dumps(start))
    while run.last.get("phase") != "Loading":
        await asyncio.sleep(0.001)
    over = {"type": "Complete", "status": "True", "lastTransitionTime": "2026-11-21T05:03:00Z"}
    await run.world.api.put(jobs, {**objects[jobs]["demo-load"], "status": {"conditions": [over]}})


def let_prometheus_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The preflight's ping; queries find nobody, and are tried once."""
    async def answers(_: Any) -> None: ...

    monkeypatch.setattr("elastometer.world.prometheus.Prometheus.ping", answers)
    monkeypatch.setattr("elastometer.world.prometheus.ATTEMPTS", 1)


async def play_to_the_end(run: Run) -> None:
    playing = asyncio.create_task(play_the_cluster(run))
    await run.until(lambda: "completionTime" in run.last)
    await playing


async def test_a_finished_run_leaves_its_report_and_its_token_and_nothing_else(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_prometheus_answer(monkeypatch)
    run.body["spec"]["autoscaler"] = {"type": "None"}
    run.body["spec"]["measurement"]["capacityCheck"] = "Skip"
    await play_to_the_end(run)
    assert run.condition("Succeeded")["status"] == "True", run.last
    assert run.last["verdict"] == "Inconclusive"  # nobody sent a request
    assert run.last["reportRef"] == {"name": "demo-report"}
    left = {name for path, items in run.world.api.objects.items() for name in items if "/pods" not in path}
    assert left == {"demo-report", "demo-load"}
    assert list(run.world.api.objects[f"/api/v1{SPACE}/secrets"]) == ["demo-load"]


async def test_a_finished_run_has_asked_every_query_of_the_tool_and_of_the_team(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_prometheus_answer(monkeypatch)
    run.body["spec"]["autoscaler"] = {"type": "None"}
    own = {"name": "power", "unit": "W", "query": 'power{namespace="$namespace",pod=~"$pods",service="$service"}'}
    run.body["spec"]["measurement"] |= {"capacityCheck": "Skip", "series": [own]}
    await play_to_the_end(run)
    asked = {one.name: one for one in load_bundle(run.context.data / "runs/lab/demo-11111111").series}
    assert set(asked) == {*SeriesName, "power"}
    assert asked["power"].query == 'power{namespace="lab",pod=~"demo-server-.+",service="demo-server"}'
    assert {one.outcome for one in asked.values()} == {SeriesOutcome.QUERY_FAILED}  # nobody listens there


async def test_a_query_that_is_none_is_refused_before_anything_is_created(run: Run) -> None:
    run.body["spec"]["measurement"]["series"] = [{"name": "power", "unit": "W", "query": "sum(power"}]
    await run.until(lambda: "completionTime" in run.last)
    accepted = run.condition("Accepted")
    assert (accepted["status"], accepted["reason"]) == ("False", "SpecInvalid")
    assert "spec.measurement.series[0].query: must be a query in PromQL" in accepted["message"]


async def test_a_deployment_of_somebody_else_ends_the_test_and_stays(run: Run) -> None:
    deployments = f"/apis/apps/v1{SPACE}/deployments"
    meta = {"name": "demo-server", "namespace": "lab", "uid": "s"}
    foreign = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {"replicas": 3}}
    await run.world.api.put(deployments, foreign)
    run.body["spec"]["measurement"]["capacityCheck"] = "Skip"
    await run.until(lambda: "completionTime" in run.last)
    assert run.condition("Succeeded")["reason"] == "TargetRejected"
    assert "is not this test's" in run.condition("Accepted")["message"]
    assert run.world.api.objects[deployments]["demo-server"]["metadata"]["uid"] == "s"
    assert run.condition("CleanedUp") == {}  # it is not the test's to remove, so nothing is stuck


async def test_an_object_that_replaced_a_child_under_its_name_is_not_deleted(run: Run) -> None:
    services = f"/api/v1{SPACE}/services"
    meta = {"name": "demo-server", "namespace": "lab", "uid": "new"}
    head = {"apiVersion": "v1", "kind": "Service", "metadata": meta}
    await run.world.api.put(services, head)
    await run.cluster.delete({**head, "metadata": {**meta, "uid": "old"}})
    assert list(run.world.api.objects[services]) == ["demo-server"]
    await run.cluster.delete(head)
    assert list(run.world.api.objects[services]) == []


async def test_a_deletion_names_the_uid_of_what_may_be_deleted() -> None:
    asked: list[Any] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.method, request.path, await request.json()))
        return web.json_response({})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server, ApiClient(Configuration(host=str(server.make_url("")).rstrip("/"))) as client:
        meta = {"name": "demo-files", "namespace": "lab", "uid": "u"}
        await Cluster(client).delete({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
    assert asked == [("DELETE", f"/api/v1{SPACE}/configmaps/demo-files", {
        "kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background", "preconditions": {"uid": "u"},
    })]


TRACE_FILE = """Timestamp,Request tokens,Response tokens
5,472,18
45.5,1087,230
"""


def with_trace(run: Run) -> str:
    """The demo with a trace from a ConfigMap; the path of the ConfigMaps."""
    stage = {"name": "replay", "type": "Trace", "file": "burst.csv", "format": "BurstGPT"}
    run.body["spec"]["load"].update(stages=[stage], filesFrom={"configMapRef": {"name": "traces"}})
    run.body["spec"]["measurement"]["capacityCheck"] = "Skip"
    run.body["spec"]["autoscaler"] = {"type": "None"}
    run.body["spec"].pop("objectives")
    return f"/api/v1{SPACE}/configmaps"


async def test_a_missing_or_bad_file_ends_the_run_before_anything_is_made(run: Run) -> None:
    maps = with_trace(run)
    await run.until(lambda: "completionTime" in run.last)
    assert run.condition("Accepted")["reason"] == run.condition("Succeeded")["reason"] == "LoadFilesMissing"
    assert "kubectl -n lab create configmap traces --from-file=burst.csv" in run.condition("Accepted")["message"]
    assert f"/apis/apps/v1{SPACE}/deployments" not in run.world.api.objects
    assert f"/apis/batch/v1{SPACE}/jobs" not in run.world.api.objects
    assert set(run.world.api.objects[maps]) <= {"demo-report"}


async def test_a_config_map_of_somebody_else_with_a_childs_name_outlives_a_test_that_never_began(run: Run) -> None:
    maps = with_trace(run)
    meta = {"name": "demo-files", "namespace": "lab", "uid": "s"}
    foreign = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"precious": "x"}}
    await run.world.api.put(maps, foreign)
    await run.until(lambda: "completionTime" in run.last)
    assert run.condition("Succeeded")["reason"] == "LoadFilesMissing"
    assert run.world.api.objects[maps]["demo-files"]["data"] == {"precious": "x"}


@pytest.mark.parametrize("name", ["demo-files", "demo-load", "demo-report"])
async def test_files_from_a_config_map_of_a_childs_name_are_refused_and_it_stays(run: Run, name: str) -> None:
    maps = with_trace(run)
    run.body["spec"]["load"]["filesFrom"] = {"configMapRef": {"name": name}}
    source = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "lab", "uid": "s"},
              "data": {"burst.csv": TRACE_FILE}}
    await run.world.api.put(maps, source)
    await run.until(lambda: "completionTime" in run.last)
    assert run.condition("Accepted")["reason"] == "SpecInvalid"
    assert run.condition("Accepted")["message"] == (
        "spec.load.filesFrom.configMapRef.name: must not be a ConfigMap that the test creates itself (demo-load, "
        f"demo-files, demo-report), is {name}; give yours another name"
    )
    assert run.world.api.objects[maps] == {name: source}


async def test_a_file_that_is_no_trace_ends_the_run_with_its_line(run: Run) -> None:
    maps = with_trace(run)
    text = TRACE_FILE.replace("1087", "many")
    await run.world.api.put(maps, {"kind": "ConfigMap", "metadata": {"name": "traces"}, "data": {"burst.csv": text}})
    await run.until(lambda: "completionTime" in run.last)
    assert run.condition("Accepted")["reason"] == "LoadFilesInvalid"
    assert run.condition("Accepted")["message"] == (
        "spec.load.stages[0].file burst.csv line 3: Request tokens must be a number of tokens of at least 0; got "
        '"many"'
    )


async def test_the_run_uses_what_a_file_said_before_the_run_even_if_it_changes_later(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_prometheus_answer(monkeypatch)
    maps, objects = with_trace(run), run.world.api.objects
    source = {"kind": "ConfigMap", "metadata": {"name": "traces"}, "data": {"burst.csv": TRACE_FILE, "more": "x"}}
    await run.world.api.put(maps, source)
    playing = asyncio.create_task(play_the_cluster(run))
    copies: list[Any] = []

    def is_loading() -> bool:
        copies[:] = [objects[maps].get("demo-files")]
        return run.last.get("phase") == "Loading"

    await run.until(is_loading)
    playing.cancel()
    assert copies[0]["data"] == {"burst.csv": TRACE_FILE}
    assert run.condition("LoadDelivered")["message"].startswith("41 s of load began at ")
    objects[maps]["traces"]["data"] = {}
    parsers: list[threading.Thread] = []

    def read(*given: Any) -> Any:
        parsers.append(threading.current_thread())
        return with_files(*given)

    monkeypatch.setattr("elastometer.controller.session.with_files", read)
    again = Session(run.context, TestPlan(parse(run.body), ENVIRONMENT))
    await again.open(Status(start_time=run.world.clock.now()))
    assert again.plan.load_seconds == 41
    assert len(parsers) == 1
    assert parsers[0] is not threading.main_thread()  # a long trace must not hold up what serves the other tests
    assert again.store.read_json("plan.json")["stages"][0]["expectedRequests"] == 2.0
    await again.close()


async def test_an_error_in_the_operator_ends_the_run_with_a_reason_and_does_not_repeat(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elastometer.controller.daemon.decide", lambda *_: 1 / 0)
    await run.until(lambda: "completionTime" in run.last)
    assert run.condition("Succeeded")["reason"] == "OperatorFailed"
    assert "ZeroDivisionError" in run.condition("Succeeded")["message"]


@pytest.mark.parametrize("server", [{"env": 5}, {"env": [1]}, {"env": [{"value": "x"}]}, {"args": "x"}, {"args": [1, None]}, {"command": {}}, {"resources": 7}, {"resources": {"limits": {"nvidia.com/gpu": "²"}}}, {"resources": {"limits": {"nvidia.com/gpu": 1.5}}}])  # noqa: E501
async def test_a_nonsensical_pod_template_is_left_to_the_api_servers_refusal(run: Run, server: dict[str, Any]) -> None:
    containers = [{"name": "server", **server}]
    run.body["spec"]["target"]["server"]["podTemplate"] = {"spec": {"containers": containers, "initContainers": []}}
    await run.until(lambda: run.condition("Accepted") or "completionTime" in run.last)
    assert run.condition("Succeeded").get("reason") != "OperatorFailed"
    assert list((run.context.data / "runs/lab").iterdir())


async def test_a_spec_of_another_shape_than_the_schemas_is_invalid(run: Run) -> None:
    run.body["spec"]["autoscaler"] = ["HorizontalPodAutoscaler"]
    await run.until(lambda: "completionTime" in run.last)
    assert run.condition("Accepted")["reason"] == "SpecInvalid"


async def test_without_keda_the_preflight_reports_that_it_is_missing(run: Run) -> None:
    run.body["spec"]["autoscaler"] = {"type": "ScaledObject", "scaledObject": {"maxReplicaCount": 2, "triggers": []}}
    run.world.api.refused[f"/apis/keda.sh/v1alpha1{SPACE}/scaledobjects"] = 404
    await run.until(lambda: run.condition("Accepted"))
    assert run.condition("Accepted")["reason"] != "NotBegun"


async def test_a_finished_test_is_not_recorded_again_when_its_volume_was_lost(run: Run) -> None:
    session = Session(run.context, TestPlan(parse(run.body), ENVIRONMENT))
    now = run.world.clock.now()
    await session.open(Status(start_time=now, completion_time=now))
    assert session.recorder is None
    await session.close()


async def test_a_recorder_that_ended_is_followed_by_another(run: Run) -> None:
    session = Session(run.context, TestPlan(parse(run.body), ENVIRONMENT))
    await session.open(Status())
    first = session.recorder
    session._recording.cancel()
    await asyncio.wait([session._recording])
    await session.snapshot(run.world.clock.now(), cleaning=False)
    assert session.recorder is not first
    assert session.recorder.latest("Pod") == {}
    await session.close()


async def test_runs_whose_test_is_gone_are_swept_away_and_no_others(run: Run) -> None:
    here = Names("lab", "demo", "11111111-now")
    run.cluster.items = [run.body]
    for path in (here.run_directory, "runs/lab/demo-before", "runs/other/x-1"):
        (run.context.data / path / "workers").mkdir(parents=True)
    await orphans.sweep(run.context, "lab")
    assert sorted(p.name for p in run.context.data.glob("runs/*/*")) == ["demo-11111111", "x-1"]
    await orphans.sweep(run.context, None)
    assert [p.name for p in run.context.data.glob("runs/*/*")] == ["demo-11111111"]


async def test_a_deleted_test_takes_its_run_with_it(run: Run) -> None:
    here = Names("lab", "demo", "11111111-now")
    path = run.context.data / here.run_directory
    path.mkdir(parents=True)
    (path / "report.json").write_bytes(orjson.dumps({}))
    orphans.forget(run.context, here)
    assert not path.exists()
