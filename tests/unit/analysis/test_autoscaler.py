"""The syncs of a live HPA controller, rebuilt from what was watched: when, of what, and with which doubts."""
from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from elastometer.analysis.autoscaler.metrics import BETWEEN, NOT_RECORDED
from elastometer.analysis.autoscaler.recording import BEFORE, BROKEN, Unrecorded, recording_of
from elastometer.analysis.autoscaler.syncs import fitting_period
from elastometer.analysis.evidence.evidence import gather
from elastometer.hpa.recording import Recording
from elastometer.model.bundle import Bundle
from elastometer.model.observation import (
    MetricSample,
    MetricsSeen,
    ObjectKind,
    ObjectSeen,
    Observation,
    Sighting,
    WatchGap,
)
from elastometer.model.terms import Terms
from elastometer.model.units import SECOND, format_instant

ORIGIN = 1_800_000_000 * SECOND
PODS = {"type": "Pods", "pods": {
    "metric": {"name": "waiting"}, "target": {"type": "AverageValue", "averageValue": "2"}}}
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}
EXTERNAL = {"type": "External", "external": {
    "metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": "2"}}}
CONDITIONS = [{"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale"},
              {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound"}]


def at(seconds: float) -> int:
    return ORIGIN + round(seconds * SECOND)


def stamp(seconds: float) -> str:
    return format_instant(at(seconds), 0)


@dataclass
class Live:
    """What the watches of one run saw."""

    metric: dict[str, Any]
    lines: list[Observation] = field(default_factory=list)
    uid: str = "h"
    name: str = "demo-server"
    maximum: int = 10

    def see(self, seconds: float, kind: ObjectKind, sighting: Sighting, **item: Any) -> None:
        self.lines.append(ObjectSeen(at(seconds), kind, sighting, item))

    def hpa(self, seconds: float, sighting: Sighting = Sighting.MODIFIED, **status: Any) -> None:
        reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "demo-server"}
        spec = {"minReplicas": 1, "maxReplicas": self.maximum, "metrics": [self.metric], "scaleTargetRef": reference,
                "behavior": {"scaleUp": {"stabilizationWindowSeconds": 0, "policies": [
                    {"type": "Pods", "value": 9, "periodSeconds": 15}]}}}
        self.see(seconds, ObjectKind.AUTOSCALER, sighting, metadata={"name": self.name, "uid": self.uid}, spec=spec,
                 status=status)

    def sync(self, seconds: float, current: int, desired: int, value: dict[str, Any] | None, reason: str = "") -> None:
        """A write of the status at the end of a sync."""
        conditions = [{**CONDITIONS[0], "reason": reason or CONDITIONS[0]["reason"]}, CONDITIONS[1]]
        kind = self.metric["type"][:1].lower() + self.metric["type"][1:]
        metrics = [{"type": ""} if value is None else {"type": self.metric["type"], kind: {"current": value}}]
        self.hpa(seconds, currentReplicas=current, desiredReplicas=desired, currentMetrics=metrics,
                 conditions=conditions)

    def deployment(self, seconds: float, replicas: int, status: int | None = None) -> None:
        self.see(seconds, ObjectKind.DEPLOYMENT, Sighting.MODIFIED, metadata={"name": "demo-server", "uid": "d"},
                 spec={"replicas": replicas}, status={"replicas": replicas if status is None else status})

    def pod(self, name: str, seconds: float, ready: bool = True, phase: str = "Running", **metadata: Any) -> None:
        labels = {"elastometer.dev/test": "demo", "app.kubernetes.io/component": "server"}
        condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": stamp(seconds)}
        container = {"name": "server", "resources": {"requests": {"cpu": "150m"}}}
        self.see(seconds, ObjectKind.POD, Sighting.MODIFIED, metadata={"name": name, "labels": labels, **metadata},
                 spec={"containers": [container]},
                 status={"phase": phase, "startTime": stamp(seconds), "conditions": [condition]})

    def reading(self, seconds: float, group: str, name: str, values: dict[str, str], **more: Any) -> None:
        samples = tuple(MetricSample(pod, name, value, "server" if group == "metrics.k8s.io" else "",
                                     at(seconds - more.get("age", 1)), 15 * SECOND) for pod, value in values.items())
        self.lines.append(MetricsSeen(at(seconds), at(seconds), group, (name,), samples, more.get("error")))

    def recording(self) -> Recording:
        found = recording_of(gather(Bundle(Terms(test="demo"), start=ORIGIN, observations=tuple(self.lines))))
        assert isinstance(found, Recording), found
        return found


def live(metric: dict[str, Any], *pods: str) -> Live:
    """One replica a Pod, and an autoscaler that was made at -15 s."""
    run = Live(metric)
    for name in pods:
        run.pod(name, -40)
    run.deployment(-30, len(pods))
    run.hpa(-15, Sighting.ADDED)
    return run


def test_syncs_that_wrote_nothing_are_placed_between_the_writes_one_period_apart():
    run = live(PODS, "a")
    run.sync(0.02, 1, 1, {"averageValue": "0"})
    run.sync(60.1, 1, 1, {"averageValue": "1"})
    syncs = run.recording().syncs
    assert [sync.seen for sync in syncs] == [True, False, False, False, True]
    assert [sync.input.at for sync in syncs] == pytest.approx([0.02, 15.04, 30.06, 45.08, 60.1], abs=0.001)


def test_a_sync_that_wrote_nothing_saw_what_was_published_last_and_changed_nothing():
    run = live(PODS, "a")
    run.sync(0.02, 1, 1, {"averageValue": "1500m"})
    run.sync(30.05, 1, 1, {"averageValue": "1"})
    _, quiet, _ = run.recording().syncs
    assert [sample.value for sample in quiet.input.metrics[0].samples] == [1500]
    assert (quiet.observed.desired, quiet.observed.rescaled) == (1, False)
    assert quiet.observed.conditions is not None
    assert quiet.observed.conditions["AbleToScale"].reason == "ReadyForNewScale"


def test_a_rescale_is_dated_by_the_scale_and_starts_from_the_replicas_before_it():
    run = live(PODS, "a")
    run.sync(0.02, 1, 1, {"averageValue": "0"})
    run.deployment(15.03, 3, status=1)
    run.sync(15.06, 1, 3, {"averageValue": "6"}, "SucceededRescale")
    sync = run.recording().syncs[-1]
    assert (sync.input.at, sync.input.spec_replicas, sync.input.status_replicas) == (15.03, 1, 1)
    assert (sync.observed.desired, sync.observed.rescaled) == (3, True)


def test_a_late_line_does_not_put_two_syncs_closer_than_the_period():
    run = live(PODS, "a")
    for seconds, value in ((0.02, "0"), (15.14, "1"), (30.06, "0"), (45.08, "1")):
        run.sync(seconds, 1, 1, {"averageValue": value})
    times = [sync.input.at for sync in run.recording().syncs]
    assert times[1] == pytest.approx(15.059, abs=1e-6)
    assert all(later - earlier > 15 for earlier, later in pairwise(times))


def test_the_record_ends_before_a_sync_that_may_not_have_been_written_yet():
    run = live(PODS, "a")
    run.sync(0.02, 1, 1, {"averageValue": "0"})
    run.deployment(30.4, 1)
    assert [sync.seen for sync in run.recording().syncs] == [True, False]


def test_no_sync_comes_after_the_autoscaler_is_gone():
    run = live(PODS, "a")
    run.sync(0.02, 1, 1, {"averageValue": "0"})
    run.hpa(20, Sighting.DELETED)
    run.deployment(100, 1)
    assert len(run.recording().syncs) == 2


@pytest.mark.parametrize(("gaps", "seconds"), [
    ([15.03, 30.05, 45.06], 15), ([], 15), ([2.02, 4.05, 2.03], 2), ([5.02, 10.05, 15.03], 5),
    ([15.02] * 9 + [7.7], 15), ([15.02] * 4 + [7.7], 15), ([30.04, 60.1], 15), ([15.4, 61.6], 15),
])
def test_the_period_is_the_stated_one_unless_the_writes_say_otherwise(gaps: list[float], seconds: int):
    assert fitting_period([round(gap * SECOND) for gap in gaps], 15 * SECOND) == seconds * SECOND


def test_syncs_of_a_controller_delayed_between_two_writes_have_no_known_instant():
    """The machine stood still for four minutes: its syncs before that stay where they were."""
    run = live(PODS, "a")
    for step in range(4):
        run.sync(0.02 + 15.03 * step, 1, 1, {"averageValue": str(step % 2)})
    run.sync(45.11 + 252.3, 1, 1, {"averageValue": "0"})
    syncs = run.recording().syncs
    assert [sync.input.at for sync in syncs if sync.seen] == pytest.approx([0.02, 15.05, 30.08, 45.11, 297.41])
    held_up = [sync for sync in syncs if not sync.seen]
    assert len(held_up) == 15
    assert {sync.observed.desired for sync in held_up} == {None}
    assert held_up[0].doubts[0] == \
        "the writes around it are 252.3 s apart, which is not a multiple of the period of 15.03 s"
    assert BROKEN in syncs[-1].doubts


def test_nothing_is_known_of_a_sync_while_the_autoscaler_was_not_watched():
    run = live(PODS, "a")
    run.sync(0.02, 1, 1, {"averageValue": "0"})
    run.lines.append(WatchGap(at(20), "horizontalpodautoscalers", at(14), at(20), "cut"))
    run.sync(45.08, 1, 1, {"averageValue": "1"})
    _, hidden, quiet, _ = run.recording().syncs
    assert hidden.observed.desired is None
    assert hidden.doubts[0] == "the autoscaler was not watched (cut)"
    assert quiet.observed.desired == 1


def test_samples_are_those_of_the_reading_when_they_give_the_published_mean():
    run = live(PODS, "a", "b")
    run.sync(0.02, 2, 2, {"averageValue": "3500m"})
    run.reading(0.04, "custom.metrics.k8s.io", "waiting", {"a": "7", "b": "0"})
    [sync] = run.recording().syncs
    assert {sample.pod: sample.value for sample in sync.input.metrics[0].samples} == {"a": 7000, "b": 0}
    assert sync.doubts == ()


def test_values_that_changed_before_the_reading_are_made_to_give_the_published_mean():
    run = live(PODS, "a", "b")
    run.sync(0.02, 2, 2, {"averageValue": "3"})
    run.reading(0.04, "custom.metrics.k8s.io", "waiting", {"a": "6", "b": "2"})
    [sync] = run.recording().syncs
    values = [sample.value for sample in sync.input.metrics[0].samples]
    assert sum(values) // 2 == 3000
    assert sync.doubts == (BETWEEN,)


def test_of_two_readings_around_a_sync_the_one_that_gives_the_published_mean_counts():
    run = live(PODS, "a", "b")
    run.sync(0.02, 2, 2, {"averageValue": "4"})
    run.reading(-1, "custom.metrics.k8s.io", "waiting", {"a": "4"})
    run.reading(0.04, "custom.metrics.k8s.io", "waiting", {"a": "6", "b": "6"})
    [sync] = run.recording().syncs
    assert [sample.pod for sample in sync.input.metrics[0].samples] == ["a"]
    assert sync.doubts == ()


def test_a_reading_of_another_sync_says_little_about_requests_and_much_about_usage():
    """A controller that syncs each 5 s is read less often than it syncs."""
    waiting, usage = live(PODS, "a", "b"), live(CPU, "a", "b")
    waiting.sync(0.02, 2, 2, {"averageValue": "3"})
    waiting.reading(5.1, "custom.metrics.k8s.io", "waiting", {"a": "6"})
    usage.sync(0.02, 2, 2, {"averageValue": "60m", "averageUtilization": 40})
    usage.reading(4.02, "metrics.k8s.io", "cpu", {"a": "60m"})
    first, second = waiting.recording().syncs[0], usage.recording().syncs[0]
    assert [sample.pod for sample in first.input.metrics[0].samples] == ["a", "b"]
    assert first.doubts == (NOT_RECORDED,)
    assert [sample.pod for sample in second.input.metrics[0].samples] == ["a"]
    assert second.doubts == ("the metric was read 4.0 s from the sync",)


def test_a_share_of_the_request_is_met_with_the_mean_it_was_published_with():
    run = live(CPU, "a", "b")
    run.sync(0.02, 2, 2, {"averageValue": "100m", "averageUtilization": 67})
    run.reading(0.04, "metrics.k8s.io", "cpu", {"a": "150m", "b": "60m"})
    [sync] = run.recording().syncs
    total = sum(sample.value for sample in sync.input.metrics[0].samples)
    assert (total // 2, total * 100 // 300) == (100, 67)
    assert sync.input.pods[0].requests == {"cpu": 150}


def test_an_older_record_takes_the_ready_pods_for_those_with_a_sample_and_says_so():
    run = live(PODS, "a", "b")
    run.pod("c", -2, ready=False)
    run.sync(0.02, 3, 3, {"averageValue": "3"})
    [sync] = run.recording().syncs
    assert [sample.pod for sample in sync.input.metrics[0].samples] == ["a", "b"]
    assert sync.doubts[0] == NOT_RECORDED


def test_a_metric_that_the_controller_could_not_read_is_an_error_in_its_own_words():
    run = live(EXTERNAL, "a")
    run.sync(0.02, 1, 1, None)
    status = run.lines[-1]
    assert isinstance(status, ObjectSeen)
    status.object["status"]["conditions"][1] |= {"status": "False", "message": "no such metric"}  # type: ignore[index]
    [sync] = run.recording().syncs
    assert sync.input.metrics[0].error == "no such metric"


@pytest.mark.parametrize(("average", "replicas", "total", "doubtful"), [
    ("3334m", 3, 10_000, True), ("9667m", 3, 29_000, False), ("2500m", 4, 10_000, False), ("333m", 3, 999, False),
    ("0", 4, 0, False),
])
def test_a_sum_is_the_roundest_that_its_published_average_allows(
    average: str, replicas: int, total: int, doubtful: bool
):
    run = live(EXTERNAL, *"abcd"[:replicas])
    run.sync(0.02, replicas, replicas, {"averageValue": average})
    [sync] = run.recording().syncs
    assert sync.input.metrics[0].values == (total,)
    assert any("milli-units" in doubt for doubt in sync.doubts) == doubtful


def test_pods_are_as_they_were_at_the_sync():
    run = live(PODS, "a")
    run.pod("b", -5, ready=False, phase="Pending")
    run.pod("c", -3, deletionTimestamp=stamp(-3))
    run.see(-1, ObjectKind.POD, Sighting.DELETED, metadata={"name": "d", "labels": {}})
    run.pod("b", 5)
    run.sync(0.02, 2, 2, {"averageValue": "0"})
    pods = {pod.name: pod for pod in run.recording().syncs[0].input.pods}
    assert set(pods) == {"a", "b", "c"}
    assert (pods["b"].phase, pods["b"].ready) == ("Pending", False)
    assert pods["c"].deleting
    assert (pods["a"].start, pods["a"].ready_transition) == (-40, -40)


def test_requests_are_the_pods_own_or_the_sum_of_containers_and_sidecars():
    def container(name: str, **requests: str) -> dict[str, Any]:
        return {"name": name, "resources": {"requests": requests}}

    run = live(CPU)
    labels = {"elastometer.dev/test": "demo", "app.kubernetes.io/component": "server"}
    parts = {"containers": [container("server", cpu="150m", memory="1Ki"), container("other", cpu="1")],
             "initContainers": [container("first", cpu="9"),
                                {**container("proxy", cpu="50m"), "restartPolicy": "Always"}]}
    for name, own in (("a", {}), ("b", {"resources": {"requests": {"cpu": "2"}}})):
        run.see(-9, ObjectKind.POD, Sighting.ADDED, metadata={"name": name, "labels": labels}, spec={**parts, **own})
    run.sync(0.02, 2, 2, {"averageValue": "0", "averageUtilization": 0})
    first, second = run.recording().syncs[0].input.pods
    assert (first.requests, second.requests) == ({"cpu": 1200}, {"cpu": 2000})
    assert first.container_requests == {
        "server": {"cpu": 150, "memory": 1_024_000}, "other": {"cpu": 1000}, "proxy": {"cpu": 50}}


def test_a_pod_that_changed_just_before_the_sync_is_a_doubt():
    run = live(PODS, "a")
    run.pod("b", 0)
    run.sync(0.02, 2, 2, {"averageValue": "0"})
    assert run.recording().syncs[0].doubts[-1] == "Pod b changed within 50 ms before the sync"


def test_an_autoscaler_older_than_the_record_has_an_unknown_memory():
    run = Live(PODS)
    run.pod("a", -40)
    run.deployment(-30, 1)
    run.hpa(-20, Sighting.LISTED)
    run.sync(0.02, 1, 1, {"averageValue": "0"})
    run.sync(330.4, 1, 1, {"averageValue": "1"})
    doubted = [BEFORE in sync.doubts for sync in run.recording().syncs]
    assert doubted == [True] * 20 + [False] * 3  # 300 s of stabilization, which is the default


def test_a_controller_that_syncs_out_of_turn_may_have_lost_its_memory():
    run = live(PODS, "a")
    for step in range(12):
        run.sync(0.02 + 15.02 * step, 1, 1, {"averageValue": str(step % 2)})
    for step in range(30):
        run.sync(172.6 + 15.02 * step, 1, 1, {"averageValue": str(step % 2)})
    syncs = run.recording().syncs
    assert [BROKEN in sync.doubts for sync in syncs] == [False] * 12 + [True] * 20 + [False] * 10


def test_without_an_autoscaler_or_a_write_of_it_there_is_a_reason_instead():
    nothing = recording_of(gather(Bundle(Terms(test="demo"))))
    assert nothing == Unrecorded("no HorizontalPodAutoscaler was seen")
    run = live(PODS, "a")
    silent = recording_of(gather(Bundle(Terms(test="demo"), observations=tuple(run.lines))))
    assert isinstance(silent, Unrecorded)
    assert "wrote no status" in silent.reason


@pytest.mark.parametrize(("longer", "maximum"), [("first", 3), ("second", 8)])
def test_a_recreated_autoscaler_is_replayed_with_the_spec_of_each_incarnation(
    longer: str, maximum: int,
):
    run = live(PODS, "a")
    run.lines.pop()
    begin = {"first": (0, 7 * 15.02), "second": (0, 3 * 15.02)}[longer]
    for uid, most, made in zip(("h1", "h2"), (3, 8), begin, strict=True):
        run.uid, run.maximum = uid, most
        run.hpa(made - 15, Sighting.ADDED)
        for step in range(5 if (uid == "h1") is (longer == "first") else 2):
            run.sync(made + 0.02 + 15.02 * step, 1, 1, {"averageValue": str(step % 2)})
        if uid == "h1":
            run.hpa(begin[1] - 16, Sighting.DELETED)
    found = run.recording()
    assert found.spec.maximum == maximum
    assert sum(sync.seen for sync in found.syncs) == 5
    assert not any("spec was changed" in doubt for sync in found.syncs for doubt in sync.doubts)


def test_an_autoscaler_of_another_name_stands_in_only_where_it_is_the_only_one():
    run = Live(PODS, name="mine")
    run.hpa(0, Sighting.ADDED)
    alone = gather(Bundle(Terms(test="demo"), start=ORIGIN, observations=tuple(run.lines)))
    assert [seen.name for seen in alone.autoscalers] == ["mine"]
    run.name, run.uid = "yours", "h2"
    run.hpa(1, Sighting.ADDED)
    both = gather(Bundle(Terms(test="demo"), start=ORIGIN, observations=tuple(run.lines)))
    assert recording_of(both) == Unrecorded("no HorizontalPodAutoscaler was seen")
    run.name, run.uid = "demo-server", "h3"
    run.hpa(2, Sighting.ADDED)
    named = gather(Bundle(Terms(test="demo"), start=ORIGIN, observations=tuple(run.lines)))
    assert [seen.name for seen in named.autoscalers] == ["demo-server"]
