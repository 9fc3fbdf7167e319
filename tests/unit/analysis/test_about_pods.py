"""What events and EndpointSlices say about Pods, and that the work of looking it up grows with what was recorded and
not with its square: a run of a thousand Pods has as many lines of slices, each with up to a thousand endpoints."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from elastometer.analysis.evidence.about_pods import events_by_subject, first_listings, listed_as_ready
from elastometer.analysis.evidence.evidence import gather
from elastometer.analysis.evidence.pods import events_about, pod_instants
from elastometer.model.bundle import Bundle
from elastometer.model.document import Document
from elastometer.model.names import COMPONENT_LABEL, SERVER, TEST_LABEL
from elastometer.model.observation import ObjectKind, ObjectSeen, Sighting
from elastometer.model.terms import Terms
from elastometer.model.units import SECOND

PODS = 40


class Counted(dict[str, Any]):
    """A document that counts how often its endpoints are read."""

    reads = 0

    def get(self, key: str, default: Any = None) -> Any:
        Counted.reads += key == "endpoints"
        return super().get(key, default)


def endpoint_slice(*ready: str, not_ready: str = "absent") -> Document:
    listed = [{"targetRef": {"name": name}, "conditions": {"ready": True}} for name in ready]
    waiting = {"targetRef": {"name": not_ready}, "conditions": {"ready": False}}
    return Counted(metadata={"name": "m-server-1"}, endpoints=[*listed, waiting, {"targetRef": {"name": "unstated"}}])


def seen(at: int, kind: ObjectKind, document: Document, sighting: Sighting = Sighting.MODIFIED) -> ObjectSeen:
    return ObjectSeen(at * SECOND, kind, sighting, document)


def event(at: int, about: Document, reason: str = "Pulled", sighting: Sighting = Sighting.ADDED) -> ObjectSeen:
    return seen(at, ObjectKind.EVENT, {"reason": reason, "involvedObject": about, "metadata": {"name": "e"}}, sighting)


def run_of(pods: int) -> Iterator[ObjectSeen]:
    labels = {TEST_LABEL: "m", COMPONENT_LABEL: SERVER}
    for number in range(pods):
        name = f"m-server-{number}"
        yield seen(number, ObjectKind.POD, {"metadata": {"name": name, "uid": f"u{number}", "labels": labels}})
        listed = [f"m-server-{index}" for index in range(number + 1)]
        yield seen(number + 1, ObjectKind.ENDPOINT_SLICE, endpoint_slice(*listed))


def bundle_of(*lines: ObjectSeen) -> Bundle:
    return Bundle(terms=Terms(test="m", namespace="ns", uid="u", model="qwen"), observations=lines)


def test_the_first_line_that_lists_a_pod_as_ready_is_found_however_it_was_seen():
    lines = [
        seen(1, ObjectKind.ENDPOINT_SLICE, endpoint_slice("a"), Sighting.LISTED),
        seen(2, ObjectKind.ENDPOINT_SLICE, endpoint_slice("a", not_ready="b")),
        seen(3, ObjectKind.ENDPOINT_SLICE, endpoint_slice("a", "b")),
        seen(4, ObjectKind.ENDPOINT_SLICE, endpoint_slice("c"), Sighting.DELETED),
    ]
    found = first_listings(lines, listed_as_ready(lines))
    assert {name: (line.received // SECOND, line.sighting) for name, line in found.items()} == {
        "a": (1, Sighting.LISTED), "unstated": (1, Sighting.LISTED), "b": (3, Sighting.MODIFIED)}


def test_an_event_belongs_to_the_uid_it_states_and_to_a_name_only_without_one():
    mine, other = {"kind": "Pod", "name": "a", "uid": "1"}, {"kind": "Pod", "name": "a", "uid": "2"}
    found = events_by_subject([
        event(1, mine), event(2, other), event(3, {"name": "a"}), event(4, mine, sighting=Sighting.DELETED)])
    assert {subject: [line.received // SECOND for line in lines] for subject, lines in found.items()} == {
        "1": [1], "2": [2], "a": [3]}


def test_events_are_found_for_each_pod_by_reason():
    pod = next(run_of(1))
    about = {"name": "m-server-0", "uid": "u0"}
    evidence = gather(bundle_of(pod, event(1, about, "Scheduled"), event(2, about), event(3, {"name": "m-server-0"})))
    assert [line.received // SECOND for line in events_about(evidence.pods[0], evidence, "Pulled")] == [2, 3]


def test_each_slice_is_read_once_however_many_pods_there_are():
    lines = tuple(run_of(PODS))
    Counted.reads = 0
    evidence = gather(bundle_of(*lines))
    for pod in evidence.pods:
        pod_instants(pod, evidence)
    assert len(evidence.pods) == PODS
    assert Counted.reads == PODS, "one read per line of a slice"
