"""The recorder against an API server that lists, watches, expires, breaks off and comes back, on loopback."""
import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from elastometer.model.errors import WorldError
from elastometer.model.times import parse_instant
from elastometer.world.recorder import Recorder
from elastometer.world.run_store import RunStore

PODS = "/api/v1/namespaces/team/pods"
EVENTS = "/api/v1/namespaces/team/events"
NODES = "/api/v1/nodes"
HPAS = "/apis/autoscaling/v2/namespaces/team/horizontalpodautoscalers"
SCALED_OBJECTS = "/apis/keda.sh/v1alpha1/namespaces/team/scaledobjects"
DEPLOYMENTS = "/apis/apps/v1/namespaces/team/deployments"


def pod(name: str, **more: object) -> dict:
    return {"metadata": {"name": name, "uid": f"uid-{name}", "managedFields": [{"x": 1}]}, "spec": {}, **more}


async def test_listed_objects_are_distinguished_from_changes(world):
    await world.api.put(PODS, pod("a"))
    async with world.recording() as recorder:
        await recorder.synced(5)
        assert world.types("Pod") == [("LISTED", "a")]
        recorder.changed.clear()
        world.clock.advance(0.5)
        await world.api.put(PODS, pod("b"))
        await world.until(lambda: len(world.seen("Pod")) == 2)
        assert recorder.changed.is_set()
        assert set(recorder.latest("Pod")) == {"a", "b"}
        await world.api.remove(PODS, "a")
        await world.until(lambda: len(world.seen("Pod")) == 3)
        assert world.types("Pod")[1:] == [("ADDED", "b"), ("DELETED", "a")]
        assert set(recorder.latest("Pod")) == {"b"}
        assert world.seen("Pod")[1]["receivedTime"] == "2026-11-21T05:00:00.500000Z"
    assert world.seen("WatchGap") == []
    assert "managedFields" not in world.seen("Pod")[0]["object"]["metadata"]


async def test_a_line_of_a_megabyte_is_one_observation(world):
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.api.put(PODS, pod("a", padding="x" * (1 << 20)))
        await world.until(lambda: world.seen("Pod"))
        assert len(recorder.latest("Pod")["a"]["padding"]) == 1 << 20


async def test_an_expired_watch_lists_again_and_names_the_gap(world):
    """a changes, b vanishes and c appears while nothing is watched; d is as it was."""
    for name in "abd":
        await world.api.put(PODS, pod(name))
    async with world.recording() as recorder:
        await recorder.synced(5)
        world.clock.advance(10)
        await world.api.put(PODS, pod("d"))
        await world.until(lambda: ("MODIFIED", "d") in world.types("Pod"))
        world.api.refused[PODS] = 503
        world.api.drop(PODS)
        await world.until(lambda: "pods" in recorder.broken)
        await world.api.put(PODS, pod("a"))
        await world.api.remove(PODS, "b")
        await world.api.put(PODS, pod("c"))
        world.api.expire()
        before = len(world.seen("Pod"))
        del world.api.refused[PODS]
        await world.until(lambda: ("LISTED", "c") in world.types("Pod"), step=0.005)
        assert sorted(world.types("Pod")[before:]) == [("DELETED", "b"), ("LISTED", "a"), ("LISTED", "c")]
        gaps = [gap for gap in world.seen("WatchGap") if gap["resource"] == "pods"]
        assert gaps[0]["from"] == "2026-11-21T05:00:10.000000Z"
        assert all(one["to"] == other["from"] for one, other in pairwise(gaps))
        assert {one["receivedTime"] for one in world.seen("Pod")[before:]} == {gaps[-1]["to"]}
        await world.until(lambda: not recorder.broken, step=0.005)
        assert set(recorder.latest("Pod")) == {"a", "c", "d"}


async def test_a_lost_connection_misses_no_change_and_dates_none_of_the_gap(world):
    await world.api.put(PODS, pod("a"))
    async with world.recording() as recorder:
        await recorder.synced(5)
        world.api.drop(PODS)
        await world.until(lambda: "pods" in recorder.broken)
        await world.api.put(PODS, pod("a", step=1))
        await world.api.put(PODS, pod("short-lived"))
        await world.api.remove(PODS, "short-lived")
        await world.until(lambda: ("DELETED", "short-lived") in world.types("Pod"), step=0.005)
        assert world.types("Pod")[1:] == [("LISTED", "a"), ("LISTED", "short-lived"), ("DELETED", "short-lived")]
        gap = world.seen("WatchGap")[-1]
        assert {one["receivedTime"] for one in world.seen("Pod")[1:]} == {gap["to"]}
        world.clock.advance(5)
        await world.api.put(PODS, pod("a", step=2))
        await world.until(lambda: ("MODIFIED", "a") in world.types("Pod"))
        assert parse_instant(world.seen("Pod")[-1]["receivedTime"]) >= parse_instant(gap["to"]) + timedelta(seconds=5)


