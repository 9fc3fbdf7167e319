"""What an autoscaler sees of the replicas at an instant: Pods through the API, numbers through the metrics path."""
from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import assert_never

from elastometer.hpa.sync import PodInput, Sample
from elastometer.model.errors import SpecError
from elastometer.twin.fleet import Fleet
from elastometer.twin.replica import Replica
from elastometer.twin.scenario import MetricsPath, Scenario, Signal
from elastometer.twin.traffic import Traffic

MILLI = 1000
# There is a sample per replica and sync, a hundred thousand in a search. The named tuple's own constructor would double
# the cost of making one.
_NEW = tuple.__new__


class MetricsView:
    """Read-only access to the Pods and their metrics."""

    def __init__(self, scenario: Scenario, fleet: Fleet, traffic: Traffic) -> None:
        self.scenario = scenario
        self.fleet = fleet
        self.traffic = traffic
        self._requests = dict(scenario.capacity.requests)

    def pods(self, at: float) -> tuple[PodInput, ...]:
        """Every Pod of the target, including those that are being deleted."""
        requests = self._requests
        return tuple([replica.pod_at(at, requests) for replica in self.fleet.present(at)])

    def samples(self, signal: Signal, at: float) -> tuple[Sample, ...]:
        """The newest readable sample of each replica that has one, in milli-units."""
        path, measure = self._path(signal), self._measure(signal)
        period, first, window, shared = path.scrape_seconds, path.first_sample_seconds, path.window_seconds, \
            path.phase_seconds
        readable, found = at - path.delay_seconds, []
        for replica in self.fleet.present(at):
            phase = replica.phase * period if shared is None else shared
            scraped = (readable - phase) // period * period + phase
            if scraped >= replica.ready + first:
                found.append(_NEW(Sample, (replica.name, measure(replica, scraped), scraped, window)))
        return tuple(found)

    def total(self, signal: Signal, at: float) -> int | None:
        """The sum over all replicas that have a sample, in milli-units; None if no replica has one."""
        found = self.samples(signal, at)
        return sum([sample[1] for sample in found]) if found else None

    def _path(self, signal: Signal) -> MetricsPath:
        scenario = self.scenario
        return scenario.resource_path or scenario.path if signal is Signal.CPU else scenario.path

    def _measure(self, signal: Signal) -> Callable[[Replica, float], int]:
        """Milli-units of one replica at the instant of a scrape."""
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
        """The share of the cache that is filled by the prompts and the output tokens so far."""
        size = self.scenario.capacity.kv_tokens
        if size is None:
            raise SpecError("capacity.kvTokens: must be known if an autoscaler scales on the KV cache, is absent")
        held = sum(prompt + made for prompt, made in self.traffic.progress(replica, at))
        return round(MILLI * min(1.0, held / size))

    def _cpu(self, replica: Replica, at: float) -> int:
        """Cores, averaged over the window before `at`."""
        capacity, window = self.scenario.capacity, self._path(Signal.CPU).window_seconds
        if capacity.cpu_seconds_per_token is None:
            raise SpecError("capacity.cpuSecondsPerToken: must be known if an autoscaler scales on CPU, is absent")
        made = self.traffic.tokens_between(replica, at - window, at)
        return round(MILLI * (capacity.cpu_idle + capacity.cpu_seconds_per_token * made / window))
