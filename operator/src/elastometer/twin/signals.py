"""Which signal of a replica each metric of an autoscaler measures, recognised by its name or the text of its query.

The names are those of vLLM's metrics as resources.promql queries them; an adapter may write `_` for their colon.
"""
from __future__ import annotations

import re
from collections.abc import Sequence

from elastometer.hpa.settings import Metric, MetricType
from elastometer.model.document import Document, documents_at, text_at
from elastometer.model.errors import SpecError
from elastometer.twin.scenario import Signal

SIGNALS: dict[str, Signal] = {
    "num_requests_waiting": Signal.WAITING, "num_requests_running": Signal.RUNNING,
    "kv_cache_usage_perc": Signal.KV_CACHE, "gpu_cache_usage_perc": Signal.KV_CACHE,
}
_KNOWN = "vllm:num_requests_waiting, vllm:num_requests_running, their sum, vllm:kv_cache_usage_perc, or cpu"
_METRIC = re.compile(r"\b(?:vllm[:_])?(" + "|".join(SIGNALS) + r")\b")
_LABELS = re.compile(r"\{[^}]*\}|\b(?:by|without)\s*\([^)]*\)|\bor\s+(?:on\(\)\s*)?vector\(0\)")
_SUMMED = re.compile(r"[\s()+]*(?:sum[\s()+]*)*")
_TRIGGER = re.compile(r"s(\d+)-")


def signals_of(metrics: Sequence[Metric], triggers: Sequence[Document]) -> tuple[Signal, ...]:
    """One signal per metric; `triggers` are those of the ScaledObject that created the HPA. Raises SpecError for a
    metric that the twin has no model of."""
    return tuple(_signal(index, metric, triggers) for index, metric in enumerate(metrics))


def triggers_of(scaled_object: Document) -> Sequence[Document]:
    """The triggers of a ScaledObject as served."""
    return documents_at(scaled_object, "spec", "triggers")


def _signal(index: int, metric: Metric, triggers: Sequence[Document]) -> Signal:
    path = f"spec.metrics[{index}]"
    match metric.type:
        case MetricType.RESOURCE | MetricType.CONTAINER_RESOURCE:
            if metric.name == "cpu":
                return Signal.CPU
        case MetricType.EXTERNAL:
            match = _TRIGGER.match(metric.name)
            number = int(match.group(1)) if match else -1
            if 0 <= number < len(triggers):
                query = text_at(triggers[number], "metadata", "query") or ""
                return by_query(f"spec.triggers[{number}].metadata.query", query)
        case MetricType.PODS | MetricType.OBJECT:
            match = _METRIC.fullmatch(metric.name)
            if match is not None:
                return SIGNALS[match.group(1)]
    raise SpecError(f"{path}: must measure a signal that the simulator models ({_KNOWN}), is {metric.type.value} "
                    f"metric {metric.name!r}")


def by_query(path: str, query: str) -> Signal:
    """What a query sums over all replicas. Anything except a plain sum is refused, since its value would be a guess."""
    rest = _LABELS.sub("", query)
    found = {SIGNALS[name] for name in _METRIC.findall(rest)}
    plain = _SUMMED.fullmatch(_METRIC.sub("", rest)) is not None and "sum" in rest
    if plain and found == {Signal.WAITING, Signal.RUNNING}:
        return Signal.IN_FLIGHT
    if plain and len(found) == 1:
        return next(iter(found))
    raise SpecError(f"{path}: must be a plain sum of a signal that the simulator models ({_KNOWN}), is {query!r}")
