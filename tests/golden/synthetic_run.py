"""A whole run, made up and always the same: calm, ramp, plateau and drop against a server that starts in ten seconds.

    seconds   0        30        90       150      180        240
    load      1/s      1→6/s     6/s      1→0.5/s  (settle)
    replicas  1        1 2 3 4   4        4        4→2→1

The queue is simulated (four sequences a replica, 40 ms a token); scaling decisions, instants and log lines are written
down below. Chance comes from one seed. Run as a script, it writes the run into the directory given.
"""
from __future__ import annotations

import heapq
import json
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

LOAD_START = datetime(2026, 3, 4, 10, 0, 0, tzinfo=UTC)
TEST, NAMESPACE = "demo", "team-a"
UID = "5f2c8a10-77aa-4a6e-9b1e-3f6f2a1d9c00"
SERVER = f"{TEST}-server"
LABELS = {"elastometer.dev/test": TEST, "app.kubernetes.io/component": "server",
          "app.kubernetes.io/managed-by": "elastometer"}
STAGES = [
    {"name": "calm", "type": "Rate", "durationSeconds": 30, "endRequestsPerSecond": "1", "arrivals": "Constant"},
    {"name": "ramp", "type": "Rate", "durationSeconds": 60, "endRequestsPerSecond": "6", "arrivals": "Constant"},
    {"name": "plateau", "type": "Rate", "durationSeconds": 60, "endRequestsPerSecond": "6", "arrivals": "Constant"},
    {"name": "drop", "type": "Rate", "durationSeconds": 30, "startRequestsPerSecond": "1",
     "endRequestsPerSecond": "0.5", "arrivals": "Constant"},
]
SPEC = {
    "target": {
        "model": {"name": "Qwen/Qwen2.5-0.5B-Instruct"},
        "server": {"image": "elastometer/standin:0.1.0", "port": 8000, "probePeriodSeconds": 1,
                   "args": ["--max-num-seqs=4"], "terminationGracePeriodSeconds": 40},
    },
    "autoscaler": {"type": "HorizontalPodAutoscaler", "horizontalPodAutoscaler": {
        "minReplicas": 1, "maxReplicas": 4,
        "metrics": [{"type": "Pods", "pods": {"metric": {"name": "vllm_num_requests_waiting"},
                                              "target": {"type": "AverageValue", "averageValue": "2"}}}],
        "behavior": {
            "scaleUp": {"stabilizationWindowSeconds": 0, "selectPolicy": "Max",
                        "policies": [{"type": "Pods", "value": 1, "periodSeconds": 15}]},
            "scaleDown": {"stabilizationWindowSeconds": 100, "selectPolicy": "Max",
                          "policies": [{"type": "Pods", "value": 2, "periodSeconds": 15}]}}}},
    "load": {"seed": 7, "workers": 2, "connection": {"policy": "PerRequest"}, "stages": STAGES},
    "objectives": [
        {"name": "served", "indicator": "RequestSuccess", "minimumPercent": 99},
        {"name": "first-token-calm", "indicator": "TimeToFirstToken", "percentile": 95, "maximumMilliseconds": 500,
         "stageName": "calm"},
        {"name": "first-token-plateau", "indicator": "TimeToFirstToken", "percentile": 95,
         "maximumMilliseconds": 2000, "stageName": "plateau"},
        {"name": "scale-out", "indicator": "ScaleOutLag", "percentile": 95, "maximumMilliseconds": 20000},
        {"name": "cold-start", "indicator": "ColdStart", "percentile": 95, "maximumMilliseconds": 30000},
    ],
    "measurement": {"scrapePeriodSeconds": 2, "settleSeconds": 60},
}
# (decided, from, to, reason of the event)
DECISIONS = [
    (58.214, 1, 2, "pods metric vllm_num_requests_waiting above target"),
    (73.231, 2, 3, "pods metric vllm_num_requests_waiting above target"),
    (88.219, 3, 4, "pods metric vllm_num_requests_waiting above target"),
    (193.240, 4, 2, "All metrics below target"),
    (208.228, 2, 1, "All metrics below target"),
]
# name, created, deleted, gone
PODS = [
    ("demo-server-7c9d4f8b6-2xkqp", -42.310, None, None),
    ("demo-server-7c9d4f8b6-lm4zt", 58.262, 193.288, 195.913),
    ("demo-server-7c9d4f8b6-9hvwd", 73.284, 193.291, 194.870),
    ("demo-server-7c9d4f8b6-t8r5n", 88.266, 208.276, 209.402),
]
ENGINE = [  # seconds after the process started, line
    (2.031, "[api_server.py:1977] vLLM API server version 0.33.0"),
    (2.415, "[core.py:93] Initializing a V1 LLM engine (v0.33.0) with config: model='Qwen/Qwen2.5-0.5B-Instruct'"),
    (5.422, "[gpu_model_runner.py:3338] Model loading took 0.93 GiB memory and 2.948211 seconds"),
    (7.430, "[monitor.py:34] torch.compile takes 2.00 s in total"),
    (8.236, "[gpu_worker.py:298] Available KV cache memory: 61.20 GiB"),
    (8.240, "[kv_cache_utils.py:1087] GPU KV cache size: 5,347,664 tokens"),
    (9.441, "[gpu_model_runner.py:4244] Graph capturing finished in 1 secs, took 0.31 GiB"),
    (9.545, "Application startup complete."),
]


