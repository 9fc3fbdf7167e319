"""What the scaling signal asked for between the syncs: by the requests' own records, and by what Prometheus scraped.

The requests tell the truth to a millisecond (a request waits from its sending to its first token, and runs from there
to its end; the few milliseconds of its way and of its prefill count as waiting). The scraped series tell when a
number could be read, to one step of the query. A signal that is neither of the two is not known.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from math import ceil

from elastometer.analysis import replicas
from elastometer.analysis.evidence import Evidence
from elastometer.analysis.explain_needs import Signals
from elastometer.analysis.explain_points import Wants
from elastometer.analysis.steps import Step, Steps
from elastometer.hpa.settings import HpaSpec, Metric, MetricType, TargetType
from elastometer.model.bundle import SeriesName
from elastometer.model.document import Document, documents_at, text_at
from elastometer.model.measured import Source
from elastometer.model.units import to_seconds

_NAMES = (("num_requests_waiting", SeriesName.WAITING), ("num_requests_running", SeriesName.RUNNING),
          ("cache_usage", SeriesName.KV_CACHE))
_TRIGGER = re.compile(r"s(\d+)-")
# A query that sums one or several gauges as they are; what it does more than that is not followed.
_PLAIN_SUM = re.compile(r"\s*sum\s*\([^()]*\)(\s*\+\s*sum\s*\([^()]*\))*\s*")
_REQUEST_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class _Signal:
    """What a metric measures: the sum of these series, over Pods or per Pod."""

    metric: Metric
    series: frozenset[SeriesName]

    @property
    def is_per_replica(self) -> bool:
        """Whether the bare ratio is multiplied by the replicas."""
        return self.metric.type is MetricType.PODS or self.metric.target_type is not TargetType.AVERAGE_VALUE

    def wanted(self, total: float, sampled: float, ordered: float) -> float:
        """ceil(replicas x value / target), as the bare ratio has it."""
        target = self.metric.target / 1000
        mean = total / max(sampled, 1.0)
        return float(ceil(round((mean * ordered if self.is_per_replica else total) / target, 9)))


def signals(evidence: Evidence, spec: HpaSpec, test: Document) -> Signals:
    """Of the metric that is known; with several metrics neither side can be told, and both are None."""
    known = [_signal_of(metric, test) for metric in spec.metrics]
    signal = known[0] if len(known) == 1 else None
    if signal is None:
        return Signals()
    return Signals(_truth(signal, evidence), _readable(signal, evidence))


def _signal_of(metric: Metric, test: Document) -> _Signal | None:
    """By the metric's name, or by the query of the KEDA trigger that it stands for."""
    if metric.type in (MetricType.RESOURCE, MetricType.CONTAINER_RESOURCE):
        return None
    text, trigger = metric.name, _TRIGGER.match(metric.name)
    if metric.type is MetricType.EXTERNAL and trigger is not None:
        triggers = documents_at(test, "spec", "autoscaler", "scaledObject", "triggers")
        index = int(trigger.group(1))
        text = text_at(triggers[index], "metadata", "query") or "" if index < len(triggers) else ""
        text = text if _PLAIN_SUM.fullmatch(re.sub(r"\{[^}]*\}", "", text)) else ""
    series = frozenset(name for part, name in _NAMES if part in text)
    return _Signal(metric, series) if series and metric.target > 0 else None


def _truth(signal: _Signal, evidence: Evidence) -> Wants | None:
    """By the requests' records; the KV cache is in none of them."""
    if not evidence.requests or SeriesName.KV_CACHE in signal.series:
        return None
    moves = sorted(_moves(signal.series, evidence))
    return Wants(_wanted(signal, _levels(moves, evidence.origin), replicas.ready(evidence), replicas.ordered(evidence)),
                 Source.REQUEST.value, _REQUEST_SECONDS)


def _moves(series: frozenset[SeriesName], evidence: Evidence) -> Iterator[tuple[int, int]]:
    """(instant, +1 or -1) of every request that comes to count, or counts no longer."""
    both, waiting = len(series) == 2, SeriesName.WAITING in series
    for record in evidence.requests:
        start = record.sent if both or waiting else record.first_token
        end = record.first_token if waiting and not both and record.first_token is not None else record.ended
        if start is not None and end is not None and end > start:
            yield start, 1
            yield end, -1


def _levels(moves: Iterable[tuple[int, int]], origin: int) -> Iterator[Step]:
    total = 0
    for instant, move in moves:
        total += move
        yield to_seconds(instant - origin), float(total)


def _readable(signal: _Signal, evidence: Evidence) -> Wants | None:
    """By the scraped series, on the grid of their query."""
    results = [evidence.samples(name) for name in signal.series]
    if any(result is None for result in results):
        return None
    totals: dict[int, float] = {}
    pods: dict[int, set[str]] = {}
    for result in results:
        for one in result.series if result is not None else ():
            for instant, value in one.samples:
                totals[instant] = totals.get(instant, 0.0) + value
                pods.setdefault(instant, set()).add(one.pod)
    sampled = Steps.of((evidence.seconds(instant), float(len(names))) for instant, names in pods.items())
    step = max(result.step_seconds or 0.0 for result in results if result is not None)
    levels = [(evidence.seconds(instant), total) for instant, total in sorted(totals.items())]
    return Wants(_wanted(signal, levels, sampled, replicas.ordered(evidence)),
                 Source.PROMETHEUS.value, step)


def _wanted(signal: _Signal, levels: Iterable[tuple[float, float]], sampled: Steps, ordered: Steps) -> Steps:
    """The want at every change of the signal, of the Pods that it is measured on, or of the replicas that were ordered.

    Before anything was ordered there is nothing to multiply by, and no want.
    """
    total, pods, size = 0.0, 0.0, None
    found: list[Step] = []
    for time, kind, value in merge(_tagged(levels, 0), _tagged(sampled.points, 1), _tagged(ordered.points, 2)):
        if kind == 0:
            total = value
        elif kind == 1:
            pods = value
        else:
            size = value
        if size is not None:
            wanted = signal.wanted(total, pods, size)
            if found and found[-1][0] == time:
                found.pop()
            if not found or found[-1][1] != wanted:
                found.append((time, wanted))
    return Steps(tuple(found))


def _tagged(points: Iterable[Step], kind: int) -> Iterator[tuple[float, int, float]]:
    return ((time, kind, value) for time, value in points)
