"""One question to the twin: this demand, on replicas like these, under this autoscaler. Seconds from load start."""
from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from elastometer.hpa.settings import HpaSpec


class Arrival(NamedTuple):
    """One request: when it arrives, what it carries, which stage it is of (index)."""

    at: float
    prompt_tokens: int
    output_tokens: int
    stage: int


@dataclass(frozen=True, slots=True)
class Capacity:
    """One replica: up to `slots` requests run at once, the others wait in its own queue, first come first served.

    A request that runs with n - 1 others has its first token after `prefill_seconds` + prompt tokens x
    `prefill_seconds_per_token`, and a further one every `decode_seconds` + (n - 1) x `decode_seconds_per_neighbour`.
    `cpu_seconds_per_token` is what a token costs of CPU, None where it was not measured; `cpu_idle` cores are used
    by a replica that does nothing.
    """

    slots: int
    prefill_seconds: float
    prefill_seconds_per_token: float
    decode_seconds: float
    decode_seconds_per_neighbour: float = 0.0
    cpu_seconds_per_token: float | None = None
    cpu_idle: float = 0.0


@dataclass(frozen=True, slots=True)
class MetricsPath:
    """How old a number is when the autoscaler reads it.

    Scraped every `scrape_seconds`; a new Pod's first sample is readable `first_sample_seconds` after it is Ready (or
    after its process serves metrics, where that is known); `window_seconds` is what a CPU sample is averaged over.
    """

    scrape_seconds: float
    delay_seconds: float = 0.0
    first_sample_seconds: float = 0.0
    window_seconds: float = 0.0


class Signal(StrEnum):
    """What a metric of the autoscaler measures, of one replica."""

    WAITING = "waiting"  # requests in the replica's queue
    RUNNING = "running"  # requests that run
    IN_FLIGHT = "inFlight"  # both
    KV_CACHE = "kvCache"  # share of the KV cache in use
    CPU = "cpu"  # cores used


@dataclass(frozen=True, slots=True)
class HpaController:
    """The HPA, syncing at `phase_seconds` + k x its period; `signals[j]` is what `spec.metrics[j]` measures."""

    spec: HpaSpec
    signals: tuple[Signal, ...]
    phase_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class KedaController:
    """KEDA: the HPA that it makes, and its own loop between 0 and 1, every `polling_seconds`."""

    hpa: HpaController
    polling_seconds: float
    cooldown_seconds: float
    activation: int = 0
    idle_replicas: int | None = None


@dataclass(frozen=True, slots=True)
class KpaController:
    """A Knative-style autoscaler: averages of concurrency over a stable and a panic window, every 2 seconds."""

    minimum: int
    maximum: int
    target: float
    stable_window_seconds: float = 60.0
    panic_window_seconds: float = 6.0
    panic_threshold: float = 2.0
    max_scale_up_rate: float = 1000.0
    max_scale_down_rate: float = 2.0
    period_seconds: float = 2.0


Controller = HpaController | KedaController | KpaController


@dataclass(frozen=True, slots=True)
class Scenario:
    """`cold_starts` are the seconds from spec.replicas to serving, in ascending order: what was measured, or given.

    `drain_seconds` is how long a Pod that was told to go still accepts requests. The horizon is where the twin stops.
    """

    arrivals: tuple[Arrival, ...]
    capacity: Capacity
    cold_starts: tuple[float, ...]
    path: MetricsPath
    controller: Controller
    initial_replicas: int
    start_seconds: float
    horizon_seconds: float
    drain_seconds: float = 0.0
    seed: int = 0
