"""What the recorder saw of the synthetic run: objects as the API server sends them, events, logs, clock samples."""

from __future__ import annotations

import json
from typing import Any

from support.synthetic.script import (
    DECISIONS,
    ENGINE,
    LABELS,
    NAMESPACE,
    PODS,
    SERVER,
    SPEC,
    at,
    ready_times,
    second,
    stamp_of,
)


class Recorder:
    """Collects observation lines in order of receipt."""

    def __init__(self) -> None:
        self.lines: list[tuple[float, int, dict[str, Any]]] = []

    def see(self, received: float, kind: str, **fields: object) -> None:
        line = {"kind": kind, "receivedTime": at(received), **fields}
        self.lines.append((received, len(self.lines), line))

    def object(self, received: float, kind: str, sighting: str, body: dict[str, Any]) -> None:
        self.see(received, kind, type=sighting, object=json.loads(json.dumps(body)))

    def ordered(self) -> list[dict[str, Any]]:
        return [line for _, _, line in sorted(self.lines, key=lambda item: item[:2])]


def observe() -> list[dict[str, Any]]:
    """All that the recorder saw."""
    seen = Recorder()
    seen.see(-50, "Note", reason="Recording", message="watches are in place")
    for moment in (-50.0, 60.0, 170.0):
        seen.see(moment + 0.012, "ClockSample", sentTime=at(moment), serverTime=second(moment + 0.004))
    deployment(seen)
    autoscaler(seen)
    for index, (name, created, deleted, gone) in enumerate(PODS):
        pod(seen, index, name, created, deleted, gone)
    slices(seen)
    seen.see(0.0, "Note", reason="LoadStarted", message="both workers share this start")
    seen.see(240.0, "Note", reason="SettleEnded", message="scale-in was watched for 60 s")
    return seen.ordered()


def deployment(seen: Recorder) -> None:
    def body(replicas: int, manager: str) -> dict[str, Any]:
        return {
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": SERVER, "namespace": NAMESPACE, "uid": "dep-1", "labels": LABELS, "managedFields": [
                {"manager": "elastometer", "operation": "Apply", "time": second(-42.4),
                 "fieldsV1": {"f:spec": {"f:template": {}}}},
                # As the API server writes it for the scale subresource: without a time.
                {"manager": manager, "operation": "Update", "subresource": "scale",
                 "fieldsV1": {"f:spec": {"f:replicas": {}}}}]},
            "spec": {"replicas": replicas}, "status": {},
        }
    seen.object(-42.388, "Deployment", "ADDED", body(1, "elastometer"))
    for decided, _, after, _ in DECISIONS:
        for moment in (decided, decided + 0.048):
            seen.object(moment, "Deployment", "MODIFIED", body(after, "kube-controller-manager"))


def autoscaler(seen: Recorder) -> None:
    def body(current: int, desired: int, value: str, limited: tuple[str, str], able: str) -> dict[str, Any]:
        return {
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": SERVER, "namespace": NAMESPACE, "uid": "hpa-1"},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": SERVER, "apiVersion": "apps/v1"},
                     **SPEC["autoscaler"]["horizontalPodAutoscaler"]},
            "status": {"currentReplicas": current, "desiredReplicas": desired,
                       "currentMetrics": [{"type": "Pods", "pods": {
                           "metric": {"name": "vllm_num_requests_waiting"}, "current": {"averageValue": value}}}],
                       "conditions": [
                           {"type": "AbleToScale", "status": "True", "reason": able},
                           {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound"},
                           {"type": "ScalingLimited", "status": limited[0], "reason": limited[1]}]},
        }
    fine, limit, many = ("False", "DesiredWithinRange"), ("True", "ScaleUpLimit"), ("True", "TooManyReplicas")
    fresh: dict[str, Any] = body(0, 0, "0", fine, "SucceededGetScale")
    fresh["status"] = {"desiredReplicas": 0, "currentMetrics": None}
    seen.object(-31.778, "HorizontalPodAutoscaler", "ADDED", fresh)
    rescaled, held = "SucceededRescale", "ScaleDownStabilized"
    # A look every 15 s; one that would leave the status as it is writes nothing.
    looks = [(-16.770, 1, 1, "0", fine, held), (58.226, 1, 2, "5", limit, rescaled),
             (73.243, 2, 3, "9500m", limit, rescaled), (88.231, 3, 4, "4333m", many, rescaled),
             (103.240, 4, 4, "1", fine, held), (118.241, 4, 4, "500m", fine, held), (133.241, 4, 4, "0", fine, held),
             (193.252, 4, 2, "250m", fine, rescaled), (208.240, 2, 1, "0", fine, rescaled),
             (223.244, 1, 1, "0", fine, held)]
    for moment, current, wanted, value, limited, able in looks:
        seen.object(moment, "HorizontalPodAutoscaler", "MODIFIED", body(current, wanted, value, limited, able))
    for decided, _, after, reason in DECISIONS:
        event(seen, decided + 0.031, "HorizontalPodAutoscaler", SERVER, "hpa-1", "SuccessfulRescale",
              f"New size: {after}; reason: {reason}", f"rescale-{after}-{int(decided)}")