async def test_a_watch_that_the_server_ends_in_time_is_no_gap(world):
    """The server ends the stream after its five minutes: the next watch resumes from the last version seen."""
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.api.put(PODS, pod("a"))
        await world.until(lambda: world.seen("Pod"))
        before = len(world.api.streams)
        await world.api.end(PODS)
        await world.until(lambda: len(world.api.streams) > before)
        assert world.api.asked[-1][1]["resourceVersion"] == str(world.api.version)
        assert (recorder.broken, world.seen("WatchGap")) == ({}, [])


async def test_what_cannot_be_watched_is_named_when_time_is_up(world):
    world.api.refused[DEPLOYMENTS] = 500
    async with world.recording() as recorder:
        await world.until(lambda: "deployments" in recorder.broken)
        with pytest.raises(WorldError, match=r"not watched are deployments \(Unavailable: HTTP 500: no\)"):
            await recorder.synced(0.05)
        del world.api.refused[DEPLOYMENTS]
        await world.until(lambda: not recorder.broken, step=0.005)
        await recorder.synced(5)


async def test_nodes_that_may_not_be_read_do_not_hold_up_a_run(world):
    world.api.refused[NODES] = 403
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.until(lambda: (world.directory / "heartbeat.json").exists())
        assert "nodes" in recorder.broken


async def test_the_heartbeat_stops_while_a_watch_is_down(world):
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.until(lambda: (world.directory / "heartbeat.json").exists())
        world.api.refused[PODS] = 503
        world.api.drop(PODS)
        await world.until(lambda: "pods" in recorder.broken)
        before = (world.directory / "heartbeat.json").read_bytes()
        for _ in range(100):
            world.clock.advance(0.1)
            await asyncio.sleep(0)
        assert (world.directory / "heartbeat.json").read_bytes() == before


async def test_a_restart_is_a_gap_from_the_last_heartbeat_until_all_is_watched(world):
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.until(lambda: (world.directory / "heartbeat.json").exists())
    world.clock.advance(30)
    await world.api.put(PODS, pod("a"))
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.until(lambda: world.seen("WatchGap"))
        gap = world.seen("WatchGap")[-1]
        assert (gap["resource"], gap["reason"]) == ("*", "operator restarted")
        assert (gap["from"], gap["to"]) == ("2026-11-21T05:00:00.000000Z", "2026-11-21T05:00:30.000000Z")
        assert world.types("Pod") == [("LISTED", "a")]


async def test_a_stall_of_the_operator_itself_is_a_gap(world):
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.until(lambda: world.clock.sleeping == 2)  # the heartbeat, and the samples of the server's clock
        world.clock.advance(7)
        await world.until(lambda: world.seen("WatchGap"))
        assert world.seen("WatchGap")[0]["reason"] == "the operator was stalled"


async def test_a_nodes_capacity_is_observed_and_its_heartbeat_is_not(world):
    def node(beat: int, gpus: int) -> dict:
        return {"metadata": {"name": "n", "uid": "u", "labels": {"secret-label": "x", "nvidia.com/gpu.product": "L4"}},
                "spec": {}, "status": {"capacity": {"nvidia.com/gpu": str(gpus)}, "conditions": [
                    {"type": "Ready", "status": "True", "lastHeartbeatTime": beat}]}}
    await world.api.put(NODES, node(1, 1))
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.api.put(NODES, node(2, 1))
        await world.api.put(NODES, node(3, 2))
        await world.until(lambda: len(world.seen("Node")) == 2)
        assert [one["object"]["status"]["capacity"]["nvidia.com/gpu"] for one in world.seen("Node")] == ["1", "2"]
        assert world.seen("Node")[0]["object"]["metadata"]["labels"] == {"nvidia.com/gpu.product": "L4"}


async def test_only_events_about_the_test_are_kept(world):
    def event(name: str, about: str, kind: str = "Pod") -> dict:
        return {"metadata": {"name": name, "uid": name}, "involvedObject": {"name": about, "kind": kind}}
    await world.api.put(EVENTS, event("1", "shop-server-5d9-abc"))
    await world.api.put(EVENTS, event("2", "workshop-server"))
    async with world.recording(autoscaler_name="shop") as recorder:
        await recorder.synced(5)
        await world.api.put(EVENTS, event("3", "shop-serverless"))
        await world.api.put(EVENTS, event("4", "shop", "HorizontalPodAutoscaler"))
        await world.api.put(EVENTS, event("5", "shop", "Deployment"))
        await world.api.put(EVENTS, event("6", "shop-window"))
        await world.api.put(EVENTS, event("7", "shop-server-x"))
        await world.until(lambda: len(world.seen("Event")) == 3)
        assert set(recorder.latest("Event")) == {"1", "4", "7"}


