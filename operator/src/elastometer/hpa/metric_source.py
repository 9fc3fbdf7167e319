"""One entry of `spec.metrics`: the API server validates every source, the controller reads the one named by `type`."""
from __future__ import annotations

import re

from elastometer.hpa.quantity import milli_units, sign
from elastometer.hpa.reading import Node
from elastometer.hpa.settings import Metric, MetricType, TargetType

_SOURCES = {
    MetricType.OBJECT: "object", MetricType.EXTERNAL: "external", MetricType.PODS: "pods",
    MetricType.RESOURCE: "resource", MetricType.CONTAINER_RESOURCE: "containerResource",
}
_UTILIZED = (MetricType.RESOURCE, MetricType.CONTAINER_RESOURCE)
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_EXTENDED = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_CONTAINER_RESOURCES = ("cpu", "memory", "ephemeral-storage")
_NONE = Metric(MetricType.RESOURCE, "", TargetType.UTILIZATION, 0)


def metric_from(node: Node) -> Metric:
    """Flaws are noted in the node."""
    kind = node.at("type")
    if kind.value not in list(MetricType):
        kind.one_of(MetricType, MetricType.RESOURCE)
        return _NONE
    type_ = MetricType(str(kind.value))
    source = node.at(_SOURCES[type_])
    for other in _SOURCES.values():
        if other != _SOURCES[type_] and not node.at(other).absent:
            node.at(other).refuse(f"must be absent where type is {type_}")
    if source.absent:
        source.refuse(f"must be given where type is {type_}")
        return _NONE
    return _metric(type_, source)


def _metric(type_: MetricType, source: Node) -> Metric:
    name = source.at("name").text() if type_ in _UTILIZED else _identified(source.at("metric"))
    if type_ is MetricType.OBJECT:
        _check_described(source.at("describedObject"))
    container = _container(source) if type_ is MetricType.CONTAINER_RESOURCE else None
    kind, target = _target(type_, source.at("target"))
    return Metric(type_, name, kind, target, container)


def _identified(node: Node) -> str:
    """The metric's name. The selector is for the metrics adapter, but the API server checks its shape."""
    for _, label in node.at("selector").at("matchLabels").fields():
        label.text(may_be_empty=True)
    return node.at("name").path_segment()


def _check_described(node: Node) -> None:
    node.at("kind").path_segment()
    node.at("name").path_segment()
    version = node.at("apiVersion")
    if not version.absent and version.text(may_be_empty=True).count("/") > 1:
        version.refuse("must be a version, or an API group and a version, such as apps/v1")


def _container(source: Node) -> str:
    name, container = source.at("name"), source.at("container")
    if isinstance(name.value, str) and name.value and not _is_requestable(name.value):
        name.refuse(f"must be one of {', '.join(_CONTAINER_RESOURCES)}, or an extended resource")
    text = container.text()
    if text and not _LABEL.fullmatch(text):
        container.refuse("must be the name of a container: at most 63 of a-z, 0-9 and '-'")
    return text


def _is_requestable(resource: str) -> bool:
    """Whether a container can request it."""
    if "/" not in resource:
        return resource in _CONTAINER_RESOURCES or resource.startswith("hugepages-")
    return _EXTENDED.fullmatch(resource) is not None and not resource.startswith("requests.")


def _target(type_: MetricType, node: Node) -> tuple[TargetType, int]:
    """What the controller compares with. A given average wins over `target.type`, except for an Object metric."""
    kind = node.at("type").one_of(TargetType, TargetType.VALUE)
    value, average = _positive(node.at("value")), _positive(node.at("averageValue"))
    percent = node.at("averageUtilization")
    utilization = None if percent.absent else percent.whole(1)
    if type_ in _UTILIZED:
        return _utilized(node, average, utilization)
    if type_ is MetricType.PODS:
        return TargetType.AVERAGE_VALUE, _given(node.at("averageValue"), average)
    if value is None and average is None:
        node.at("averageValue").refuse("must be given, or value")
    if type_ is MetricType.EXTERNAL:
        if value is not None and average is not None:
            node.at("value").refuse("must be absent where averageValue is given")
        return (TargetType.VALUE, value or 0) if average is None else (TargetType.AVERAGE_VALUE, average)
    if kind is TargetType.VALUE and value is not None:
        return kind, value
    if kind is TargetType.AVERAGE_VALUE and average is not None:
        return kind, average
    # The API server accepts this combination; the controller then fails to evaluate the metric at every sync.
    return TargetType.UTILIZATION, 0


def _utilized(node: Node, average: int | None, utilization: int | None) -> tuple[TargetType, int]:
    if average is None and utilization is None:
        node.at("averageUtilization").refuse("must be given, or averageValue")
    elif average is not None and utilization is not None:
        node.at("averageValue").refuse("must be absent where averageUtilization is given")
    if average is not None:
        return TargetType.AVERAGE_VALUE, average
    return TargetType.UTILIZATION, utilization or 0


def _positive(node: Node) -> int | None:
    """Milli-units; None where the field is absent."""
    if node.absent:
        return None
    text = node.quantity_text()
    if sign(text) <= 0:
        node.refuse("must be positive")
    return milli_units(text)


def _given(node: Node, value: int | None) -> int:
    if value is None:
        node.refuse("must be given")
        return 0
    return value
