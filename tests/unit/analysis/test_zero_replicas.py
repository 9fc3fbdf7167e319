"""At zero replicas the API server leaves out what is 0: who wrote it, and what the HPA's controller found."""
from __future__ import annotations

from typing import Any

import pytest

from elastometer.analysis.analyze import judge
from elastometer.analysis.autoscaler.recording import recording_of
from elastometer.analysis.evidence.evidence import gather
from elastometer.analysis.evidence.scaling import changes
from elastometer.hpa.recording import Recording
from support.from_zero import bundle, deployment, line, text

METRIC = {"type": "External", "external": {
    "metric": {"name": "s0-prometheus"}, "target": {"type": "AverageValue", "averageValue": "2"}}}
SPEC = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "demo-server"}, "minReplicas": 1,
        "maxReplicas": 3, "metrics": [METRIC]}
DISABLED = [{"type": "AbleToScale", "status": "True", "reason": "SucceededGetScale"},
            {"type": "ScalingActive", "status": "False", "reason": "ScalingDisabled"}]


def hpa(seconds: float, sighting: str, **status: Any) -> Any:
    return line("HorizontalPodAutoscaler", seconds, sighting, {
        "metadata": {"name": "demo-server", "uid": "h", "ownerReferences": [{"uid": "t"}]}, "spec": SPEC,
        "status": status})


def test_a_sync_at_zero_replicas_is_dated_by_its_own_write_and_found_none() -> None:
    """KEDA removes the last replica at 14.7 s; the HPA syncs at 15.0 s and writes no currentReplicas."""
    seen = (deployment(-5, 1, "ADDED"), hpa(0, "ADDED"), deployment(14.7, 0),
            hpa(15, "MODIFIED", desiredReplicas=0, conditions=DISABLED))
    recording = recording_of(gather(bundle(*seen, requests=())))
    assert isinstance(recording, Recording)
    [sync] = [one for one in recording.syncs if one.seen]
    assert (sync.input.at, sync.input.spec_replicas) == (15.0, 0)
    account = judge(bundle(*seen, requests=())).autoscaler
    assert account.fidelity is not None
    assert (account.fidelity.seen, account.fidelity.misses) == (1, ())


@pytest.mark.parametrize(("kind", "message", "before", "after", "reason"), [
    ("KEDAScaleTargetActivated", "Scaled apps/v1.Deployment lab/demo-server from 0 to 1, triggered by s0-prometheus",
     0, 1, "triggered by s0-prometheus"),
    ("KEDAScaleTargetActivated", "Scaled apps/v1.Deployment lab/demo-server from 0 to 1", 0, 1, "a trigger is active"),
    ("KEDAScaleTargetDeactivated", "Deactivated apps/v1.Deployment lab/demo-server from 1 to 0", 1, 0,
     "no trigger is active"),
])
def test_what_keda_writes_has_the_writer_and_the_reason_of_its_own_event(
    kind: str, message: str, before: int, after: int, reason: str
) -> None:
    event = line("Event", 6.1, "ADDED", {
        "metadata": {"name": "e"}, "involvedObject": {"kind": "ScaledObject", "name": "demo-server"}, "reason": kind,
        "message": message, "eventTime": text(6), "reportingComponent": "keda-operator"})
    seen = (deployment(-5, before, "ADDED"), deployment(6.02, after), event)
    [change] = changes(gather(bundle(*seen, requests=())))
    assert (change.writer, change.reason) == ("keda-operator", reason)
    assert change.written is not None
