"""The scale target, its Pods and its endpoints, as watches would have delivered them."""
from __future__ import annotations

from collections.abc import Iterator

from elastometer.model.document import Document, document_at
from elastometer.model.names import SERVER
from elastometer.model.observation import ObjectKind, ObjectSeen, Sighting
from elastometer.model.units import format_instant
from elastometer.resources.target import deployment
from elastometer.twin.forecast.predicted_run import Foretold, instant, pod_name
from elastometer.twin.prediction import ReplicaLife

# Stands for the node that a Pod would be bound to: that it holds one is predicted, which is not.
NODE = "predicted"


def target_sightings(foretold: Foretold) -> Iterator[ObjectSeen]:
    """Deployment, Pods and EndpointSlice; what was there at the start is listed, which tells no instant."""
    template = document_at(deployment(foretold.plan), "spec", "template", "spec")
    yield from _deployments(foretold)
    for life in foretold.prediction.replicas:
        yield from _pod(foretold, life, template)
    yield from _slices(foretold)


def _deployments(foretold: Foretold) -> Iterator[ObjectSeen]:
    name = foretold.plan.names.server
    for index, (at, size) in enumerate(foretold.prediction.desired):
        document: Document = {"metadata": {"name": name}, "spec": {"replicas": size}}
        yield ObjectSeen(instant(at), ObjectKind.DEPLOYMENT, Sighting.MODIFIED if index else Sighting.LISTED, document)


def _pod(foretold: Foretold, life: ReplicaLife, template: Document) -> Iterator[ObjectSeen]:
    spec = {**template, "nodeName": NODE}
    metadata = {"name": pod_name(foretold.plan.names, life.number), "labels": foretold.plan.names.labels(SERVER)}

    def seen(at: float, sighting: Sighting, ready: bool, leaving: bool = False) -> ObjectSeen:
        marks = {"deletionTimestamp": format_instant(instant(at))} if leaving else {}
        conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
        return ObjectSeen(instant(at), ObjectKind.POD, sighting, {
            "metadata": {**metadata, **marks}, "spec": spec, "status": {"conditions": conditions}})

    if _was_there(foretold, life):
        yield seen(life.created, Sighting.LISTED, ready=True)
    else:
        yield seen(life.created, Sighting.ADDED, ready=False)
        if life.ready is not None and life.ready <= foretold.prediction.end_seconds:
            yield seen(life.ready, Sighting.MODIFIED, ready=True)
    if life.deleted is not None:
        yield seen(life.deleted, Sighting.MODIFIED, ready=life.ready is not None, leaving=True)
    if life.gone is not None and life.gone <= foretold.prediction.end_seconds:
        yield seen(life.gone, Sighting.DELETED, ready=False, leaving=True)


def _was_there(foretold: Foretold, life: ReplicaLife) -> bool:
    return life.created <= foretold.scenario.start_seconds and life.ready == life.created


def _slices(foretold: Foretold) -> Iterator[ObjectSeen]:
    """One slice, which lists who is Ready, at every change; that it takes a moment to get there is not modelled."""
    lives, end = foretold.prediction.replicas, foretold.prediction.end_seconds
    changes = {at for one in lives for at in (one.ready, one.deleted) if at is not None and at <= end}
    for index, at in enumerate(sorted(changes | {foretold.scenario.start_seconds})):
        serving = [one for one in lives if one.ready is not None and one.ready <= at
                   and (one.deleted is None or one.deleted > at)]
        endpoints = [{"targetRef": {"name": pod_name(foretold.plan.names, one.number)}, "conditions": {"ready": True}}
                     for one in serving]
        document: Document = {"metadata": {"name": foretold.plan.names.server}, "endpoints": endpoints}
        yield ObjectSeen(instant(at), ObjectKind.ENDPOINT_SLICE, Sighting.MODIFIED if index else Sighting.LISTED,
                         document)
