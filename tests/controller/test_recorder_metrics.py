"""What the recorder reads from the metrics APIs when the autoscaler syncs, against an API server on loopback."""
from datetime import timedelta
from itertools import pairwise

import pytest

from elastometer.model.observation import MetricSample, MetricsSeen, observation_from
from elastometer.model.times import parse_instant
from elastometer.world.metrics_api.queries import queries_of
from support.recorded_world import NAMES

SPACE = "/namespaces/team"
HPAS = f"/apis/autoscaling/v2{SPACE}/horizontalpodautoscalers"
DEPLOYMENTS = f"/apis/apps/v1{SPACE}/deployments"
USAGE = f"/apis/metrics.k8s.io/v1beta1{SPACE}/pods"
WAITING = f"/apis/custom.metrics.k8s.io/v1beta2{SPACE}/pods/*/waiting"
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}
PODS = {"type": "Pods", "pods": {"metric": {"name": "waiting"}, "target": {"type": "AverageValue", "averageValue": 2}}}
EXTERNAL = {"type": "External", "external": {"metric": {"name": "queue"},
                                             "target": {"type": "Value", "value": 2}}}
OWNER = {"kind": "ElasticityTest", "name": NAMES.test, "uid": NAMES.uid}
TARGET = {"metadata": {"name": "shop-server", "uid": "d"}, "spec": {"selector": {"matchLabels": {"app": "shop"}}}}


def hpa(*metrics: dict, step: int = 1) -> dict:
    return {"metadata": {"name": "shop-server", "namespace": "team", "uid": "h", "ownerReferences": [OWNER]},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "shop-server"}, "metrics": [*metrics]},
            "status": {"desiredReplicas": step, "conditions": [{"type": "AbleToScale"}] if step else None}}


def serve_usage(world) -> None:
    world.api.objects[USAGE] = {"a": {
        "metadata": {"name": "a"}, "timestamp": "2026-11-21T04:59:50Z", "window": "15.05s",
        "containers": [{"name": "server", "usage": {"cpu": "148123456n", "memory": "1024Ki"}}]}}


def serve_waiting(world) -> None:
    world.api.objects[WAITING] = {"a": {
        "describedObject": {"kind": "Pod", "name": "a"}, "metric": {"name": "waiting"},
        "timestamp": "2026-11-21T04:59:59Z", "windowSeconds": 60, "value": "3500m"}}


async def test_the_usage_that_the_autoscaler_just_saw_is_recorded_as_served(world):
    serve_usage(world)
    await world.api.put(DEPLOYMENTS, TARGET)
    async with world.recording() as recorder:
        await recorder.synced(5)
        world.clock.advance(0.25)
        await world.api.put(HPAS, hpa(CPU))
        await world.until(lambda: world.seen("MetricsSeen"))
    [line] = world.seen("MetricsSeen")
    assert line == {
        "kind": "MetricsSeen", "receivedTime": "2026-11-21T05:00:00.250000Z", "sentTime": "2026-11-21T05:00:00.250000Z",
        "group": "metrics.k8s.io", "names": ["cpu"], "samples": [
            {"pod": "a", "container": "server", "name": "cpu", "value": "148123456n", "time": "2026-11-21T04:59:50Z",
             "window": "15.05s"}]}
    assert (USAGE, {"labelSelector": "app=shop"}) in world.api.asked
    seen = observation_from(line)
    assert isinstance(seen, MetricsSeen)
    assert seen.samples[0].window == 15_050_000_000


async def test_a_metric_of_pods_is_recorded_by_its_name(world):
    serve_waiting(world)
    await world.api.put(DEPLOYMENTS, TARGET)
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.api.put(HPAS, hpa(PODS))
        await world.until(lambda: world.seen("MetricsSeen"))
    seen = observation_from(world.seen("MetricsSeen")[0])
    assert isinstance(seen, MetricsSeen)
    assert (seen.group, seen.names, seen.error) == ("custom.metrics.k8s.io", ("waiting",), None)
    assert seen.samples == (MetricSample("a", "waiting", "3500m", "", seen.samples[0].at, 60_000_000_000),)


