"""KEDA's triggers: the metric that each one gives the HPA, and where its number comes from.

KEDA 2.21 accepts and refuses as pkg/scalers/prometheus_scaler.go, pkg/scalers/cpu_memory_scaler.go and the webhook do.
"""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from elastometer.hpa.quantity import quantity
from elastometer.model.document import Document, document_at, text_at
from elastometer.model.errors import SpecError
from elastometer.model.triggers import CPU, PROMETHEUS
from elastometer.promql.series import TestSeries
from elastometer.twin.keda import in_milli
from elastometer.twin.reading.queries import AskedSource, asked
from elastometer.twin.reading.scaled_object_fields import METADATA, flaw
from elastometer.twin.sources import Trigger

Json = dict[str, Any]
AVERAGE, VALUE, UTILIZATION = "AverageValue", "Value", "Utilization"
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?")
# KEDA reads the numbers of a trigger with a parser of JSON, and a time as Go writes it or in milliseconds.
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?", re.ASCII)
_DURATION = re.compile(r"[-+]?0|\+?(?:\d+|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)", re.ASCII)
TRUE, FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False")


@dataclass(frozen=True, slots=True)
class ReadTrigger:
    """One trigger. `metric` is its entry in the HPA. Triggers on cpu ask for nothing themselves: `trigger` is None.
    `notes` are what a reader should know about it."""

    metric: Json
    trigger: Trigger | None = None
    asked: AskedSource | None = None
    notes: tuple[str, ...] = ()


def read_trigger(index: int, written: Document, series: TestSeries, *, is_recorded: bool) -> ReadTrigger:
    """The trigger. Raises SpecError with its flaws."""
    path, kind = f"triggers[{index}]", text_at(written, "type") or ""
    if kind not in METADATA:
        raise SpecError(f"{path}.type: must be one of {', '.join(METADATA)} to be simulated: {kind} is not modelled, "
                        f"is {kind!r}")
    flaws = [f"{path}.metadata.{key}: must be a string, is {value!r}"
             for key, value in document_at(written, "metadata").items() if not isinstance(value, str)]
    metadata = _given(document_at(written, "metadata"))
    found = [_metadata_flaw(f"{path}.metadata", kind, key, value, series, is_recorded)
             for key, value in metadata.items()]
    if flaws := [*flaws, *(one for one in found if one is not None)]:
        raise SpecError(*flaws)
    read = _prometheus(index, written, metadata, series) if kind == PROMETHEUS else _cpu(path, written, metadata)
    unread = [f"{path}.metadata.{key}: is not read by KEDA" for key in metadata if key not in METADATA[kind]]
    return replace(read, notes=(*read.notes, *unread))


def _given(metadata: Document) -> dict[str, str]:
    """As KEDA reads it: without blanks around a value, and an empty value is an absent one."""
    stripped = {key: value.strip() for key, value in metadata.items() if isinstance(value, str)}
    return {key: value for key, value in stripped.items() if value}


def _metadata_flaw(
    path: str, kind: str, key: str, value: str, series: TestSeries, is_recorded: bool,
) -> str | None:
    is_own = (key, value) == ("namespace", series.namespace)
    if key not in METADATA[kind]:
        return None
    return flaw(f"{path}.{key}", value, METADATA[kind].get(key), is_recorded=is_recorded or is_own)


def _prometheus(index: int, written: Document, metadata: Mapping[str, str], series: TestSeries) -> ReadTrigger:
    path = f"triggers[{index}]"
    kind = text_at(written, "metricType") or AVERAGE
    flaws = list(_prometheus_flaws(path, kind, metadata))
    if flaws:
        raise SpecError(*flaws)
    query = asked(f"{path}.metadata.query", metadata["query"], series)
    threshold = in_milli(float(metadata["threshold"]))
    trigger = Trigger(
        query.source, float(metadata.get("activationThreshold", "0")),
        null_is_zero=metadata.get("ignoreNullValues", "true") in TRUE,
        is_cached=written.get("useCachedMetrics") is True, name=text_at(written, "name") or "")
    return ReadTrigger(external(f"s{index}-{PROMETHEUS}", kind, threshold), trigger, query, query.notes)


def _prometheus_flaws(path: str, kind: str, metadata: Mapping[str, str]) -> Iterator[str]:
    if kind not in (AVERAGE, VALUE):
        yield (f"{path}.metricType: must be {AVERAGE} or {VALUE}, since KEDA has {UTILIZATION} only for cpu and "
               f"memory, is {kind!r}")
    for name in ("serverAddress", "query"):
        if name not in metadata:
            yield f"{path}.metadata.{name}: must be given, is absent or empty"
    threshold, activation = metadata.get("threshold"), metadata.get("activationThreshold", "0")
    if (rule := _number_rule(threshold)) is not None:
        yield f"{path}.metadata.threshold: {rule}, is {shown(threshold)}"
    elif not in_milli(float(str(threshold))):
        yield f"{path}.metadata.threshold: must be at least 0.001 to be a target of the HPA, is {threshold!r}"
    if (rule := _number_rule(activation)) is not None:
        yield f"{path}.metadata.activationThreshold: {rule}, is {activation!r}"
    for name in ("ignoreNullValues", "unsafeSsl"):
        if metadata.get(name, "true") not in (*TRUE, *FALSE):
            yield f"{path}.metadata.{name}: must be true or false as a string, is {metadata[name]!r}"
    if _DURATION.fullmatch(metadata.get("timeout", "0")) is None:
        yield f"{path}.metadata.timeout: must be a time such as 30s, or milliseconds, is {metadata['timeout']!r}"


def _number_rule(value: str | None) -> str | None:
    """What KEDA wants a number to be; None if this is one."""
    if not is_number(value):
        return "must be a number as a string"
    return None if _JSON_NUMBER.fullmatch(str(value)) else "must be a number as a string, in the form that JSON has"


def external(name: str, kind: str, milli: int) -> Json:
    """An External metric of the HPA as KEDA writes it."""
    target = {"type": kind, "value" if kind == VALUE else "averageValue": quantity(milli)}
    return {"type": "External", "external": {"metric": {"name": name}, "target": target}}


def _cpu(path: str, written: Document, metadata: Mapping[str, str]) -> ReadTrigger:
    kind, value = text_at(written, "metricType"), metadata.get("value")
    if written.get("useCachedMetrics") is True:
        raise SpecError(f"{path}.useCachedMetrics: must be false for {CPU}, since KEDA serves no value for it, is true")
    if kind not in (UTILIZATION, AVERAGE):
        raise SpecError(f"{path}.metricType: must be {UTILIZATION} or {AVERAGE} for {CPU}, is {shown(kind)}")
    if value is None or (kind == UTILIZATION and not value.isdecimal()):
        rule = "a whole number of percent as a string" if kind == UTILIZATION else "a quantity such as 500m"
        raise SpecError(f"{path}.metadata.value: must be {rule}, is {shown(value)}")
    target: Json = {"type": kind, **(
        {"averageUtilization": int(value)} if kind == UTILIZATION else {"averageValue": value})}
    container = metadata.get("containerName")
    if container:
        source = {"name": CPU, "container": container, "target": target}
        return ReadTrigger({"type": "ContainerResource", "containerResource": source})
    return ReadTrigger({"type": "Resource", "resource": {"name": CPU, "target": target}})


def is_number(value: object) -> bool:
    """Whether KEDA reads it as a number."""
    return isinstance(value, str) and _NUMBER.fullmatch(value) is not None


def shown(value: object) -> str:
    """A value of the metadata in a message."""
    return "absent" if value is None else repr(value)
