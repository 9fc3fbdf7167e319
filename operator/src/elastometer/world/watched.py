"""What the recorder watches for one test, and how much of each object it keeps. Pure.

Values that look like secrets are struck out here, before anything is stored.
"""
from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from elastometer.model.autoscalers import aims_at
from elastometer.model.names import TEST_LABEL, Names
from elastometer.world.redaction import without_secrets

Json = dict[str, Any]

NODE_LABELS = ("kubernetes.io/hostname", "node.kubernetes.io/", "topology.kubernetes.io/", "nvidia.com/gpu.")


def _everything(_: Json) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Watched:
    """One watch: which objects it keeps, and what of each. What was kept once is kept until it is deleted. `needed` is
    False where a run can do without it."""

    kind: str
    resource: str
    path: str
    selector: dict[str, str] = field(default_factory=dict)
    keeps: Callable[[Json], bool] = _everything
    kept: Callable[[Json], Json] = lambda item: without_managed_fields(item)
    needed: bool = True


def watched_of(
    names: Names, *, scaled_object: bool, autoscalers: Callable[[], Collection[str]] = tuple,
) -> tuple[Watched, ...]:
    """The watches of one test; with `scaled_object` the autoscaler is KEDA's. `autoscalers` names those of which events
    are kept."""
    of_test = {"labelSelector": f"{TEST_LABEL}={names.test}"}
    core, apps, batch = "/api/v1", "/apis/apps/v1", "/apis/batch/v1"
    space = f"/namespaces/{names.namespace}"
    watches = [
        Watched("Pod", "pods", f"{core}{space}/pods", of_test),
        # Alone keeps its managedFields: they say which manager changed `replicas`, and when.
        Watched("Deployment", "deployments", f"{apps}{space}/deployments", _named(names.server), kept=without_secrets),
        # Of any name and any owner: a second one would fight the one under test.
        Watched("HorizontalPodAutoscaler", "horizontalpodautoscalers",
                f"/apis/autoscaling/v2{space}/horizontalpodautoscalers",
                keeps=lambda autoscaler: aims_at(autoscaler, names.server)),
        Watched("Job", "jobs", f"{batch}{space}/jobs", of_test),
        Watched("EndpointSlice", "endpointslices", f"/apis/discovery.k8s.io/v1{space}/endpointslices",
                {"labelSelector": f"kubernetes.io/service-name={names.server}"}),
        # Events carry no labels of the test, and a field selector can match only one name: they are filtered here.
        Watched("Event", "events", f"{core}{space}/events",
                keeps=lambda event: is_of_test(event, names, autoscalers())),
        Watched("Node", "nodes", f"{core}/nodes", kept=trim_node, needed=False),
    ]
    if scaled_object:
        watches.append(Watched("ScaledObject", "scaledobjects", f"/apis/keda.sh/v1alpha1{space}/scaledobjects",
                               _named(names.server), needed=False))  # no KEDA: the preflight reports it
    return tuple(watches)


def _named(name: str) -> dict[str, str]:
    return {"fieldSelector": f"metadata.name={name}"}


def is_of_test(event: Json, names: Names, autoscalers: Collection[str]) -> bool:
    """Whether the event is about a child of the test or, by the prefix of its name, about a child of a child; or about
    one of the autoscalers, whose names say nothing about other objects."""
    involved = event.get("involvedObject") or {}
    about = str(involved.get("name", ""))
    if about in autoscalers and involved.get("kind", "HorizontalPodAutoscaler") == "HorizontalPodAutoscaler":
        return True
    return any(about == name or about.startswith(f"{name}-") for name in (names.server, names.load))


def without_managed_fields(item: Json) -> Json:
    """The object as served without its managedFields (most of its bytes) and its secrets."""
    metadata = {key: value for key, value in (item.get("metadata") or {}).items() if key != "managedFields"}
    return without_secrets({**item, "metadata": metadata})


def trim_node(node: Json) -> Json:
    """What a run needs of a node. The kubelet updates a node's status every few seconds: nothing that these updates
    change is kept, so that equal means unchanged and the record does not grow with idle nodes."""
    metadata, spec, status = (node.get(part) or {} for part in ("metadata", "spec", "status"))
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key.startswith(NODE_LABELS)}
    lasting = ("type", "status", "reason", "lastTransitionTime")
    conditions = [{key: condition[key] for key in lasting if key in condition}
                  for condition in status.get("conditions") or []]
    return {"metadata": {"name": metadata.get("name"), "uid": metadata.get("uid"), "labels": labels},
            "spec": {key: spec[key] for key in ("unschedulable", "taints") if key in spec},
            "status": {"capacity": status.get("capacity"), "allocatable": status.get("allocatable"),
                       "conditions": conditions, "nodeInfo": status.get("nodeInfo")}}