@pytest.mark.parametrize("status", [403, 404, 503])
async def test_an_answer_that_is_refused_is_recorded_as_the_answer(world, status: int):
    world.api.refused[USAGE] = status
    await world.api.put(DEPLOYMENTS, TARGET)
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.api.put(HPAS, hpa(CPU))
        await world.until(lambda: world.seen("MetricsSeen"))
        assert recorder.broken == {}
    assert world.seen("MetricsSeen")[0]["error"] == f"HTTP {status}: no"
    assert "samples" not in world.seen("MetricsSeen")[0]


async def test_no_metric_is_read_where_none_is_of_pods(world):
    await world.api.put(DEPLOYMENTS, TARGET)
    async with world.recording() as recorder:
        await recorder.synced(5)
        for step in range(1, 4):
            await world.api.put(HPAS, hpa(EXTERNAL, step=step))
            await world.until(lambda want=step: len(world.seen("HorizontalPodAutoscaler")) == want)
        await world.until(lambda: world.clock.seconds > 60, step=0.05)
    assert world.seen("MetricsSeen") == []
    assert [path for path, _ in world.api.asked if "metrics" in path] == []


async def test_a_sync_that_writes_nothing_is_read_when_it_is_due(world):
    serve_usage(world)
    await world.api.put(DEPLOYMENTS, TARGET)
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.api.put(HPAS, hpa(CPU))
        await world.until(lambda: len(world.seen("MetricsSeen")) == 4, step=0.02)
    times = [parse_instant(line["sentTime"]) for line in world.seen("MetricsSeen")]
    assert timedelta(seconds=15.2) < times[1] - times[0] < timedelta(seconds=15.8)
    for before, after in pairwise(times[1:]):
        assert timedelta(seconds=14.8) < after - before < timedelta(seconds=15.3)


async def test_an_autoscaler_without_a_sync_is_not_read_before_its_first_sync_is_due(world):
    serve_usage(world)
    await world.api.put(DEPLOYMENTS, TARGET)
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.api.put(HPAS, hpa(CPU, step=0))
        await world.until(lambda: world.clock.seconds > 14, step=0.05)
        assert world.seen("MetricsSeen") == []
        await world.api.put(HPAS, hpa(CPU))
        await world.until(lambda: world.seen("MetricsSeen"))
        assert world.clock.seconds < 15


async def test_an_autoscaler_that_syncs_each_second_is_read_eight_times_a_minute(world):
    serve_usage(world)
    await world.api.put(DEPLOYMENTS, TARGET)
    async with world.recording() as recorder:
        await recorder.synced(5)
        for step in range(1, 61):
            await world.api.put(HPAS, hpa(CPU, step=step))
            await world.until(lambda want=step: len(world.seen("HorizontalPodAutoscaler")) >= want)
            await world.until(lambda want=step: world.clock.seconds >= want, step=0.05)
    assert 6 <= len(world.seen("MetricsSeen")) <= 9


def test_resources_are_asked_for_once_and_each_metric_by_its_own_selector():
    narrowed = {"type": "Pods", "pods": {"metric": {"name": "errors", "selector": {
        "matchLabels": {"code": "500"}, "matchExpressions": [
            {"key": "zone", "operator": "In", "values": ["a", "b"]}, {"key": "canary", "operator": "DoesNotExist"}]}},
        "target": {"type": "AverageValue", "averageValue": 1}}}
    memory = {"type": "ContainerResource", "containerResource": {"name": "memory", "container": "server", "target": {}}}
    asked = queries_of(hpa(CPU, memory, narrowed, EXTERNAL), TARGET)
    assert [(one.group, one.names) for one in asked] == [
        ("metrics.k8s.io", ("cpu", "memory")), ("custom.metrics.k8s.io", ("errors",))]
    assert asked[1].parameters == {"labelSelector": "app=shop",
                              "metricLabelSelector": "code=500,zone in (a,b),!canary"}


def test_a_target_without_a_selector_is_asked_nothing_about():
    assert queries_of(hpa(CPU), {"metadata": {"name": "x"}, "spec": {}}) == ()