def at(seconds: float, digits: int = 6) -> str:
    """RFC 3339 of an instant in seconds from the start of the load."""
    text = (LOAD_START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return (text[: 20 + digits] if digits else text[:19]) + "Z"


def second(seconds: float) -> str:
    """The API's stamp: a whole second, cut off."""
    return at(seconds, 0)


class Recorder:
    """Collects observation lines in order of receipt."""

    def __init__(self) -> None:
        self.lines: list[tuple[float, int, dict]] = []

    def see(self, received: float, kind: str, **fields: object) -> None:
        line = {"kind": kind, "receivedTime": at(received), **fields}
        self.lines.append((received, len(self.lines), line))

    def object(self, received: float, kind: str, sighting: str, body: dict) -> None:
        self.see(received, kind, type=sighting, object=json.loads(json.dumps(body)))

    def ordered(self) -> list[dict]:
        return [line for _, _, line in sorted(self.lines, key=lambda item: item[:2])]


def observe() -> list[dict]:
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
    def body(replicas: int, manager: str) -> dict:
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
    def body(current: int, desired: int, value: str, limited: tuple[str, str], able: str) -> dict:
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
    fresh = body(0, 0, "0", fine, "SucceededGetScale")
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
    meta = {"name": name, "namespace": NAMESPACE, "uid": uid, "labels": LABELS, "creationTimestamp": second(created)}
    spec = {"containers": [{"name": "server", "image": "elastometer/standin:0.1.0",
                            "resources": {"limits": {"nvidia.com/gpu": "1"}}}]}
    body: dict = {"metadata": meta, "spec": spec, "status": {"phase": "Pending"}}
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
    for after, line in ENGINE:
        stamp = process + after
        prefix = "" if line.startswith("Application") else f"INFO {stamp_of(stamp)} "
        seen.see(stamp + 0.006, "Log", pod=name, container="server", time=at(stamp)[:-1] + "481Z",
                 line=(prefix or "INFO:     ") + line)
    body["status"]["conditions"][2] = {"type": "Ready", "status": "True", "lastTransitionTime": second(ready)}
    body["status"]["containerStatuses"][0]["ready"] = True
    seen.object(ready, "Pod", "MODIFIED", body)
    if deleted is None or gone is None:
        return
    meta["deletionTimestamp"], meta["deletionGracePeriodSeconds"] = second(deleted + 40), 40
    seen.object(deleted, "Pod", "MODIFIED", body)
    body["status"]["conditions"][2] = {"type": "Ready", "status": "False", "lastTransitionTime": second(gone)}
    seen.object(gone, "Pod", "DELETED", body)


def stamp_of(seconds: float) -> str:
    return (LOAD_START + timedelta(seconds=seconds)).strftime("%m-%d %H:%M:%S")


def ready_times() -> list[tuple[str, float, float]]:
    """(pod, first instant as an endpoint, last one)."""
    return [(name, created + 1.184 + ENGINE[-1][0] + 0.412 + 0.025, (deleted or 1e9) + 0.02)
            for name, created, deleted, _ in PODS]


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


def arrivals() -> list[tuple[float, str]]:
    """Evenly spaced in the integral of the rate: the k-th request at the instant where the integral reaches k."""
    found, clock, total, count, rate = [], 0.0, 0.0, 0, 1.0
    for stage in STAGES:
        end, length = float(stage["endRequestsPerSecond"]), stage["durationSeconds"]
        rate = float(stage.get("startRequestsPerSecond", end if clock == 0 else rate))
        for step in range(length * 1000):
            total += (rate + (end - rate) * step / (length * 1000)) / 1000
            if total >= count + 1:
                count += 1
                found.append((clock + step / 1000, stage["name"]))
        clock, rate = clock + length, end
    return found


def requests() -> list[dict]:
    """The queue: each request takes the replica with the fewest in it among the endpoints of its moment."""
    rng = random.Random(7)
    slots: dict[str, list[float]] = {name: [-1e9] * 4 for name, _, _ in ready_times()}
    records = []
    for number, (moment, stage) in enumerate(arrivals()):
        late = 0.0004 + 0.0012 * rng.random()
        alive = [name for name, up, down in ready_times() if up <= moment < down]
        # kube-proxy picks blindly; the new replica starts with an empty queue and no backlog moves to it.
        chosen = rng.choice(alive)
        free = heapq.heappop(slots[chosen])
        tokens = rng.randint(30, 50)
        begin = max(moment + late + 0.003, free) + 0.022 + 0.006 * rng.random()
        end = begin + 0.040 * (tokens - 1)
        heapq.heappush(slots[chosen], end)
        records.append(record(number, stage, moment, late, begin, end, tokens, chosen))
    return records


def record(number: int, stage: str, moment: float, late: float, begin: float, end: float, tokens: int,
           chosen: str) -> dict:
    return {
        "id": number, "worker": number % 2, "stage": stage, "task": "poem", "intendedTime": at(moment),
        "sendTime": at(moment + late), "connectTime": at(moment + late + 0.001), "firstByteTime": at(begin - 0.001),
        "firstTokenTime": at(begin), "lastTokenTime": at(end), "endTime": at(end + 0.001), "chunks": tokens,
        "promptTokens": 14, "completionTokens": tokens, "finishReason": "length", "status": 200,
        "outcome": "Success", "error": None, "pod": chosen, "address": "10.96.0.40:8000",
        "fingerprint": f"{(number * 7919) % 65536:04x}"}


def lose(records: list[dict]) -> None:
    """Two requests that never succeed: one refused in the crush, one cut off by a dying replica."""
    refused = records[300]
    for key in ("connectTime", "firstByteTime", "firstTokenTime", "lastTokenTime", "finishReason", "status", "pod",
                "promptTokens", "completionTokens"):
        refused[key] = None
    refused.update(outcome="Refused", error="connection refused", chunks=0, endTime=refused["sendTime"])
    cut = dict(record(len(records), "drop", 179.4, 0.001, 192.2, 193.6, 36, PODS[1][0]))
    cut.update(outcome="Aborted", finishReason="abort", completionTokens=21, chunks=21)
    records.append(cut)


def series(records: list[dict]) -> list[dict]:
    """What Prometheus had, on a grid of two seconds."""
    base = LOAD_START.timestamp()
    common = {"start": at(-60, 0), "end": at(240, 0), "stepSeconds": 2, "outcome": "Samples"}
    lives = [(name, created + 1.184, deleted or 240.0) for name, created, deleted, _ in PODS]

    def answer(name: str, query: str, value) -> dict:
        found = []
        for pod_name, started, ended in lives:
            grid = [2.0 * step for step in range(-30, 121) if started + 2.1 <= 2.0 * step <= ended]
            samples = [[base + time, f"{value(pod_name, started, time):g}" if name != "process_start_time_seconds"
                        else f"{base + started:.2f}"] for time in grid]
            found.append({"labels": {"pod": pod_name}, "samples": samples})
        return {"name": name, "query": query, **common, "series": found}

    def epoch(text: str | None) -> float:
        return 1e9 if text is None else (datetime.fromisoformat(text) - LOAD_START).total_seconds()

    times = [(item["pod"], epoch(item["sendTime"]), epoch(item["firstTokenTime"]), epoch(item["endTime"]))
             for item in records]

    def waiting(name: str, _: float, time: float) -> float:
        return sum(1 for who, sent, first, _end in times if who == name and sent <= time < first)

    def running(name: str, _: float, time: float) -> float:
        return sum(1 for who, _sent, first, end in times if who == name and first <= time < end)

    def finished(name: str, _: float, time: float) -> float:
        return sum(1 for who, _sent, _first, end in times if who == name and end <= time)

    return [
        answer("requests_waiting", "sum by (pod) (vllm:num_requests_waiting{…})", waiting),
        answer("requests_running", "sum by (pod) (vllm:num_requests_running{…})", running),
        answer("requests_finished_total", "sum by (pod, finished_reason) (vllm:request_success_total{…})", finished),
        answer("process_start_time_seconds", "max by (pod) (process_start_time_seconds{…})", lambda *_: 0.0),
        answer("up", "max by (pod) (up{…})", lambda *_: 1.0),
        {"name": "autoscaler_desired_replicas", "query": "max by (horizontalpodautoscaler) (…)", **common,
         "outcome": "NoData", "series": []},
    ]


def summaries(records: list[dict]) -> list[dict]:
    return [
        {"worker": worker, "incarnation": f"uid-{worker}", "planned": share, "sent": share, "skipped": 0,
         "records": share, "startTime": at(0), "endTime": at(181), "fellBehind": False, "boundMilliseconds": 50,
         "lateness": {"p50Milliseconds": 0.9, "p99Milliseconds": 1.6, "maximumMilliseconds": 3.1},
         "loopLag": {"p99Milliseconds": 0.8, "maximumMilliseconds": 2.2}, "cpuShare": 0.11}
        for worker in (0, 1)
        for share in (sum(1 for item in records if item["worker"] == worker),)]


def write(directory: Path) -> Path:
    """The run directory, as it is when a run has just ended and nothing was compacted yet."""
    (directory / "workers").mkdir(parents=True, exist_ok=True)
    records = requests()
    lose(records)
    test = {"apiVersion": "elastometer.dev/v1alpha1", "kind": "ElasticityTest",
            "metadata": {"name": TEST, "namespace": NAMESPACE, "uid": UID}, "spec": SPEC}
    documents = {"spec.json": test, "plan.json": {}, "start.json": {"startTime": at(0)},
                 "provenance.json": {"kubernetesVersion": "v1.35.1", "nodes": [
                     {"name": "node-1", "kubeletVersion": "v1.35.1", "gpus": "nvidia.com/gpu=8"}]}}
    for name, value in documents.items():
        (directory / name).write_text(json.dumps(value, sort_keys=True))
    lines(directory / "observations.jsonl", observe())
    lines(directory / "series.jsonl", series(records))
    for summary in summaries(records):
        worker = summary["worker"]
        mine = [item for item in records if item["worker"] == worker]
        lines(directory / "workers" / f"{worker}-uid-{worker}.jsonl", sorted(mine, key=lambda item: item["endTime"]))
        (directory / "workers" / f"{worker}-uid-{worker}.summary.json").write_text(json.dumps(summary))
    return directory


def lines(path: Path, items: list[dict]) -> None:
    path.write_text("".join(json.dumps(item) + "\n" for item in items))


if __name__ == "__main__":
    print(write(Path(sys.argv[1])))
