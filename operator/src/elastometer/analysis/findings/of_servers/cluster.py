"""Findings on what the cluster made of the test: replicas that a quota forbids, and an autoscaler that it altered."""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from elastometer.analysis.findings.facts import Facts
from elastometer.hpa.quantity import milli_units
from elastometer.model.document import Document, document_at, spec_of, text_at, whole_at
from elastometer.model.findings import FindingName, Severity
from elastometer.model.in_words import plural
from elastometer.model.observation import ObjectSeen, Sighting
from elastometer.model.report import Finding

_QUOTA = re.compile(r"exceeded quota: ([^,]+)(.*)")
_SHOWN = 5
_BODIES = ("horizontalPodAutoscaler", "scaledObject")


def cluster_findings(facts: Facts) -> Iterator[Finding]:
    """Each at most once."""
    yield from _quota_exceeded(facts)
    yield from _altered(facts)


def _quota_exceeded(facts: Facts) -> Iterator[Finding]:
    refused = [seen for seen in facts.evidence.events if seen.sighting is not Sighting.DELETED
               and text_at(seen.object, "reason") == "FailedCreate"
               and _QUOTA.search(text_at(seen.object, "message") or "")]
    if not refused:
        return
    first = refused[0]
    found = _QUOTA.search(text_at(first.object, "message") or "")
    quota, rest = ("", "") if found is None else (found[1].strip(), found[2].strip(" ,"))
    since = facts.evidence.seconds(first.received)
    yield Finding(
        FindingName.QUOTA_EXCEEDED, Severity.PROBLEM, "A quota of the namespace kept replicas from being created",
        f"From {since:+.1f} s on, {plural(_times(refused), 'attempt')} to create a Pod exceeded the quota {quota!r} "
        f"({rest[:200]})",
        f"The autoscaler orders replicas that the API server then refuses, and its status does not say so. Raise the "
        f"ResourceQuota {quota!r}, lower what each Pod requests, or lower `maxReplicas` to what the quota allows.")


def _times(refused: list[ObjectSeen]) -> int:
    """The API server merges equal events into one with a count."""
    counts = {seen.uid: max(1, whole_at(seen.object, "count") or 1) for seen in refused}
    return sum(counts.values())


def _altered(facts: Facts) -> Iterator[Finding]:
    """Fields that the test asked for and that the newest object does not have so. What defaults added is no change."""
    autoscaler = document_at(spec_of(facts.evidence.spec), "autoscaler")
    served = {"horizontalPodAutoscaler": facts.evidence.autoscalers, "scaledObject": facts.evidence.scaled_objects}
    for name in _BODIES:
        asked, lines = document_at(autoscaler, name), [one for one in served[name] if document_at(one.object, "spec")]
        if not asked or not lines or text_at(autoscaler, "type") != name[:1].upper() + name[1:]:
            continue
        changes = list(_differences(_applied(asked), document_at(lines[-1].object, "spec"), ""))
        if changes:
            yield Finding(
                FindingName.AUTOSCALER_ALTERED, Severity.PROBLEM, "The autoscaler is not the one that was asked for",
                "; ".join(changes[:_SHOWN]) + (f"; and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""),
                "The API server drops fields that it does not know or that a feature gate hides, and a webhook may "
                "change others, without an error: `tolerance` needs the feature gate HPAConfigurableTolerance (on by "
                "default since Kubernetes 1.35). What was measured is the autoscaler as served.")


def _applied(asked: Document) -> Document:
    """Without what the operator sets itself."""
    return {key: value for key, value in asked.items() if key != "scaleTargetRef"}


def _differences(asked: object, served: object, path: str) -> Iterator[str]:
    """`path: asked x, served y`, of each value that was asked for."""
    if isinstance(asked, Mapping):
        there: Document = served if isinstance(served, Mapping) else {}
        for key, value in asked.items():
            yield from _differences(value, there.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(asked, list):
        items = served if isinstance(served, list) else []
        for index, value in enumerate(asked):
            yield from _differences(value, items[index] if index < len(items) else None, f"{path}[{index}]")
    elif asked is not None and not _is_equal(asked, served):
        yield f"{path}: asked {asked}, served {'nothing' if served is None else served}"


def _is_equal(asked: object, served: object) -> bool:
    """Quantities are written back in their shortest form: 0.4 as 400m."""
    if asked == served:
        return True
    if served is None or isinstance(asked, bool) or isinstance(served, bool):
        return False
    try:
        return milli_units(str(asked)) == milli_units(str(served))
    except ValueError:
        return False
