"""What ran, as served: the rows that a reader needs to compare two reports."""
from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.run import DerivedRun
from elastometer.model.document import Document, at, document_at, documents_at
from elastometer.model.observation import LogCount, Observation

# A longer document is split into one row per key.
MAX_ROW_CHARACTERS = 600
# Rows are for reading and for a ConfigMap; what is left out is in provenance.json.
MAX_VALUE_CHARACTERS = 4000


def provenance(run: DerivedRun) -> tuple[tuple[str, str], ...]:
    """(what, value) in a fixed order: the test's own words, the autoscaler as served, then provenance.json.

    A value is a text, or a document as JSON. Whole Kubernetes objects of provenance.json stay there: what matters of
    them is in the rows before.
    """
    bundle, evidence = run.bundle, run.evidence
    rows: list[tuple[str, object]] = [
        ("model", bundle.terms.model), ("image", bundle.terms.image),
        ("image digest", _image_ids(evidence)), ("autoscaler as served", _autoscaler(evidence)),
        ("planned delay budget, seconds", document_at(bundle.plan, "delayBudgetSeconds") or None),
        ("load connection", bundle.terms.connection), ("load workers", bundle.terms.workers),
        ("server log lines that were counted and not stored", _counted_lines(bundle.observations)),
        *_flatten(bundle.provenance, ""),
        ("tool version", at(bundle.manifest, "toolVersion")),
    ]
    return tuple((name, text[:MAX_VALUE_CHARACTERS]) for name, value in rows if (text := _text(value)))


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _flatten(document: Document, prefix: str) -> Iterator[tuple[str, object]]:
    for key in sorted(document):
        name, value = f"{prefix}{key}", document[key]
        if isinstance(value, Mapping) and "kind" in value and "metadata" in value:
            continue
        if isinstance(value, Mapping) and len(_text(value)) > MAX_ROW_CHARACTERS:
            yield from _flatten(value, f"{name}.")
        elif isinstance(value, list):
            yield from _fit_into_value(name, value)
        else:
            yield name, value


def _fit_into_value(name: str, items: list[object]) -> Iterator[tuple[str, object]]:
    """As many whole items as fit into a value, so that it stays a valid document: a large cluster has more nodes than
    fit."""
    kept = len(items)
    while kept and len(_text(items[:kept])) > MAX_VALUE_CHARACTERS:
        kept -= 1
    yield name, items[:kept]
    if kept < len(items):
        yield f"{name}, left out", f"{len(items) - kept} of {len(items)}; all are in provenance.json"


def _counted_lines(observations: Iterable[Observation]) -> str | None:
    """Of all Pods together; None where a record has none of it, as one of an earlier version."""
    newest = {seen.pod: seen for seen in observations if isinstance(seen, LogCount)}
    if not newest:
        return None
    access, other = (sum(counts) for counts in zip(
        *((one.access_lines, one.other_lines) for one in newest.values()), strict=True))
    return f"{access:,} of access logs, {other:,} others"


def _image_ids(evidence: Evidence) -> str:
    found = {
        str(status.get("imageID"))
        for pod in evidence.pods for status in documents_at(pod.last.object, "status", "containerStatuses")
        if status.get("imageID")
    }
    return ", ".join(sorted(found))


def _autoscaler(evidence: Evidence) -> Document | None:
    """The newest spec that was served, with the defaults that the API server filled in."""
    return document_at(evidence.autoscalers[-1].object, "spec") or None if evidence.autoscalers else None
