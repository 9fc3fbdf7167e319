"""What a metric of an autoscaler measures of one replica, told by its name: the one place that knows vLLM's names."""
from __future__ import annotations

import re
from collections.abc import Sequence

from elastometer.model.document import Document, document_at, documents_at, text_at
from elastometer.model.errors import SpecError
from elastometer.twin.scenario import Signal

# Part of a metric's name, in Prometheus' spelling or an adapter's -> what it measures.
NAMES = (
    ("num_requests_waiting", Signal.WAITING), ("num_requests_running", Signal.RUNNING),
    ("num_requests_in_flight", Signal.IN_FLIGHT), ("cache_usage", Signal.KV_CACHE),
)
_TRIGGER = re.compile(r"s(\d+)-")
RULE = ("must be a resource metric of cpu, or a metric (for KEDA: a trigger's query) whose name has one of "
        + ", ".join(name for name, _ in NAMES))


def signals_of(hpa: Document, scaled_object: Document) -> tuple[Signal, ...]:
    """One per entry of the HPA spec's `metrics`; `scaled_object` is the spec of KEDA's, which has the queries. Raises
    SpecError naming every metric that is not known."""
    found, flaws = list[Signal](), list[str]()
    for index, metric in enumerate(documents_at(hpa, "metrics")):
        name, signal = _signal(metric, documents_at(scaled_object, "triggers"))
        if signal is None:
            flaws.append(f"metrics[{index}]: {RULE}, is {name!r}")
        else:
            found.append(signal)
    if flaws:
        raise SpecError(*flaws)
    return tuple(found) or (Signal.CPU,)


def _signal(metric: Document, triggers: Sequence[Document]) -> tuple[str, Signal | None]:
    """What the metric is called, and what it measures; an HPA without metrics has CPU by default."""
    kind = text_at(metric, "type") or ""
    body = document_at(metric, kind[:1].lower() + kind[1:])
    if kind in ("Resource", "ContainerResource"):
        name = text_at(body, "name") or ""
        return name, Signal.CPU if name == "cpu" else None
    name = text_at(body, "metric", "name") or ""
    match = _TRIGGER.match(name)
    if kind == "External" and match is not None and int(match.group(1)) < len(triggers):
        name = text_at(triggers[int(match.group(1))], "metadata", "query") or name
    return name, _named(name)


def _named(name: str) -> Signal | None:
    hits = {signal for part, signal in NAMES if part in name}
    if hits == {Signal.WAITING, Signal.RUNNING}:
        return Signal.IN_FLIGHT
    return hits.pop() if len(hits) == 1 else None
