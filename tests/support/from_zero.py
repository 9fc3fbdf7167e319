"""A target that begins at 0 replicas and is woken, as a bundle made by hand.

    seconds  -20     0          4        6        6.2   6.4        7        12     12.1  13
             at zero requests   visible  0 -> 1   Pod   scheduled  started  Ready  EPS   first token
"""

from __future__ import annotations

from typing import Any

from elastometer.model.bundle import Bundle, series_from
from elastometer.model.observation import Observation, observation_from
from elastometer.model.request import RecordedRequest
from elastometer.model.terms import terms_from
from elastometer.model.units import SECOND, Instant, format_instant, parse_instant
from elastometer_loadgen.base.record import Outcome

T0 = parse_instant("2026-01-01T12:00:00Z")
SENT = 'sum(rate(elastometer_load_sent_total{namespace="lab"}[10s]))'
WAITING = "sum(vllm:num_requests_waiting)"
STAGE = {"name": "load", "type": "Rate", "durationSeconds": 40, "endRequestsPerSecond": "1"}
SLICE = {"targetRef": {"name": "demo-server-a"}, "conditions": {"ready": True}}


def at(seconds: float) -> Instant:
    return T0 + round(seconds * SECOND)


def text(seconds: float) -> str:
    return format_instant(at(seconds), 6)


def line(kind: str, seconds: float, sighting: str, item: dict[str, Any]) -> Observation:
    seen = observation_from({"kind": kind, "receivedTime": text(seconds), "type": sighting, "object": item})
    assert seen is not None
    return seen


def deployment(seconds: float, replicas: int, sighting: str = "MODIFIED") -> Observation:
    return line("Deployment", seconds, sighting, {"metadata": {"name": "demo-server", "uid": "d"},
                                                  "spec": {"replicas": replicas}})


def scaled_object(seconds: float, active: str) -> Observation:
    return line("ScaledObject", seconds, "MODIFIED", {
        "metadata": {"name": "demo-server", "uid": "s"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Active", "status": active}]}})


def autoscaler(seconds: float, reason: str, name: str = "keda-hpa-demo-server", owner: str = "s") -> Observation:
    owners = [{"kind": "ScaledObject", "name": "demo-server", "uid": owner}]
    return line("HorizontalPodAutoscaler", seconds, "MODIFIED", {
        "metadata": {"name": name, "uid": name, "ownerReferences": owners},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "demo-server"}},
        "status": {"conditions": [{"type": "ScalingActive", "status": "False", "reason": reason}]}})


def pod(seconds: float, sighting: str = "MODIFIED", **conditions: float) -> Observation:
    """`conditions` are those that are True, and since when."""
    labels = {"elastometer.dev/test": "demo", "app.kubernetes.io/component": "server"}
    found = [{"type": name, "status": "True", "lastTransitionTime": text(int(since))}
             for name, since in conditions.items()]
    return line("Pod", seconds, sighting, {
        "metadata": {"name": "demo-server-a", "uid": "p", "labels": labels, "creationTimestamp": text(6)},
        "status": {"conditions": found}})


def request(number: int, seconds: float, outcome: Outcome = Outcome.REFUSED, **fields: Any) -> RecordedRequest:
    served = outcome is Outcome.SUCCESS
    values: dict[str, Any] = {
        "connect": None, "first_byte": None, "first_token": at(seconds + 0.5) if served else None, "last_token": None,
        "end": at(seconds + 1), "chunks": 0, "prompt_tokens": None, "completion_tokens": None, "finish_reason": None,
        "status": 200 if served else None, "error": None, "pod": "demo-server-a" if served else None, "address": None}
    return RecordedRequest(id=number, worker=0, stage="load", task="poem", intended=at(seconds), send=at(seconds),
                           outcome=outcome, **values | fields)


AT_ZERO = (deployment(-20, 0, "ADDED"), scaled_object(-15, "False"), autoscaler(-14, "ScalingDisabled"))
WOKEN = (
    deployment(6, 1), scaled_object(6.05, "True"), pod(6.2, "ADDED"), pod(6.4, PodScheduled=6),
    line("Pod", 7, "MODIFIED", {
        "metadata": {"name": "demo-server-a", "uid": "p", "creationTimestamp": text(6),
                     "labels": {"elastometer.dev/test": "demo", "app.kubernetes.io/component": "server"}},
        "status": {"containerStatuses": [{"restartCount": 0, "state": {"running": {"startedAt": text(7)}}}],
                   "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": text(6)}]}}),
    pod(12, PodScheduled=6, Ready=12),
    line("EndpointSlice", 12.1, "MODIFIED", {"metadata": {"name": "e"}, "endpoints": [SLICE]}))
SAMPLES = ((-10, 0.0), (0, 0.0), (2, 0.0), (4, 3.5), (6, 4.0))


def bundle(
    *seen: Observation, requests: tuple[RecordedRequest, ...], query: str = SENT, samples: object = SAMPLES,
    outcome: str = "Samples", scaler: dict[str, Any] | None = None,
) -> Bundle:
    trigger = {"type": "prometheus", "metadata": {"query": query, "threshold": "2"}}
    spec = {"autoscaler": scaler or {"type": "ScaledObject", "scaledObject": {
        "minReplicaCount": 0, "maxReplicaCount": 3, "triggers": [trigger]}}, "load": {"stages": [STAGE]}}
    test = {"metadata": {"name": "demo", "namespace": "lab", "uid": "t"}, "spec": spec}
    rows = [[at(time) / SECOND, str(value)] for time, value in samples]  # type: ignore[attr-defined]
    series = series_from({"name": "trigger_0", "query": query, "stepSeconds": 2, "outcome": outcome,
                          "message": "HTTP Status Code 400" if outcome == "QueryFailed" else "",
                          "series": [{"labels": {}, "samples": rows}] if rows else []})
    assert series is not None
    return Bundle(terms=terms_from(test), spec=test, start=T0, observations=tuple(seen), requests=requests,
                  series=(series,))
