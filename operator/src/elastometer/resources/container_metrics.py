"""Whether the metrics that an autoscaler takes of containers exist in the server's Pod. Pure.

The API server accepts an HPA on a container that no Pod has; the controller then fails to read it at every sync. A
request that only a LimitRange would add cannot be seen here and must be stated in the test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from elastometer.hpa.pod_requests import container_requests_of, requests_of
from elastometer.model.document import Document, document_at, documents_at, text_at
from elastometer.model.shapes import Part
from elastometer.model.spec import ScalerType
from elastometer.model.triggers import RESOURCE_TRIGGERS
from elastometer.plan import TestPlan
from elastometer.resources.target import deployment


@dataclass(frozen=True, slots=True)
class _Use:
    """What a metric measures: a resource of one container, or of the whole Pod. `place` is the path of the container,
    `is_share` whether it is a percentage of the request."""

    path: str
    place: str
    resource: str
    container: str | None
    is_share: bool


def container_flaws(plan: TestPlan) -> Iterator[str]:
    """Every metric on a container that the Pod does not have, or on a percentage of nothing."""
    pod = document_at(deployment(plan), "spec", "template", "spec")
    containers, whole = container_requests_of(pod), requests_of(pod)
    for use in _uses(plan):
        if use.container is not None and use.container not in containers:
            yield (f"{use.place}: must be one of the containers of the server's Pod ({', '.join(containers)}), "
                   f"is {use.container!r}")
            continue
        known = whole if use.container is None else containers[use.container]
        if use.is_share and not known.get(use.resource):
            without = [name for name, asked in containers.items()
                       if use.container in (None, name) and not asked.get(use.resource)]
            yield (f"{use.path}: must be a percentage of a request, so each of its containers must request "
                   f"{use.resource} in `podTemplate`; {', '.join(without)} requests none")


def _uses(plan: TestPlan) -> Iterator[_Use]:
    body = plan.spec.scaler.body
    if plan.spec.scaler.type is ScalerType.HPA:
        metrics = documents_at(body, "metrics")
        for index, metric in enumerate(metrics):
            yield from _of_metric(f"{Part.HPA}.metrics[{index}]", metric)
        if not metrics:
            yield _Use(f"{Part.HPA}.metrics", Part.HPA, "cpu", None, True)  # the API server's default
    elif plan.spec.scaler.type is ScalerType.KEDA:
        for index, trigger in enumerate(documents_at(body, "triggers")):
            yield from _of_trigger(f"{Part.SCALED_OBJECT}.triggers[{index}]", trigger)


def _of_metric(path: str, metric: Document) -> Iterator[_Use]:
    for kind in ("resource", "containerResource"):
        source = document_at(metric, kind)
        if source:
            yield _Use(f"{path}.{kind}", f"{path}.{kind}.container", text_at(source, "name") or "",
                       text_at(source, "container"), "averageUtilization" in document_at(source, "target"))


def _of_trigger(path: str, trigger: Document) -> Iterator[_Use]:
    """KEDA's webhook asks for a request whatever the type of the target is."""
    resource = text_at(trigger, "type") or ""
    if resource in RESOURCE_TRIGGERS:
        yield _Use(path, f"{path}.metadata.containerName", resource,
                   text_at(trigger, "metadata", "containerName") or None, True)
