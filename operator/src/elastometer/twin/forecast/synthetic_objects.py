"""The scale target, its Pods and its endpoints, as the watches of a run would have delivered them."""
from __future__ import annotations

from collections.abc import Iterator

from elastometer.model.document import Document, document_at
from elastometer.model.names import SERVER
from elastometer.model.observation import ObjectKind, ObjectSeen, Sighting
from elastometer.model.units import format_instant
from elastometer.resources.target import deployment
from elastometer.twin.forecast.predicted_run import PredictedRun, instant, pod_name
from elastometer.twin.prediction import PredictedReplica

# Stands for the node that a Pod would be bound to. The prediction says that there is a node, but not which one.
NODE = "predicted"


def target_sightings(run: PredictedRun) -> Iterator[ObjectSeen]:
    """Deployment, Pods and EndpointSlice. What existed at the start is listed, so its creation has no time."""
    template = document_at(deployment(run.plan), "spec", "template", "spec")
    yield from _deployments(run)
    for replica in run.prediction.replicas:
        yield from _pod(run, replica, template)
    yield from _slices(run)


def _deployments(run: PredictedRun) -> Iterator[ObjectSeen]:
    name = run.plan.names.server
    for index, (at, size) in enumerate(run.prediction.desired):
        document: Document = {"metadata": {"name": name}, "spec": {"replicas": size}}
        yield ObjectSeen(instant(at), ObjectKind.DEPLOYMENT, Sighting.MODIFIED if index else Sighting.LISTED, document)


def _pod(run: PredictedRun, replica: PredictedReplica, template: Document) -> Iterator[ObjectSeen]:
    spec = {**template, "nodeName": NODE}
    metadata = {"name": pod_name(run.plan.names, replica.number), "labels": run.plan.names.labels(SERVER)}

    def seen(at: float, sighting: Sighting, ready: bool, leaving: bool = False) -> ObjectSeen:
        marks = {"deletionTimestamp": format_instant(instant(at))} if leaving else {}
        conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
        return ObjectSeen(instant(at), ObjectKind.POD, sighting, {
            "metadata": {**metadata, **marks}, "spec": spec, "status": {"conditions": conditions}})

    if _existed_at_start(run, replica):
        yield seen(replica.created, Sighting.LISTED, ready=True)
    else:
        yield seen(replica.created, Sighting.ADDED, ready=False)
        if replica.ready is not None and replica.ready <= run.prediction.end_seconds:
            yield seen(replica.ready, Sighting.MODIFIED, ready=True)
    if replica.deleted is not None:
        yield seen(replica.deleted, Sighting.MODIFIED, ready=replica.ready is not None, leaving=True)
    if replica.gone is not None and replica.gone <= run.prediction.end_seconds:
        yield seen(replica.gone, Sighting.DELETED, ready=False, leaving=True)


def _existed_at_start(run: PredictedRun, replica: PredictedReplica) -> bool:
    return replica.created <= run.scenario.start_seconds and replica.ready == replica.created


def _slices(run: PredictedRun) -> Iterator[ObjectSeen]:
    """One slice that lists the Ready Pods, at every change. The delay of the endpoints controller is not modelled."""
    replicas, end = run.prediction.replicas, run.prediction.end_seconds
    changes = {at for replica in replicas for at in (replica.ready, replica.deleted) if at is not None and at <= end}
    for index, at in enumerate(sorted(changes | {run.scenario.start_seconds})):
        serving = [replica for replica in replicas if replica.ready is not None and replica.ready <= at
                   and (replica.deleted is None or replica.deleted > at)]
        endpoints = [{"targetRef": {"name": pod_name(run.plan.names, replica.number)},
                      "conditions": {"ready": True}} for replica in serving]
        document: Document = {"metadata": {"name": run.plan.names.server}, "endpoints": endpoints}
        yield ObjectSeen(instant(at), ObjectKind.ENDPOINT_SLICE, Sighting.MODIFIED if index else Sighting.LISTED,
                         document)
