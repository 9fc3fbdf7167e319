"""Runs made by hand for the price: a few Pods whose states change at round seconds, and a demand that is given.

Seconds count from the start of the load, and every line is received at the very millisecond.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from elastometer.analysis.demand.demand import Demand
from elastometer.analysis.evidence.steps import Steps
from elastometer.analysis.run import DerivedRun, derive_run
from elastometer.model.bundle import Bundle
from elastometer.model.elasticity import DemandAccount, DemandSource
from elastometer.model.observation import Note, ObjectKind, ObjectSeen, Observation, Sighting, WatchGap
from elastometer.model.request import RecordedRequest
from elastometer.model.terms import terms_from
from elastometer.model.units import MILLISECOND, SECOND, Instant, format_instant
from elastometer_loadgen.base.record import Outcome

START: Instant = 1_790_000_000 * SECOND
LABELS = {"elastometer.dev/test": "demo", "app.kubernetes.io/component": "server"}


def at(seconds: float) -> Instant:
    """The instant so many seconds after the start of the load."""
    return START + round(seconds * 1000) * MILLISECOND


@dataclass(frozen=True, slots=True)
class Replica:
    """One Pod's life in seconds; `steps` are further (seconds, whether it is Ready) between Ready and deletion."""

    created: float
    bound: float | None = None
    ready: float | None = None
    deleted: float | None = None
    gone: float | None = None
    steps: tuple[tuple[float, bool], ...] = ()
    failed: float | None = None


def pod_lines(number: int, life: Replica, limits: dict[str, Any] | None, **spec: Any) -> list[ObjectSeen]:
    """The lines of the watch about one Pod."""
    name = f"demo-server-{number}"
    state: dict[str, Any] = {"node": None, "ready": False, "deleted": None, "phase": "Running"}

    def line(seconds: float, sighting: Sighting) -> ObjectSeen:
        metadata: dict[str, Any] = {"name": name, "uid": name, "labels": LABELS,
                                    "creationTimestamp": format_instant(at(life.created), 0)}
        if state["deleted"] is not None:
            metadata["deletionTimestamp"] = format_instant(at(state["deleted"] + 30), 0)
        node = {} if state["node"] is None else {"nodeName": state["node"]}
        status = {"phase": state["phase"], "conditions": [{"type": "Ready", "status": str(state["ready"])}]}
        containers = [{"name": "server", "resources": {"limits": limits or {}}}]
        return ObjectSeen(at(seconds), ObjectKind.POD, sighting, {
            "metadata": metadata, "spec": {"containers": containers, **node, **spec}, "status": status})

    lines = [line(life.created, Sighting.ADDED)]
    moves: list[tuple[float | None, str, Any]] = [
        (life.bound, "node", "node-1"), (life.ready, "ready", True),
        *((seconds, "ready", ready) for seconds, ready in life.steps),
        (life.deleted, "deleted", life.deleted), (life.failed, "phase", "Failed")]
    for seconds, key, value in sorted((move for move in moves if move[0] is not None), key=lambda move: move[0] or 0):
        state[key] = value
        lines.append(line(seconds or 0.0, Sighting.MODIFIED))
    if life.gone is not None:
        lines.append(line(life.gone, Sighting.DELETED))
    return lines


def size_lines(sizes: Sequence[tuple[float, int]]) -> list[ObjectSeen]:
    """The lines about the Deployment: its spec.replicas over time."""
    return [ObjectSeen(at(seconds), ObjectKind.DEPLOYMENT, Sighting.MODIFIED if index else Sighting.ADDED, {
        "metadata": {"name": "demo-server", "uid": "d"}, "spec": {"replicas": size}, "status": {}})
        for index, (seconds, size) in enumerate(sizes)]


def request(number: int, intended: float, first_token: float, *, tokens: int | None = 100,
            outcome: Outcome = Outcome.SUCCESS) -> RecordedRequest:
    """One request that ended with its first token."""
    served = outcome is Outcome.SUCCESS
    token = at(first_token) if served else None
    return RecordedRequest(
        id=number, worker=0, stage="all", task="", intended=at(intended), send=at(intended), connect=None,
        first_byte=None, first_token=token, last_token=token,
        end=at(first_token), chunks=1, prompt_tokens=10, completion_tokens=tokens if served else None,
        finish_reason="stop", status=200, outcome=outcome, error=None, pod=None, address=None)


def spec(minimum: int = 1, maximum: int = 3, price: dict[str, Any] | None = None) -> dict[str, Any]:
    """The test: an HPA with these bounds, and an objective of one second on the first token."""
    found: dict[str, Any] = {
        "target": {"model": {"name": "m"}, "server": {"image": "i"}},
        "autoscaler": {"type": "HorizontalPodAutoscaler",
                       "horizontalPodAutoscaler": {"minReplicas": minimum, "maxReplicas": maximum}},
        "load": {"stages": [{"name": "all", "type": "Rate", "durationSeconds": 90, "endRequestsPerSecond": "1"}]},
        "objectives": [{"name": "first", "indicator": "TimeToFirstToken", "maximumMilliseconds": 1000}]}
    return {"metadata": {"name": "demo", "namespace": "lab", "uid": "u"},
            "spec": found if price is None else {**found, "price": price}}


def run_of(
    lives: Sequence[Replica], end: float, *, sizes: Sequence[tuple[float, int]] = (),
    test: dict[str, Any] | None = None, requests: Sequence[RecordedRequest] | None = None,
    limits: dict[str, Any] | None = None, gaps: Sequence[tuple[float, float]] = (), **pod_spec: Any,
) -> DerivedRun:
    """The run, whose record ends at `end`."""
    document = spec() if test is None else test
    lines = [line for number, life in enumerate(lives)
             for line in pod_lines(number, life, {"nvidia.com/gpu": "2"} if limits is None else limits, **pod_spec)]
    away = [WatchGap(at(stop), "pods", at(start), at(stop), "lost") for start, stop in gaps]
    seen: list[Observation] = [*lines, *size_lines(sizes or [(-10, len(lives))]), *away, Note(at(end), "End", "")]
    return derive_run(Bundle(
        terms=terms_from(document), spec=document, start=START,
        observations=tuple(sorted(seen, key=lambda one: one.received)),
        requests=tuple(requests) if requests is not None else (request(0, 1, 1.5),)))


def demand_of_steps(arrival: Sequence[tuple[float, float]], backlog: Sequence[tuple[float, float]] | None = None,
                    end: float = 100.0, work: Sequence[tuple[float, float]] | None = None) -> Demand:
    """A demand that is given. `work` is what of `backlog` some work demands: all of it, where nothing else is given."""
    account = DemandAccount(DemandSource.GIVEN, basis="spec.demand.requestsPerSecond", error_percent=5.0)
    whole = Steps.of((time, ceil(level)) for time, level in arrival)
    waited = whole if backlog is None else Steps.of(backlog)
    return Demand(account, end, whole, waited, load=Steps.of(arrival),
                  work=waited if work is None else Steps.of(work))


def no_demand(reason: str = "nothing shows the capacity of a replica") -> Demand:
    """A run of which no demand is known."""
    return Demand(DemandAccount(DemandSource.NOT_JUDGED, reason=reason), 100.0)
