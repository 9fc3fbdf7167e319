"""What ran, as served: the rows that a reader needs to compare two reports."""
from __future__ import annotations

import json
from collections.abc import Mapping

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.run import DerivedRun
from elastometer.model.document import Document, at, document_at, documents_at

# A row longer than this is a document, and belongs to provenance.json alone.
LONGEST = 600


def provenance(run: DerivedRun) -> tuple[tuple[str, str], ...]:
    """(what, value) in a fixed order: the test's own words, the autoscaler as served, then provenance.json.

    Whole objects of provenance.json stay there: what matters of them is in the rows before.
    """
    bundle, evidence = run.bundle, run.evidence
    rows: list[tuple[str, object]] = [
        ("model", bundle.terms.model), ("image", bundle.terms.image),
        ("image digest", _image_ids(evidence)), ("autoscaler as served", _autoscaler(evidence)),
        ("planned delay budget, seconds", document_at(bundle.plan, "delayBudgetSeconds") or None),
        ("load connection", bundle.terms.connection), ("load workers", bundle.terms.workers),
        *_flat(bundle.provenance, ""),
        ("tool version", at(bundle.manifest, "toolVersion")),
    ]
    return tuple((name, text[:LONGEST]) for name, value in rows if (text := _text(value)))


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _flat(document: Document, prefix: str) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = []
    for key in sorted(document):
        value = document[key]
        if isinstance(value, Mapping) and "kind" in value and "metadata" in value:
            continue
        if isinstance(value, Mapping) and len(_text(value)) > LONGEST:
            rows += _flat(value, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", value))
    return rows


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
