"""What an autoscaler sees of the replicas at an instant: Pods by the API, numbers by the metrics' path."""
from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import assert_never

from elastometer.hpa.sync import PodLook, Sample
from elastometer.model.errors import SpecError
from elastometer.twin.fleet import Fleet
from elastometer.twin.replica import Replica
from elastometer.twin.scenario import MetricsPath, Scenario, Signal
from elastometer.twin.traffic import Traffic

MILLI = 1000
# A sample per replica and look, a hundred thousand in a search: the named tuple's own constructor costs as much again.
_NEW = tuple.__new__


class Sight:
    """Reads; changes nothing."""

    def __init__(self, scenario: Scenario, fleet: Fleet, traffic: Traffic) -> None:
        self.scenario = scenario
        self.fleet = fleet
        self.traffic = traffic
        self._requests = dict(scenario.capacity.requests)

    def pods(self, at: float) -> tuple[PodLook, ...]:
        """Every Pod of the target, those on their way out too."""
        requests = self._requests
        return tuple([one.look(at, requests) for one in self.fleet.present(at)])

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
        """The sum over all replicas that have a sample, milli-units; None where none has."""
        found = self.samples(signal, at)
        return sum([one[1] for one in found]) if found else None

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
        left = replica.left
        if not left or left[-1] <= at:
            return 0
        return MILLI * replica.waiting(at, bisect_right(self.traffic.at, at))

    def _kv_cache(self, replica: Replica, at: float) -> int:
        """Share of the cache that the prompts and the tokens made so far fill."""
        size = self.scenario.capacity.kv_tokens
        if size is None:
            raise SpecError("capacity.kvTokens: must be known where an autoscaler looks at the KV cache, is not")
        held = sum(prompt + made for prompt, made in self.traffic.progress(replica, at))
        return round(MILLI * min(1.0, held / size))

    def _cpu(self, replica: Replica, at: float) -> int:
        """Cores, averaged over the window before `at`."""
        capacity, window = self.scenario.capacity, self._path(Signal.CPU).window_seconds
        if capacity.cpu_seconds_per_token is None:
            raise SpecError("capacity.cpuSecondsPerToken: must be known where an autoscaler looks at CPU, is not")
        made = self.traffic.tokens_between(replica, at - window, at)
        return round(MILLI * (capacity.cpu_idle + capacity.cpu_seconds_per_token * made / window))
