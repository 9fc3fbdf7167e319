"""What other objects and the series say about Pods, looked up once for all of them: a run may have thousands."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from elastometer.model.bundle import LabelledSamples, SeriesOutcome, SeriesResult
from elastometer.model.document import Document, document_at, documents_at, text_at
from elastometer.model.names import COMPONENT_LABEL, SERVER, TEST_LABEL, server_name
from elastometer.model.observation import LogSeen, ObjectSeen, Sighting


def server_pods(pods: Sequence[ObjectSeen], test: str) -> list[ObjectSeen]:
    """Sightings of the server Pods of the test. A record that lacks its spec does not name the test (`test` is empty):
    then those of the only test whose Pods were seen."""
    name = test or _only_test(pods)
    return [seen for seen in pods if _is_of_server(seen, name)] if name else []


def _only_test(pods: Iterable[ObjectSeen]) -> str:
    tests = {text_at(seen.object, "metadata", "labels", TEST_LABEL) for seen in pods} - {None}
    return tests.pop() or "" if len(tests) == 1 else ""


def _is_of_server(seen: ObjectSeen, test: str) -> bool:
    labels = document_at(seen.object, "metadata", "labels")
    if text_at(labels, TEST_LABEL) is None:
        # Records of older runs have Pods without the test's label; the Deployment's name begins theirs.
        return seen.name.startswith(f"{server_name(test)}-")
    return labels.get(TEST_LABEL) == test and labels.get(COMPONENT_LABEL) == SERVER


def events_by_subject(events: Iterable[ObjectSeen]) -> dict[str, tuple[ObjectSeen, ...]]:
    """Events in order of receipt, by the uid of the object that they are about; by its name where they have no uid."""
    found: dict[str, list[ObjectSeen]] = defaultdict(list)
    for event in events:
        about = document_at(event.object, "involvedObject") or document_at(event.object, "regarding")
        subject = text_at(about, "uid") or text_at(about, "name")
        if subject is not None and event.sighting is not Sighting.DELETED:
            found[subject].append(event)
    return {subject: tuple(about) for subject, about in found.items()}


def listed_as_ready(slices: Iterable[ObjectSeen]) -> tuple[frozenset[str], ...]:
    """Of each line of an EndpointSlice, the names of the Pods that it lists as ready; a deleted slice lists none."""
    return tuple(
        frozenset() if line.sighting is Sighting.DELETED else _ready_endpoints(line.object) for line in slices)


def first_listings(slices: Iterable[ObjectSeen], listed: Iterable[frozenset[str]]) -> dict[str, ObjectSeen]:
    """By the name of a Pod, the first line of an EndpointSlice that lists it as ready. `listed` has the names of each
    line."""
    found: dict[str, ObjectSeen] = {}
    for line, names in zip(slices, listed, strict=True):
        for name in names:
            found.setdefault(name, line)
    return found


def _ready_endpoints(endpoint_slice: Document) -> frozenset[str]:
    return frozenset(
        name for endpoint in documents_at(endpoint_slice, "endpoints")
        # The API defines an absent condition as unknown, to be read as ready.
        if document_at(endpoint, "conditions").get("ready") is not False
        and (name := text_at(endpoint, "targetRef", "name")) is not None
    )


def samples_by_pod(results: Iterable[SeriesResult]) -> dict[str, dict[str, tuple[LabelledSamples, ...]]]:
    """By the name of a query and the Pod that they are labelled with, its time series. Only answers with samples."""
    found: dict[str, dict[str, tuple[LabelledSamples, ...]]] = {}
    for result in results:
        of_pod: dict[str, list[LabelledSamples]] = defaultdict(list)
        for one in result.series if result.outcome is SeriesOutcome.SAMPLES else ():
            of_pod[one.pod].append(one)
        found[result.name] = {pod: tuple(series) for pod, series in of_pod.items()}
    return found


def logs_by_pod(lines: Iterable[LogSeen]) -> dict[str, tuple[LogSeen, ...]]:
    """The lines of each Pod's log, in order of their time."""
    by_pod: dict[str, list[LogSeen]] = defaultdict(list)
    for line in lines:
        by_pod[line.pod].append(line)
    return {pod: tuple(sorted(found, key=lambda line: line.time)) for pod, found in sorted(by_pod.items())}
