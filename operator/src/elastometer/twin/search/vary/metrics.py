"""Another metric for the autoscaler: the name of each signal in a manifest."""
from __future__ import annotations

from collections.abc import Mapping

from elastometer.model.document import documents_at
from elastometer.model.errors import SpecError
from elastometer.model.spec import ScalerType
from elastometer.twin.search.vary.fields import Setting
from elastometer.twin.search.vary.paths import Json, value_at, written
from elastometer.twin.sources import METRICS, Signal

# vLLM's newest name of each metric, as in Prometheus and as served by a metrics adapter. "In flight" is a sum of two
# metrics, for which the adapter needs a rule.
PROMETHEUS_METRICS: Mapping[Signal, str] = {signal: name for name, signal in reversed(METRICS.items())}
POD_METRICS: Mapping[Signal, str] = {
    Signal.IN_FLIGHT: "vllm_num_requests_in_flight",
    **{signal: name.replace(":", "_") for signal, name in PROMETHEUS_METRICS.items()},
}
_QUERY = ("triggers", 0, "metadata", "query")


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
