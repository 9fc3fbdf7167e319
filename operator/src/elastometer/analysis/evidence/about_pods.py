"""What other objects say about Pods, looked up once for all of them: a run may have thousands."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from elastometer.model.document import Document, document_at, documents_at, text_at
from elastometer.model.observation import ObjectSeen, Sighting
from elastometer.model.units import Instant


def events_by_subject(events: Iterable[ObjectSeen]) -> dict[str, tuple[ObjectSeen, ...]]:
    """Events in order of receipt, by the uid of the object that they are about; by its name where they have no uid."""
    found: dict[str, list[ObjectSeen]] = defaultdict(list)
    for event in events:
        about = document_at(event.object, "involvedObject") or document_at(event.object, "regarding")
        subject = text_at(about, "uid") or text_at(about, "name")
        if subject is not None and event.sighting is not Sighting.DELETED:
            found[subject].append(event)
    return {subject: tuple(about) for subject, about in found.items()}


def first_ready_endpoints(slices: Iterable[ObjectSeen]) -> dict[str, Instant]:
    """By the name of a Pod, when the first watch line came in which an EndpointSlice lists it as ready."""
    found: dict[str, Instant] = {}
    for line in slices:
        if line.sighting not in (Sighting.DELETED, Sighting.LISTED):
            for name in ready_endpoints(line.object):
                found.setdefault(name, line.received)
    return found


def ready_endpoints(endpoint_slice: Document) -> set[str]:
    """Names of the Pods that the slice lists as ready."""
    return {
        name for endpoint in documents_at(endpoint_slice, "endpoints")
        # The API defines an absent condition as unknown, to be read as ready.
        if document_at(endpoint, "conditions").get("ready") is not False
        and (name := text_at(endpoint, "targetRef", "name")) is not None
    }
