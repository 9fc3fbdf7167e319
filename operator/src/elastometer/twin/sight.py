"""What an autoscaler sees of the replicas at an instant: Pods by the API, numbers by the metrics' path."""
from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import assert_never

from elastometer.hpa.look import PodLook, Sample
from elastometer.model.errors import SpecError
from elastometer.twin.fleet import Fleet
from elastometer.twin.replica import Replica
from elastometer.twin.scenario import MetricsPath, Scenario, Signal
from elastometer.twin.traffic import Traffic

MILLI = 1000


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
        """The newest sample of each replica that has one, in milli-units."""
        path, measure = self._path(signal), self._measure(signal)
        found = []
        for replica in self.fleet.present(at):
            scraped = replica.scraped_at(at, path)
            if scraped is not None:
                found.append(Sample(replica.name, round(measure(replica, scraped) * MILLI), scraped,
                                    path.window_seconds))
        return tuple(found)

    def total(self, signal: Signal, at: float) -> int | None:
        """The sum over all replicas that have a sample, milli-units; None where none has."""
        found = self.samples(signal, at)
        return sum(one.value for one in found) if found else None

    def _path(self, signal: Signal) -> MetricsPath:
        scenario = self.scenario
        return scenario.resource_path or scenario.path if signal is Signal.CPU else scenario.path

    def _measure(self, signal: Signal) -> Callable[[Replica, float], float]:
        match signal:
            case Signal.WAITING:
                return self._waiting
            case Signal.RUNNING:
                return Replica.running
            case Signal.IN_FLIGHT:
                return lambda replica, at: self._waiting(replica, at) + replica.running(at)
            case Signal.KV_CACHE:
                return self._kv_cache
            case Signal.CPU:
                return self._cpu
            case other:
                assert_never(other)

    def _waiting(self, replica: Replica, at: float) -> int:
        return replica.waiting(at, bisect_right(self.traffic.at, at))

    def _kv_cache(self, replica: Replica, at: float) -> float:
        """Share of the cache that the prompts and the tokens made so far fill."""
        size = self.scenario.capacity.kv_tokens
        if size is None:
            raise SpecError("capacity.kvTokens: must be known where an autoscaler looks at the KV cache, is not")
        held = sum(prompt + made for prompt, made in self.traffic.progress(replica, at))
        return min(1.0, held / size)

    def _cpu(self, replica: Replica, at: float) -> float:
        """Cores, averaged over the window before `at`."""
        capacity, window = self.scenario.capacity, self._path(Signal.CPU).window_seconds
        if capacity.cpu_seconds_per_token is None:
            raise SpecError("capacity.cpuSecondsPerToken: must be known where an autoscaler looks at CPU, is not")
        made = self.traffic.tokens_between(replica, at - window, at)
        return capacity.cpu_idle + capacity.cpu_seconds_per_token * made / window
