"""What a run was made with, as rows that people can compare; report.json keeps the documents as they were recorded.

A row that this module knows nothing about is shown all the same, as `name value` pairs.
"""
from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TypeAlias

from elastometer.model.document import Document, at, document_at, documents_at, text_at
from elastometer.model.report import Report
from elastometer.render.wording import numbers

Row: TypeAlias = tuple[str, str]


def provenance_rows(report: Report) -> list[Row]:
    """(what, value) in the order of the report; one document may become several rows."""
    rows = [row for name, text in report.provenance for row in _readable(name, text)]
    low, high = report.quality.clock_offset_low_milliseconds, report.quality.clock_offset_high_milliseconds
    if low is not None and high is not None:
        rows.append(("Operator's clock minus API server's", f"between {low:+.0f} ms and {high:+.0f} ms"))
    # The model, for one, is both a field of the test and part of provenance.json.
    return list(dict.fromkeys(row for row in rows if row[1]))


def _readable(name: str, text: str) -> list[Row]:
    """The rows of one value. A document that is nested too deeply to read is shown as it was recorded: it comes from
    the run, and must not leave the run without a report."""
    try:
        return list(_rows(name, _value(text)))
    except RecursionError:
        return [(_label(name), text)]


def _value(text: str) -> object:
    """The document behind the text; a plain text, or a document that was cut short, as it is."""
    if not text.startswith(("{", "[")):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return f"{text}…"


def _rows(name: str, value: object) -> Iterator[Row]:
    if name.startswith("autoscaler as ") and isinstance(value, dict):
        yield from _autoscaler(_label(name), value)
    elif name == "images" and isinstance(value, list):
        yield from (("Image and digest", _plain(image)) for image in value)
    elif name == "nodes" and isinstance(value, list):
        yield from (("Node", _node(node)) for node in value if isinstance(node, dict))
    elif name in _DOCUMENTS and isinstance(value, dict):
        label, words = _DOCUMENTS[name]
        yield label, words(value)
    else:
        yield _label(name), _plain(value)


def _label(name: str) -> str:
    return _LABELS.get(name, name[:1].upper() + name[1:])


def _autoscaler(label: str, spec: Document) -> Iterator[Row]:
    """The parts of an HPA's spec that decide; of any other autoscaler all that it has."""
    if "metrics" not in spec:
        yield label, _plain(spec)
        return
    yield f"{label}: replicas", f"{_plain(spec.get('minReplicas', 1))} to {_plain(spec.get('maxReplicas'))}"
    yield from ((f"{label}: metric", _metric(metric)) for metric in documents_at(spec, "metrics"))
    for field in ("scaleUp", "scaleDown"):
        rules = document_at(spec, "behavior", field)
        if rules:
            yield f"{label}: {field}", _behavior(rules)


def _metric(metric: Document) -> str:
    kind = text_at(metric, "type") or ""
    body = document_at(metric, kind[:1].lower() + kind[1:])
    target, name = document_at(body, "target"), text_at(body, "metric", "name") or text_at(body, "name") or ""
    amount = next((value for field, value in target.items() if field != "type"), "")
    unit = " %" if "averageUtilization" in target else ""
    return f"{kind} {name}, {text_at(target, 'type') or 'target'} {numbers.quantity(str(amount))}{unit}"


def _behavior(rules: Document) -> str:
    policies = [f"{_step(policy)} per {_plain(policy.get('periodSeconds'))} s"
                for policy in documents_at(rules, "policies")]
    window, chosen = rules.get("stabilizationWindowSeconds"), text_at(rules, "selectPolicy")
    # Which of several policies counts is a question only where there are several; Disabled forbids the direction.
    several = [f"selectPolicy {chosen}"] if chosen and (len(policies) > 1 or chosen == "Disabled") else []
    stabilized = [] if window is None else [f"stabilization window {_plain(window)} s"]
    return ", ".join([*policies, *several, *stabilized])


def _step(policy: Document) -> str:
    value, kind = _plain(policy.get("value")), text_at(policy, "type") or ""
    return f"{value} {'%' if kind == 'Percent' else kind.removesuffix('s') if value == '1' else kind}"


def _node(node: Document) -> str:
    """What a cold start and the number of replicas depend on; the rest of the node is in provenance.json."""
    info, allocatable = document_at(node, "nodeInfo"), document_at(node, "allocatable")
    gpus = [f"{name} {count}" for name, count in allocatable.items() if "/" in name and "hugepages" not in name]
    cpu, memory = text_at(allocatable, "cpu"), text_at(allocatable, "memory")
    sizes = [f"CPU {numbers.quantity(cpu)}" if cpu else "", f"memory {numbers.quantity(memory)}B" if memory else ""]
    versions = [text for field in ("containerRuntimeVersion", "osImage", "architecture")
                if (text := text_at(info, field))]
    kubelet = text_at(info, "kubeletVersion") or text_at(node, "kubeletVersion")
    stated = [text_at(node, "gpus") or "", *gpus, *sizes, f"kubelet {kubelet}" if kubelet else "", *versions]
    return f"{text_at(node, 'name') or 'unnamed'}: {', '.join(filter(None, stated))}"


def _pair(first: str, second: str) -> Callable[[Document], str]:
    return lambda value: " ".join(filter(None, (text_at(value, first), text_at(value, second))))


def _prometheus(value: Document) -> str:
    period = at(value, "scrapePeriodSeconds")
    return (text_at(value, "url") or "") + ("" if period is None else f", scraped every {period} s")


_LABELS = {
    "image": "Server image", "image digest": "Server image, digest", "kubernetesVersion": "Kubernetes",
    "controllerFlags": "Flags of the autoscaler's controller",
}
_DOCUMENTS: dict[str, tuple[str, Callable[[Document], str]]] = {
    "kubernetes": ("Kubernetes", _pair("gitVersion", "platform")), "model": ("Model", _pair("name", "revision")),
    "tool": ("Tool", _pair("name", "version")), "prometheus": ("Prometheus", _prometheus),
}


def _plain(value: object) -> str:
    """Any document on one line: no braces, no quotes; what is null is left out."""
    match value:
        case None:
            return ""
        case dict():
            pairs = ((name, _plain(item)) for name, item in value.items())
            return ", ".join(f"{name} {text}" for name, text in pairs if text)
        case list():
            return ", ".join(filter(None, map(_plain, value)))
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
    return str(value)