async def test_secrets_in_a_pod_are_redacted(world):
    container = {"name": "server", "env": [{"name": "HF_TOKEN", "value": "hf_abc"}, {"name": "PORT", "value": "1"}],
                 "args": ["--api-key", "sk-1", "--api-key=sk-2", "--tokenizer", "auto", "--max-num-batched-tokens=9"]}
    await world.api.put(PODS, {**pod("a"), "spec": {"containers": [container]}})
    async with world.recording() as recorder:
        await recorder.synced(5)
        kept = recorder.latest("Pod")["a"]["spec"]["containers"][0]
        assert [one["value"] for one in kept["env"]] == ["(struck out)", "1"]
        assert kept["args"] == ["--api-key", "(struck out)", "--api-key=(struck out)", "--tokenizer", "auto",
                                "--max-num-batched-tokens=9"]
    assert b"hf_abc" not in (world.directory / "observations.jsonl").read_bytes()


async def test_the_servers_clock_is_sampled(world):
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.until(lambda: world.seen("ClockSample"))
        await world.until(lambda: len(world.seen("ClockSample")) == 2, step=0.1)
    assert world.seen("ClockSample")[0]["serverTime"] == "2026-11-21T05:00:00.000000Z"


async def test_a_server_that_hangs_without_closing_a_connection_is_a_gap(world):
    """Asked at 0 s, answered at 20 s: what the watches brought meanwhile may be late by as much."""
    world.api.answering.clear()
    async with world.recording() as recorder:
        await recorder.synced(5)
        recorder.note("Begun", "")
        await world.until(lambda: ("/version", {}) in world.api.asked)
        world.clock.advance(20)
        world.api.answering.set()
        found = "the API server did not answer"
        await world.until(lambda: any(gap["reason"] == found for gap in world.seen("WatchGap")))
    gap = next(gap for gap in world.seen("WatchGap") if gap["reason"] == found)
    assert gap["resource"] == "*"
    assert (parse_instant(gap["to"]) - parse_instant(gap["from"])).total_seconds() == 20


def autoscaler(name: str, owner: tuple[str, str, str], target: str = "shop-server") -> dict:
    kind, owner_name, uid = owner
    return {"metadata": {"name": name, "namespace": "team", "uid": name,
                         "ownerReferences": [{"kind": kind, "name": owner_name, "uid": uid}]},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": target}}}


async def test_a_keda_run_follows_the_autoscaler_that_its_scaled_object_owns_whatever_its_name(world):
    ours = ("ScaledObject", "shop-server", "s2")
    await world.api.put(SCALED_OBJECTS, {"metadata": {"name": "shop-server", "uid": "s2"}})
    async with world.recording(scaled_object=True) as recorder:
        await recorder.synced(5)
        assert recorder.autoscaler() is None
        await world.api.put(HPAS, autoscaler("of-others", ("ScaledObject", "other", "s9"), "other-server"))
        await world.api.put(HPAS, autoscaler("of-an-earlier-test", ("ScaledObject", "shop-server", "s1")))
        await world.api.put(HPAS, autoscaler("renamed", ours))
        await world.until(lambda: recorder.autoscaler())
        assert recorder.autoscaler()["metadata"]["name"] == "renamed"
        event = {"metadata": {"name": "1", "uid": "1"},
                 "involvedObject": {"kind": "HorizontalPodAutoscaler", "name": "renamed"}}
        await world.api.put(EVENTS, event)
        await world.until(lambda: world.seen("Event"))
    assert [name for _, name in world.types("HorizontalPodAutoscaler")] == ["of-an-earlier-test", "renamed"]


async def test_an_autoscaler_is_followed_until_it_is_deleted_whatever_it_scales_meanwhile(world):
    owner = ("ElasticityTest", "shop", world.names.uid)
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.api.put(HPAS, autoscaler("shop-server", owner))
        await world.until(lambda: recorder.autoscaler())
        await world.api.put(HPAS, autoscaler("shop-server", owner, "other-server"))
        await world.until(lambda: recorder.autoscaler() is None)
        await world.api.remove(HPAS, "shop-server")
        await world.until(lambda: len(world.seen("HorizontalPodAutoscaler")) == 3)
    assert [kind for kind, _ in world.types("HorizontalPodAutoscaler")] == ["ADDED", "MODIFIED", "DELETED"]


async def test_a_full_disk_ends_the_recording_with_what_to_do(world, monkeypatch):
    store = RunStore(world.directory)
    recorder = Recorder(world.client, world.names, store, world.clock)
    monkeypatch.setattr(store, "append_observation", lambda _: (_ for _ in ()).throw(WorldError("no space is left")))
    with pytest.raises(WorldError, match="no space is left"):
        await asyncio.wait_for(recorder.run(), 5)
