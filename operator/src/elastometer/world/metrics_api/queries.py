"""The queries that an autoscaler makes to the metrics APIs about its Pods, and what the answers contain. Pure.

External and Object metrics are not queried: the autoscaler's status holds their value, and each query would make KEDA's
metrics server query the source of a trigger once more.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elastometer.world.watched import Json

RESOURCE_METRICS = "metrics.k8s.io"
CUSTOM_METRICS = "custom.metrics.k8s.io"
RESOURCE_TYPES = ("Resource", "ContainerResource")


@dataclass(frozen=True, slots=True)
class MetricsQuery:
    """One GET. `names` are the resources whose usage is kept, or the one metric that is queried."""

    group: str
    path: str
    parameters: dict[str, str]
    names: tuple[str, ...]


def queries_of(autoscaler: Json, target: Json) -> tuple[MetricsQuery, ...]:
    """The queries of one sync, about the Pods that the target's selector matches; none without a metric of Pods."""
    # The HPA takes its Pods from the scale subresource of the target, which states the same selector.
    selector = _selector((target.get("spec") or {}).get("selector") or {})
    metrics = (autoscaler.get("spec") or {}).get("metrics") or []
    if not selector:
        return ()
    space = f"namespaces/{autoscaler['metadata']['namespace']}/pods"
    queries = [_custom(metric["pods"]["metric"], space, selector) for metric in metrics if metric["type"] == "Pods"]
    resources = sorted({name for metric in metrics for name in _resources(metric)})
    if resources:
        queries.insert(0, MetricsQuery(RESOURCE_METRICS, f"/apis/{RESOURCE_METRICS}/v1beta1/{space}",
                                     {"labelSelector": selector}, tuple(resources)))
    return tuple(queries)


def samples_of(query: MetricsQuery, answer: Json) -> list[Json]:
    """The samples as served: one per Pod and container for resources, one per Pod for any other metric."""
    read = _usages if query.group == RESOURCE_METRICS else _values
    return [sample for item in answer.get("items") or [] for sample in read(query, item)]


def _usages(query: MetricsQuery, item: Json) -> Iterator[Json]:
    for container in item.get("containers") or []:
        for name in query.names:
            if name in container["usage"]:
                yield _sample(item["metadata"]["name"], name, container["usage"][name], item,
                              container=container["name"], window=item.get("window"))


def _values(query: MetricsQuery, item: Json) -> Iterator[Json]:
    seconds = item.get("windowSeconds")
    yield _sample(item["describedObject"]["name"], query.names[0], item["value"], item,
                  window=None if seconds is None else f"{seconds}s")


def _sample(pod: str, name: str, value: str, item: Json, **more: Any) -> Json:
    sample = {"pod": pod, "name": name, "value": value, "time": item.get("timestamp"), **more}
    return {key: value for key, value in sample.items() if value is not None}


def _custom(metric: Json, space: str, selector: str) -> MetricsQuery:
    query = {"labelSelector": selector}
    if narrowed := _selector(metric.get("selector") or {}):
        query["metricLabelSelector"] = narrowed
    path = f"/apis/{CUSTOM_METRICS}/v1beta2/{space}/*/{metric['name']}"
    return MetricsQuery(CUSTOM_METRICS, path, query, (metric["name"],))


def _resources(metric: Json) -> Iterator[str]:
    if metric["type"] in RESOURCE_TYPES:
        source = metric["type"][:1].lower() + metric["type"][1:]
        yield metric[source]["name"]


def _selector(selector: Json) -> str:
    """A LabelSelector in the syntax of a query parameter."""
    equal = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    return ",".join(equal + [_requirement(item) for item in selector.get("matchExpressions") or []])


def _requirement(item: Json) -> str:
    match item["operator"]:
        case "Exists":
            return str(item["key"])
        case "DoesNotExist":
            return f"!{item['key']}"
        case word:
            return f"{item['key']} {word.lower()} ({','.join(item['values'])})"
