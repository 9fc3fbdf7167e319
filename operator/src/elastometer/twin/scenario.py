"""One question to the twin: this demand, on replicas like these, under this autoscaler. Seconds from load start."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
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

    A request that starts beside n - 1 others has its first token after `prefill_seconds` + prompt tokens x
    `prefill_seconds_per_token`, and `join_seconds` later where n > 1: the step under way ends first, and the others'
    tokens are made beside its prompt; one from the queue starts as a step ends, and is `refill_seconds` later only. Any
    further token takes `decode_seconds` + (n - 1) x
    `decode_seconds_per_neighbour`. `kv_tokens` is the size of the KV cache, `cpu_seconds_per_token` what an output
    token costs of CPU: None where they were not measured. `cpu_idle` cores are used by a replica that does nothing.
    `requests` is what one Pod requests: resource name -> milli-units.
    """

    slots: int
    prefill_seconds: float
    prefill_seconds_per_token: float
    decode_seconds: float
    decode_seconds_per_neighbour: float = 0.0
    join_seconds: float = 0.0
    refill_seconds: float = 0.0
    kv_tokens: int | None = None
    cpu_seconds_per_token: float | None = None
    cpu_idle: float = 0.0
    requests: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MetricsPath:
    """How old a number is when the autoscaler reads it.

    Each replica is scraped every `scrape_seconds`, all at `phase_seconds` or (None) each at a phase of its own, which
    is drawn; a scrape is readable `delay_seconds` later. Scrapes of a new replica succeed from `first_sample_seconds`
    after it is Ready (negative: its process serves metrics before that). `window_seconds` is what a CPU sample is
    averaged over.
    """

    scrape_seconds: float
    delay_seconds: float = 0.0
    first_sample_seconds: float = 0.0
    window_seconds: float = 0.0
    phase_seconds: float | None = None


class Balancing(StrEnum):
    """How requests come to replicas: chosen at random by kube-proxy for each request, or once per connection."""

    PER_REQUEST = "perRequest"
    KEEP_ALIVE = "keepAlive"


class Signal(StrEnum):
    """What a metric of the autoscaler measures, of one replica."""

    WAITING = "waiting"  # requests in the replica's queue
    RUNNING = "running"  # requests that run
    IN_FLIGHT = "inFlight"  # both
    KV_CACHE = "kvCache"  # share of the KV cache in use
    CPU = "cpu"  # cores used


@dataclass(frozen=True, slots=True)
class HpaController:
    """The HPA, syncing at `phase_seconds` + k x its period; `signals[j]` is what `spec.metrics[j]` measures.

    `looks` are the instants at which a recorded one looked: its period drifts with the work of each look. They count
    while phase and period are still those of the record.
    """

    spec: HpaSpec
    signals: tuple[Signal, ...]
    phase_seconds: float = 0.0
    looks: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class KedaController:
    """KEDA: the HPA that it makes, and its own loop between none (or idle) and some, every `polling_seconds`.

    The HPA's numbers come from the trigger's source at each of its looks, whatever the polling interval. The trigger is
    active while the sum of a signal of the HPA's External metrics is above `activation`, in units of that signal.
    `minimum` is minReplicaCount, which may be 0 where the HPA's own is 1. `null_is_zero`: a query without an answer
    counts as 0.
    """

    hpa: HpaController
    polling_seconds: float
    cooldown_seconds: float
    minimum: int = 0
    activation: float = 0.0
    idle_replicas: int | None = None
    phase_seconds: float = 0.0
    null_is_zero: bool = True


@dataclass(frozen=True, slots=True)
class KpaController:
    """Knative's own autoscaler: averages of concurrency over a stable and a panic window, every `period_seconds`.

    `target` is the concurrency per replica that it aims at (container concurrency x target utilization). The last
    replica goes after no request was wanted for `zero_grace_seconds`.
    """

    minimum: int
    maximum: int
    target: float
    stable_window_seconds: float = 60.0
    panic_window_seconds: float = 6.0
    panic_threshold: float = 2.0
    max_scale_up_rate: float = 1000.0
    max_scale_down_rate: float = 2.0
    period_seconds: float = 2.0
    scale_down_delay_seconds: float = 0.0
    zero_grace_seconds: float = 30.0
    phase_seconds: float = 0.0


Controller = HpaController | KedaController | KpaController


@dataclass(frozen=True, slots=True)
class RecordedChance:
    """What chance made of it in a recorded run; what is not given, or not known, is drawn.

    `choices` is the number of the replica that each request went to (-1: not known), and holds while that replica
    serves. By number of the replica: `phases`, when in its period it was scraped, as a share of it (None: not known);
    `ids`, the place of its Pod's uid among all in order, as a share, which decides who goes first among equals.
    `starts` are the cold starts of those that were added, in order.
    """

    choices: tuple[int, ...] = ()
    phases: tuple[float | None, ...] = ()
    ids: tuple[float, ...] = ()
    starts: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """`cold_starts` are the seconds from spec.replicas to serving, in ascending order: what was measured, or given; in
    the first `pending_seconds` of it the Pod is Pending. Arrivals are in order of time.

    A Pod that is told to go takes no new request, finishes those it has, and stays for `drain_seconds` at least; what
    has not ended `grace_seconds` after is lost. A client that hears nothing for `patience_seconds` gives up, as does
    one whose request lasts `timeout_seconds`. Where no replica serves, a request is refused, but for Knative's
    activator, which keeps it. `resource_path` is that of Signal.CPU, where it is another than `path`.
    The first replicas have been Ready for `initial_age_seconds` when the twin begins.
    A connection that is kept is used until it is `connection_seconds` old. Chance is drawn from the seed, but for what
    is given as `recorded`. The horizon is where the twin stops.
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
    pending_seconds: float = 0.0
    grace_seconds: float = inf
    patience_seconds: float = inf
    timeout_seconds: float = inf
    balancing: Balancing = Balancing.PER_REQUEST
    resource_path: MetricsPath | None = None
    connection_seconds: float = inf
    initial_age_seconds: float = 60.0
    recorded: RecordedChance | None = None