def event(seen: Recorder, moment: float, kind: str, about: str, uid: str, reason: str, text: str, name: str) -> None:
    seen.object(moment, "Event", "ADDED", {
        "metadata": {"name": name, "namespace": NAMESPACE, "uid": name},
        "involvedObject": {"kind": kind, "name": about, "uid": uid}, "reason": reason, "message": text,
        "type": "Normal", "count": 1, "firstTimestamp": second(moment - 0.01), "lastTimestamp": second(moment - 0.01)})


def pod(seen: Recorder, index: int, name: str, created: float, deleted: float | None, gone: float | None) -> None:
    uid, ip = f"pod-{index}", f"10.80.0.{11 + index}"
    bound, process = created + 0.021, created + 1.184
    up = process + ENGINE[-1][0]
    ready = up + 0.412
    meta: dict[str, Any] = {"name": name, "namespace": NAMESPACE, "uid": uid, "labels": LABELS,
                            "creationTimestamp": second(created)}
    spec: dict[str, Any] = {"containers": [{"name": "server", "image": "elastometer/standin:0.1.0",
                            "resources": {"limits": {"nvidia.com/gpu": "1"}}}]}
    body: dict[str, Any] = {"metadata": meta, "spec": spec, "status": {"phase": "Pending"}}
    seen.object(created, "Pod", "ADDED", body)
    spec["nodeName"] = "node-1"
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": second(bound)}
    body["status"] = {"phase": "Pending", "conditions": [scheduled]}
    seen.object(bound, "Pod", "MODIFIED", body)
    sandbox = {"type": "PodReadyToStartContainers", "status": "True", "lastTransitionTime": second(process + 0.5)}
    body["status"] = {
        "phase": "Running", "podIP": ip,
        "conditions": [scheduled, sandbox, {"type": "Ready", "status": "False", "reason": "ContainersNotReady",
                                            "lastTransitionTime": second(bound + 0.1)}],
        "containerStatuses": [{"name": "server", "restartCount": 0, "ready": False,
                               "imageID": "docker.io/elastometer/standin@sha256:" + "ab12" * 16,
                               "state": {"running": {"startedAt": second(process)}}}]}
    seen.object(process + 0.62, "Pod", "MODIFIED", body)
    text = ('Successfully pulled image "elastometer/standin:0.1.0" in 512ms (512ms including waiting). Image size: '
            "48211034 bytes.")
    if index > 0:
        text = 'Container image "elastometer/standin:0.1.0" already present on machine'
    event(seen, created + 0.914, "Pod", name, uid, "Pulled", text, f"{name}.pulled")
    event(seen, created + 1.021, "Pod", name, uid, "Started", "Container started", f"{name}.started")
    engine_log(seen, name, process)
    body["status"]["conditions"][2] = {"type": "Ready", "status": "True", "lastTransitionTime": second(ready)}
    body["status"]["containerStatuses"][0]["ready"] = True
    seen.object(ready, "Pod", "MODIFIED", body)
    if deleted is None or gone is None:
        return
    meta["deletionTimestamp"], meta["deletionGracePeriodSeconds"] = second(deleted + 40), 40
    seen.object(deleted, "Pod", "MODIFIED", body)
    body["status"]["conditions"][2] = {"type": "Ready", "status": "False", "lastTransitionTime": second(gone)}
    seen.object(gone, "Pod", "DELETED", body)


def engine_log(seen: Recorder, name: str, process: float) -> None:
    """The server's lines, as the kubelet stamps them."""
    for after, line in ENGINE:
        stamp = process + after
        prefix = "INFO:     " if line.startswith("Application") else f"INFO {stamp_of(stamp)} "
        seen.see(stamp + 0.006, "Log", pod=name, container="server", time=at(stamp)[:-1] + "481Z", line=prefix + line)


def slices(seen: Recorder) -> None:
    moments = sorted({moment for _, up, down in ready_times() for moment in (up, down) if moment < 1e8})
    for number, moment in enumerate(moments):
        endpoints = [
            {"addresses": [f"10.80.0.{11 + index}"], "conditions": {"ready": True},
             "targetRef": {"kind": "Pod", "name": name}}
            for index, (name, up, down) in enumerate(ready_times()) if up <= moment < down]
        seen.object(moment, "EndpointSlice", "ADDED" if number == 0 else "MODIFIED",
                    {"metadata": {"name": f"{SERVER}-abcde", "namespace": NAMESPACE, "uid": "slice-1"},
                     "endpoints": endpoints})
