"""The input of the twin: a demand, the capacity of a replica, and an autoscaler. Times are seconds from load start."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import NamedTuple

from elastometer.hpa.settings import HpaSpec
from elastometer.model.capacity import Capacity
from elastometer.twin.closed_load import ClosedLoad
from elastometer.twin.sources import Formula, Source, Trigger
from elastometer_loadgen.profile.profile import ConnectionPolicy


class Arrival(NamedTuple):
    """One request: when it arrives, its tokens, the index of its stage, and its task. What is due in a warm-up is not
    judged."""

    at: float
    prompt_tokens: int
    output_tokens: int
    stage: int
    task: str = ""
    is_judged: bool = True


@dataclass(frozen=True, slots=True)
class MetricsPath:
    """How old a number is when the autoscaler reads it.

    Each replica is scraped every `scrape_seconds`: all replicas at `phase_seconds`, or each at its own random phase if
    that is None. A scrape can be read `delay_seconds` later. Scrapes of a new replica succeed from
    `first_sample_seconds` after it is Ready (negative: its process serves metrics earlier). A CPU sample is the average
    over `window_seconds`.
    """

    scrape_seconds: float
    delay_seconds: float = 0.0
    first_sample_seconds: float = 0.0
    window_seconds: float = 0.0
    phase_seconds: float | None = None


class Balancing(StrEnum):
    """Which replica gets a request: a random one (kube-proxy, with a connection for each request), the one of a
    connection that is kept, or the one with the fewest requests in flight."""

    UNIFORM = "Uniform"
    BY_CONNECTION = "ByConnection"
    LEAST_IN_FLIGHT = "LeastInFlight"


# What each connection policy of a load makes of a Service that kube-proxy serves.
BALANCING_OF: Mapping[str, Balancing] = {
    ConnectionPolicy.PER_REQUEST: Balancing.UNIFORM, ConnectionPolicy.REUSE: Balancing.BY_CONNECTION,
    ConnectionPolicy.MAX_AGE: Balancing.BY_CONNECTION, ConnectionPolicy.SPREAD_OVER_PODS: Balancing.LEAST_IN_FLIGHT,
}


@dataclass(frozen=True, slots=True)
class HpaController:
    """The HPA, which syncs at `phase_seconds` + k x its period; `sources[j]` is where `spec.metrics[j]` comes from, or
    None if KEDA serves it.

    `sync_instants` are those of a recorded controller, whose period drifts with the work of each sync: a quarter of a
    second can mean two requests in a queue. They apply while phase and period are still those of the record.
    """

    spec: HpaSpec
    sources: tuple[Source | None, ...]
    phase_seconds: float = 0.0
    sync_instants: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class KedaController:
    """KEDA: the HPA that it creates, and its own loop between zero (or idle) and some, every `polling_seconds`.

    The HPA's External metrics are the numbers of the `triggers`, in their order, or the one of the `formula` that
    combines them. They come from the triggers' sources at each sync, whatever the polling interval, unless the trigger
    is cached. `minimum` is minReplicaCount, which may be 0 although the HPA's own minimum is then 1.

    KEDA keeps its instants in whole seconds of the wall clock, on which the second at the start of the load is
    `second_share` over. The ScaledObject was created at `created_seconds`.
    """

    hpa: HpaController
    polling_seconds: float
    cooldown_seconds: float
    minimum: int = 0
    triggers: tuple[Trigger, ...] = ()
    formula: Formula | None = None
    idle_replicas: int | None = None
    phase_seconds: float = 0.0
    initial_cooldown_seconds: float = 0.0
    created_seconds: float = -inf
    second_share: float = 0.0


@dataclass(frozen=True, slots=True)
class KpaController:
    """Knative's own autoscaler: averages of concurrency over a stable and a panic window, every `period_seconds`.

    `target` is the concurrency per replica that it aims at (container concurrency x target utilization). The last
    replica is removed once no replica has been wanted for `zero_grace_seconds`. The defaults are Knative's own.
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


@dataclass(frozen=True, slots=True)
class ScheduledController:
    """No autoscaler: spec.replicas is set to each of the `sizes` at its instant, as (seconds, replicas) in order of
    time. So a fixed number of replicas, or a supply that knows the demand in advance, can be simulated."""

    sizes: tuple[tuple[float, int], ...]


Controller = HpaController | KedaController | KpaController | ScheduledController


@dataclass(frozen=True, slots=True)
class RecordedRandomness:
    """The random draw of a recorded run. Anything that is not given or not known is drawn from the seed.

    `choices` is the number of the replica that each request went to (-1: not known); it applies while that replica
    serves. `choice_of` is the same by the id of a request, where others may be sent than were recorded. By number of
    the replica: `phases` is when in its scrape period it was scraped, `ids` the rank of its Pod's uid, which decides
    between equals at a scale-in; both are shares from 0 to 1, a phase may be None (not known).
    `starts` are the cold starts of the replicas that were added, in order.
    """

    choices: tuple[int, ...] = ()
    choice_of: Mapping[int, int] = field(default_factory=dict)
    phases: tuple[float | None, ...] = ()
    ids: tuple[float, ...] = ()
    starts: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario from `start_seconds` to `horizon_seconds`. Arrivals are in order of time; what is sent when answers
    come is in `closed`. Everything random is drawn from the seed, except what is given as `recorded`. Where an answer
    ends the load, the scenario ends `tail_seconds` after it, if that is before the horizon.

    `cold_starts` are the seconds from the change of spec.replicas to serving, measured or given, in ascending order;
    for the first `pending_seconds` of them the Pod is Pending. The first replicas have been Ready for
    `initial_age_seconds` at the start.

    A Pod that is deleted takes no new request, finishes those it has, and stays for at least `drain_seconds`; requests
    that have not ended `grace_seconds` later are lost. A client that receives nothing for `patience_seconds` gives up,
    and so does one whose request lasts `timeout_seconds`. A request is refused while no replica serves, except that
    Knative's activator keeps it. A kept connection is used until it is `connection_seconds` old.

    `resource_path` is the metrics path of Signal.CPU, if it differs from `path`.
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
    balancing: Balancing = Balancing.UNIFORM
    resource_path: MetricsPath | None = None
    connection_seconds: float = inf
    initial_age_seconds: float = 60.0
    recorded: RecordedRandomness | None = None
    closed: ClosedLoad | None = None
    tail_seconds: float = inf

    @property
    def request_count(self) -> int:
        """How many requests there are; about how many where that depends on answers."""
        return len(self.arrivals) if self.closed is None else self.closed.expected

    @property
    def load_end(self) -> float:
        """The last instant at which anything is sent by plan, in seconds from the load's start."""
        stages = () if self.closed is None else self.closed.stages
        return max([*(arrival.at for arrival in self.arrivals), *(stage.end for stage in stages)], default=0.0)
