"""Another metric for the autoscaler: the name of each signal in a manifest, and the HPA that KEDA creates."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elastometer.model.document import documents_at, text_at
from elastometer.model.errors import SpecError
from elastometer.model.spec import ScalerType
from elastometer.twin.scenario import Signal
from elastometer.twin.search.vary.fields import Setting
from elastometer.twin.search.vary.paths import Json, value_at, written
from elastometer.twin.signals import SIGNALS

# vLLM's newest name of each metric, as in Prometheus and as served by a metrics adapter. "In flight" is a sum of two
# metrics, for which the adapter needs a rule.
PROMETHEUS_METRICS: Mapping[Signal, str] = {signal: f"vllm:{name}" for name, signal in reversed(SIGNALS.items())}
POD_METRICS: Mapping[Signal, str] = {
    Signal.IN_FLIGHT: "vllm_num_requests_in_flight",
    **{signal: name.replace(":", "_") for signal, name in PROMETHEUS_METRICS.items()},
}
_QUERY = ("triggers", 0, "metadata", "query")
_BEHAVIOR = ("advanced", "horizontalPodAutoscalerConfig", "behavior")


def with_metric(spec: Json, signal: Signal, target: object, *, kind: ScalerType, setting: Setting) -> Json:
    """The spec with only this metric and target. For KEDA, the same query reads another of vLLM's series."""
    if kind is ScalerType.KEDA:
        return _with_series(spec, signal, target, setting)
    if signal is Signal.CPU:
        source: Json = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}}
        return {**spec, "metrics": [{"type": "Resource", "resource": source}]}
    pods = {"metric": {"name": POD_METRICS[signal]}, "target": {"type": "AverageValue", "averageValue": str(target)}}
    return {**spec, "metrics": [{"type": "Pods", "pods": pods}]}


def _with_series(spec: Json, signal: Signal, target: object, setting: Setting) -> Json:
    query = value_at(spec, _QUERY)
    series = [name for name in PROMETHEUS_METRICS.values() if isinstance(query, str) and name in query]
    if len(documents_at(spec, "triggers")) != 1 or len(series) != 1 or signal not in PROMETHEUS_METRICS:
        raise SpecError(
            f"{setting.path}: must be one of {', '.join(PROMETHEUS_METRICS)}, on a ScaledObject with one trigger whose "
            f"query reads one of {', '.join(PROMETHEUS_METRICS.values())}; is {setting.value!r} on the query {query!r}")
    changed = written(spec, _QUERY, str(query).replace(series[0], PROMETHEUS_METRICS[signal]))
    return written(changed, ("triggers", 0, "metadata", "threshold"), str(target))


def keda_hpa(scaled: Json, served: Json) -> Json:
    """The HPA that KEDA creates for a ScaledObject's spec: the recorded one with the differences applied.

    minReplicaCount 0 gives minReplicas 1, an absent maxReplicaCount gives 100, and trigger k is the metric named
    `sk-…`, or the resource metric if its type is cpu or memory (KEDA 2, pkg/util and controllers/keda/hpa.go).
    """
    spec: Json = {**served, "minReplicas": scaled.get("minReplicaCount") or 1,
                  "maxReplicas": scaled.get("maxReplicaCount", 100),
                  "metrics": [_metric_of(metric, scaled) for metric in documents_at(served, "metrics")]}
    behavior = value_at(scaled, _BEHAVIOR)
    return {**spec, "behavior": behavior} if behavior is not None else \
        {key: value for key, value in spec.items() if key != "behavior"}


def _metric_of(metric: Mapping[str, object], scaled: Json) -> Json:
    made: Json = dict(metric)
    for index, trigger in enumerate(documents_at(scaled, "triggers")):
        name, kind = text_at(metric, "external", "metric", "name") or "", text_at(trigger, "type")
        if name.startswith(f"s{index}-"):
            field = "value" if text_at(trigger, "metricType") == "Value" else "averageValue"
            target = {"type": "Value" if field == "value" else "AverageValue",
                      field: value_at(trigger, ("metadata", "threshold"))}
            return written(made, ("external", "target"), target)
        if kind in ("cpu", "memory") and text_at(metric, "resource", "name") == kind:
            return written(made, ("resource", "target"), _resource_target(trigger))
    return made


def _resource_target(trigger: Mapping[str, object]) -> Json:
    value: Any = value_at(trigger, ("metadata", "value"))
    if text_at(trigger, "metricType") == "AverageValue":
        return {"type": "AverageValue", "averageValue": value}
    whole = isinstance(value, str) and value.isdigit()
    return {"type": "Utilization", "averageUtilization": int(value) if whole else value}
