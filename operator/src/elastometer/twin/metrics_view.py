"""What an autoscaler sees of the replicas at an instant: Pods through the API, numbers through the metrics path."""
from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from enum import Enum
from typing import TypeAlias, assert_never

from elastometer.hpa.sync import PodInput, Sample
from elastometer.model.errors import SpecError
from elastometer.promql.evaluate import Elements, QueryError, Samples, evaluate
from elastometer.promql.series import labels_of_pod
from elastometer.promql.tree import Node
from elastometer.twin.fleet import Fleet
from elastometer.twin.replica import Replica
from elastometer.twin.scenario import MetricsPath, Scenario
from elastometer.twin.sources import METRICS, Asked, Nowhere, Signal, Source
from elastometer.twin.traffic import Traffic

MILLI = 1000
# There is a sample per replica and sync, a hundred thousand in a search. The named tuple's own constructor would double
# the cost of making one.
_NEW = tuple.__new__
Measure: TypeAlias = Callable[[Replica, float], float]


class Missing(Enum):
    """Why a source has no number: nothing was selected, or the answer is not one number."""

    EMPTY = "empty"
    ERROR = "error"


Number: TypeAlias = float | Missing


def only_number(node: Node, samples: Samples) -> Number:
    """The value of a query that KEDA and the metrics API can read: a vector of one element."""
    try:
        found = evaluate(node, samples)
    except QueryError:
        return Missing.ERROR
    if isinstance(found, float) or len(found) > 1:
        return Missing.ERROR
    return next(iter(found.values()), Missing.EMPTY)


class MetricsView:
    """Read-only access to the Pods and their metrics."""

    def __init__(self, scenario: Scenario, fleet: Fleet, traffic: Traffic) -> None:
        self.scenario = scenario
        self.fleet = fleet
        self.traffic = traffic
        self._requests = dict(scenario.capacity.requests), scenario.capacity.container_requests

    def pods(self, at: float) -> tuple[PodInput, ...]:
        """Every Pod of the target, including those that are being deleted."""
        requests = self._requests
        return tuple([replica.pod_at(at, requests) for replica in self.fleet.present(at)])

    def samples(self, signal: Signal, at: float) -> tuple[Sample, ...]:
        """The newest readable sample of each replica that has one, in milli-units."""
        return self._sampled(signal, self._measure(signal), at)

    def _sampled(self, signal: Signal, measure: Measure, at: float) -> tuple[Sample, ...]:
        path = self._path(signal)
        period, first, window, shared = path.scrape_seconds, path.first_sample_seconds, path.window_seconds, \
            path.phase_seconds
        readable, found = at - path.delay_seconds, []
        for replica in self.fleet.present(at):
            phase = replica.phase * period if shared is None else shared
            scraped = (readable - phase) // period * period + phase
            if scraped >= replica.ready + first:
                found.append(_NEW(Sample, (replica.name, measure(replica, scraped), scraped, window)))
        return tuple(found)

    def number(self, source: Source, at: float) -> Number:
        """The one number that a source gives for all replicas, or why there is none."""
        match source:
            case Signal():
                found = self._sampled(source, self._exact(source), at)
                return sum([sample[1] for sample in found]) / MILLI if found else Missing.EMPTY
            case Asked(node=node):
                return only_number(node, lambda metric: self._elements(METRICS[metric], at))
            case Nowhere():
                return Missing.EMPTY
            case other:
                assert_never(other)

    def _elements(self, signal: Signal, at: float) -> Elements:
        """The newest sample of each replica, with the labels in which the series of replicas differ."""
        found = self._sampled(signal, self._exact(signal), at)
        return {labels_of_pod(sample.pod): sample.value / MILLI for sample in found}

    def _path(self, signal: Signal) -> MetricsPath:
        scenario = self.scenario
        return scenario.resource_path or scenario.path if signal is Signal.CPU else scenario.path

    def _exact(self, signal: Signal) -> Measure:
        """Milli-units that are not rounded: Prometheus calculates with floats."""
        return self._kv_share if signal is Signal.KV_CACHE else self._measure(signal)

    def _measure(self, signal: Signal) -> Measure:
        """Whole milli-units of one replica at the instant of a scrape, as an API that serves quantities rounds them."""
        match signal:
            case Signal.WAITING:
                return self._waiting
            case Signal.RUNNING:
                return lambda replica, at: MILLI * self.traffic.running(replica, at)
            case Signal.IN_FLIGHT:
                return lambda replica, at: self._waiting(replica, at) + MILLI * self.traffic.running(replica, at)
            case Signal.KV_CACHE:
                return self._kv_cache
            case Signal.CPU:
                return self._cpu
            case other:
                assert_never(other)

    def _waiting(self, replica: Replica, at: float) -> int:
        left_queue = replica.left_queue
        # Most replicas have no queue; this answers for them without a search of the lists.
        if not left_queue or left_queue[-1] <= at:
            return 0
        return MILLI * replica.waiting(at, bisect_right(self.traffic.at, at))

    def _kv_cache(self, replica: Replica, at: float) -> int:
        return round(self._kv_share(replica, at))

    def _kv_share(self, replica: Replica, at: float) -> float:
        """The share of the cache that is filled by the prompts and the output tokens so far, in thousandths."""
        size = self.scenario.capacity.kv_tokens
        if size is None:
            raise SpecError("capacity.kvTokens: must be known if an autoscaler scales on the KV cache, is absent")
        held = sum(prompt + made for prompt, made in self.traffic.progress(replica, at))
        return MILLI * min(1.0, held / size)

    def _cpu(self, replica: Replica, at: float) -> int:
        """Cores, averaged over the window before `at`."""
        capacity, window = self.scenario.capacity, self._path(Signal.CPU).window_seconds
        if capacity.cpu_seconds_per_token is None:
            raise SpecError("capacity.cpuSecondsPerToken: must be known if an autoscaler scales on CPU, is absent")
        made = self.traffic.tokens_between(replica, at - window, at)
        return round(MILLI * (capacity.cpu_idle + capacity.cpu_seconds_per_token * made / window))
