"""Traces as OTLP/JSON: the body of an ExportTraceServiceRequest (opentelemetry-proto, collector/trace/v1).

In that encoding ids are hexadecimal and 64-bit numbers are strings (OTLP specification, "JSON Protobuf Encoding").
"""
from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

from elastometer.interchange.spans import Attribute, Span, Trace, traces, with_run
from elastometer.model.report import Report

Json = dict[str, Any]
SERVICE = "elastometer"
# The enums of opentelemetry/proto/trace/v1/trace.proto.
_KIND_INTERNAL, _STATUS_ERROR = 1, 2


def trace_request(report: Report) -> Json:
    """All traces of one report in one request. The same report gives the same ids, so that sending it again adds
    nothing to a store that knows them. Raises NoOriginError."""
    spans = [item for trace in traces(report) for item in _spans(with_run(trace, report), report)]
    resource = {"service.name": SERVICE, "service.version": version("elastometer"),
                "k8s.namespace.name": report.namespace}
    return {"resourceSpans": [{
        "resource": {"attributes": _attributes(resource)},
        "scopeSpans": [{"scope": {"name": SERVICE, "version": version("elastometer")}, "spans": spans}],
    }]}


def _spans(trace: Trace, report: Report) -> Iterator[Json]:
    run = f"{report.uid or report.namespace + '/' + report.test}/{report.load_start}"
    yield from _tree(trace.root, _id(f"{run}/{trace.key}", 16), f"{run}/{trace.key}", "")


def _tree(span: Span, trace_id: str, path: str, parent: str) -> Iterator[Json]:
    mine = _id(f"{path}/{span.name}", 8)
    found: Json = {
        "traceId": trace_id, "spanId": mine, "name": span.name, "kind": _KIND_INTERNAL,
        "startTimeUnixNano": str(span.start), "endTimeUnixNano": str(span.end),
        "attributes": _attributes(span.attributes),
    }
    if parent:
        found["parentSpanId"] = parent
    if span.error is not None:
        found["status"] = {"code": _STATUS_ERROR, "message": span.error}
    yield found
    for number, child in enumerate(span.children):
        yield from _tree(child, trace_id, f"{path}/{span.name}/{number}", mine)


def _id(text: str, size: int) -> str:
    """An id of `size` bytes as hexadecimal. A hash is never all zeros in practice, which OTLP would not accept."""
    return hashlib.blake2b(text.encode(), digest_size=size).hexdigest()


def _attributes(values: Mapping[str, Attribute]) -> list[Json]:
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value: Attribute) -> Json:
    # A bool is an int too, so it comes first.
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}
