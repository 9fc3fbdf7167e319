"""What was under test: from the Pods as the cluster served them, the servers' logs, and provenance.json."""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.run import DerivedRun
from elastometer.analysis.starts.loglines import without_colours
from elastometer.model.document import Document, document_at, documents_at, text_at
from elastometer.model.names import SERVER
from elastometer.model.observation import ObjectKind, ObjectSeen
from elastometer.model.under_test import GPU_PRODUCT, NodeUnderTest, UnderTest

# vLLM's API server, and its engine; other servers have no line that says what they are.
_VERSIONS = re.compile(r"vLLM (?:API )?server version v?(\d[^,\s]*)|LLM engine \(v(\d[^)\s]*)\)")
_ENGINE = "vLLM"
# A page lists no whole cluster; all nodes are in the bundle.
NODES_SHOWN = 30


def under_test(run: DerivedRun) -> UnderTest:
    """What the record shows; a partial one leaves more fields missing."""
    evidence, bundle = run.evidence, run.bundle
    server, version = _server(evidence), _version(evidence)
    nodes = tuple(_nodes(run))
    return UnderTest(
        model=evidence.terms.model, revision=text_at(evidence.spec, "spec", "target", "model", "revision"),
        engine=None if version is None else _ENGINE, engine_version=version,
        image=text_at(server, "image") or evidence.terms.image, digests=_digests(evidence),
        args=tuple(_texts(server.get("args"))), requests=_quantities(server, "requests"),
        limits=_quantities(server, "limits"), minimum_replicas=evidence.terms.minimum_replicas,
        maximum_replicas=evidence.terms.maximum_replicas,
        most_ready=max((int(count) for _, count in run.replicas.ready.points), default=None),
        kubernetes=text_at(bundle.provenance, "kubernetes", "gitVersion"), nodes=nodes[:NODES_SHOWN],
        missing=tuple(_missing(evidence, version, nodes)))


def _server(evidence: Evidence) -> Document:
    """The server's container, as the newest Pod has it."""
    for pod in reversed(evidence.pods):
        for one in documents_at(pod.last.object, "spec", "containers"):
            if text_at(one, "name") == SERVER:
                return one
    return {}


def _version(evidence: Evidence) -> str | None:
    """Of the first server whose log states one. All run the same image, whose digests stand beside it."""
    for lines in evidence.logs.values():
        for line in lines:
            match = _VERSIONS.search(without_colours(line.line))
            if match is not None:
                return match.group(1) or match.group(2)
    return None


def _digests(evidence: Evidence) -> tuple[str, ...]:
    return tuple(sorted({
        image for pod in evidence.pods for status in documents_at(pod.last.object, "status", "containerStatuses")
        if text_at(status, "name") == SERVER and (image := text_at(status, "imageID"))}))


def _texts(value: object) -> Iterator[str]:
    yield from (str(item) for item in value) if isinstance(value, list) else ()


def _quantities(server: Document, name: str) -> dict[str, str]:
    return {key: str(value) for key, value in sorted(document_at(server, "resources", name).items())}


def _nodes(run: DerivedRun) -> Iterator[NodeUnderTest]:
    """The newest state of each node that held a server Pod."""
    held = {text_at(pod.last.object, "spec", "nodeName") for pod in run.evidence.pods}
    seen = {one.name: one.object for one in run.bundle.observations
            if isinstance(one, ObjectSeen) and one.kind is ObjectKind.NODE and one.name in held}
    for name, node in sorted(seen.items()):
        room = document_at(node, "status", "allocatable")
        yield NodeUnderTest(
            name, text_at(room, "cpu"), text_at(room, "memory"), text_at(node, "metadata", "labels", GPU_PRODUCT),
            _gpus(room), text_at(node, "status", "nodeInfo", "kubeletVersion"))


def _gpus(room: Mapping[str, object]) -> str | None:
    return next((str(value) for key, value in sorted(room.items()) if key.endswith("/gpu") and str(value) != "0"), None)


def _missing(evidence: Evidence, version: str | None, nodes: tuple[NodeUnderTest, ...]) -> Iterator[tuple[str, str]]:
    if version is None:
        why = "no line of a server's log states an engine and its version" if evidence.logs else \
            "no server log was recorded"
        yield from (("engine", why), ("engineVersion", why))
    if not evidence.pods:
        yield "image", "no server Pod was seen; the image is the one that was asked for"
    if not nodes:
        yield "nodes", "the record describes no node that held a server Pod"
    elif len(nodes) > NODES_SHOWN:
        yield "nodes", f"{len(nodes) - NODES_SHOWN} more nodes are in the bundle"
    elif all(node.gpu is None for node in nodes):
        yield "gpu", "no node has a label with the product of its GPU"
