"""What a Pod requests, as the HPA controller counts it (`calculatePodRequests` in replica_calculator.go)."""
from __future__ import annotations

from collections.abc import Mapping

from elastometer.hpa.quantity import milli_units
from elastometer.model.document import Document, document_at, documents_at, text_at


def requests_of(spec: Document) -> Mapping[str, int]:
    """Milli-units of the whole Pod: what it requests itself (Pod-level resources), else the sum over its containers. A
    resource that one of them does not request is left out, as the HPA refuses a percentage of it."""
    asked = list(container_requests_of(spec).values())
    shared = set.intersection(*(set(one) for one in asked)) if asked else set()
    return {**{name: sum(one[name] for one in asked) for name in sorted(shared)}, **_requested(spec)}


def container_requests_of(spec: Document) -> Mapping[str, Mapping[str, int]]:
    """Of each container that keeps running: sidecars are init containers with restartPolicy Always."""
    sidecars = [one for one in documents_at(spec, "initContainers") if one.get("restartPolicy") == "Always"]
    return {text_at(one, "name") or "": _requested(one) for one in (*documents_at(spec, "containers"), *sidecars)}


def _requested(owner: Document) -> Mapping[str, int]:
    """Without a request the limit counts, which the API server copies. What is no quantity, none serves."""
    limits, requests = (document_at(owner, "resources", kind) for kind in ("limits", "requests"))
    found = ((name, _milli(str(value))) for name, value in {**limits, **requests}.items())
    return {name: milli for name, milli in found if milli is not None}


def _milli(text: str) -> int | None:
    try:
        return milli_units(text)
    except ValueError:
        return None
