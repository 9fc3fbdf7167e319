"""Under test: one row for each thing that was measured, and one for each node that held it."""
from __future__ import annotations

from collections.abc import Iterator, Mapping

from elastometer.model.report import Report
from elastometer.model.story import Anchor
from elastometer.model.under_test import NodeUnderTest, UnderTest
from elastometer.render.tables.table import Cell, Row, Table, TableSection
from elastometer.render.wording import numbers

NODE_HEAD = ("Node", "CPUs", "Memory", "GPU", "Kubelet")


def under_test(report: Report) -> TableSection | None:
    """None of a prediction, in which nothing ran."""
    found = report.under_test
    if found is None:
        return None
    facts = Table("under-test-rows", ("", ""), tuple(
        Row((Cell(name), Cell(value or numbers.DASH, why))) for name, value, why in _facts(found)),
        words=frozenset({1}), noun="facts")
    nodes = Table("under-test-nodes", NODE_HEAD, tuple(map(_node, found.nodes)), noun="nodes")
    return TableSection(Anchor.UNDER_TEST, "Under test", (facts, *([nodes] if found.nodes else [])),
                        "as the cluster served it and the server's log states it",
                        remarks=tuple(f"{why[:1].upper()}{why[1:]}." for name, why in found.missing
                                      if name in ("nodes", "gpu")))


def _facts(found: UnderTest) -> Iterator[tuple[str, str, str]]:
    """(what, value, why there is none)."""
    missing = dict(found.missing)
    engine = " ".join(filter(None, (found.engine, found.engine_version)))
    yield "Model", found.model or "", ""
    if found.revision:
        yield "Revision", found.revision, ""
    yield "Engine", engine, missing.get("engine", "")
    yield "Image", found.image or "", missing.get("image", "")
    yield "Image digest", ", ".join(found.digests), ""
    yield "Arguments", " ".join(found.args), ""
    yield "Limits", _quantities(found.limits), ""
    yield "Requests", _quantities(found.requests), ""
    yield "Replicas", _replicas(found), ""
    yield "Kubernetes", found.kubernetes or "", ""


def _quantities(found: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in found.items())


def _replicas(found: UnderTest) -> str:
    if found.minimum_replicas is None or found.maximum_replicas is None:
        bounds = "not scaled"
    else:
        bounds = f"{found.minimum_replicas} to {found.maximum_replicas}"
    return bounds + ("" if found.most_ready is None else f"; at most {found.most_ready} were Ready")


def _node(one: NodeUnderTest) -> Row:
    gpu = numbers.DASH if one.gpu_count is None else f"{one.gpu_count} × {one.gpu or 'GPU'}"
    memory = numbers.DASH if one.memory is None else f"{numbers.quantity(one.memory)}B"
    return Row((Cell(one.name), Cell(one.cpus or numbers.DASH), Cell(memory), Cell(gpu),
                Cell(one.kubelet or numbers.DASH)))
