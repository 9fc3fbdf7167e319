"""What a run used: memory, CPU, throttling, queues, KV cache, network, GPUs and a team's series, on the run's clock.

Values are as scraped, in the unit of their quantity. What was not measured is None, with a reason.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from elastometer.model.estimates import Slope
from elastometer.model.measurements import Duration

# Why a value that rose by less than counts has no time to return.
HARDLY_ROSE = "it hardly rose above idle"


class WindowKind(StrEnum):
    """What a part of the run is to its resources."""

    IDLE = "Idle"  # from the first Ready replica to the start of the load
    STAGE = "Stage"
    QUIET = "Quiet"  # a stage that offers no load
    STEP = "Step"  # of a Knee, within the window of its stage
    AFTER = "After"  # from the end of the load to the end of the record


# What a level is of that offers load.
OF_LOAD = frozenset({WindowKind.STAGE, WindowKind.STEP})


def step_name(stage: str, value: int, *, is_soak: bool = False) -> str:
    """The name of the part of a run in which a Knee held one level: climb 100, climb 100 soak."""
    return f"{stage} {value} soak" if is_soak else f"{stage} {value}"


class Of(StrEnum):
    """Which Pods a row is about."""

    ALL_PODS = "AllPods"
    HIGHEST_POD = "HighestPod"


class Group(StrEnum):
    """Where a quantity belongs."""

    MEMORY = "Memory"
    CPU = "CPU"
    SERVER = "Server"
    GPU = "GPU"
    NETWORK = "Network"
    OWN = "Own"  # spec.measurement.series


@dataclass(frozen=True, slots=True)
class ResourceWindow:
    """A part of the run, in seconds from the start of the load, and the stage that it is of."""

    name: str
    kind: WindowKind
    start_seconds: float
    end_seconds: float
    stage: str | None = None


@dataclass(frozen=True, slots=True)
class ResourceLevel:
    """One row within one window: over `samples` instants. `pod` is the Pod with the highest mean, in a row of the
    highest Pod. `increase` is how much a counter grew. The slope is per minute; there is none where Pods came or
    went. `growth` is the mean less that before the load, of the same Pods. `returned` counts from the end of a part
    with load until the value was back in the part without any that follows it; None where load follows."""

    samples: int
    mean: float | None = None
    peak: float | None = None
    increase: float | None = None
    slope: Slope | None = None
    pod: str | None = None
    growth: float | None = None
    returned: Duration | None = None


@dataclass(frozen=True, slots=True)
class ResourceRow:
    """Levels in the order of the windows. `idle` is the mean before the load, `after` the mean of the last third of
    what follows it, and `growth` their difference, of the Pods that were there at both (`growth_pod` is the one that
    grew most). `returned` counts from the end of the load until the value was back at `back_at` for good."""

    of: Of
    levels: tuple[ResourceLevel, ...]
    peak: float | None
    peak_seconds: float | None
    peak_pod: str | None
    idle: float | None
    after: float | None
    growth: float | None
    growth_pod: str | None
    growth_reason: str | None
    back_at: float | None
    returned: Duration


@dataclass(frozen=True, slots=True)
class ResourceLine:
    """What a chart draws, at the quantity's `seconds`: a Pod, or the lowest, median and highest of many."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class ResourceQuantity:
    """One quantity with its source. Without rows, `reason` says why and what would bring them.

    `metric` is what was queried, `jobs` are the scrape jobs that had it, and `witness` says whose it is. An instant is
    known to `resolution_seconds`: how far apart the samples were taken, where they say so, else the query's step and
    the scrape period. Each point of a line is the highest value of its interval.
    """

    name: str
    title: str
    group: Group
    unit: str
    metric: str
    witness: str
    outcome: str
    reason: str | None = None
    jobs: tuple[str, ...] = ()
    step_seconds: float | None = None
    resolution_seconds: float | None = None
    pods: int = 0
    rows: tuple[ResourceRow, ...] = ()
    seconds: tuple[float, ...] = ()
    lines: tuple[ResourceLine, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplicaRow:
    """One Pod of the heat map, or the others together (`others` of them). Values are the highest of each interval, None
    where the Pod was not scraped."""

    pod: str
    waiting: tuple[float | None, ...]
    running: tuple[float | None, ...]
    kv_cache_percent: tuple[float | None, ...]
    others: int = 0
    mean_waiting: float | None = None
    peak_waiting: float | None = None
    waiting_seconds: float | None = None
    mean_running: float | None = None
    peak_running: float | None = None
    peak_kv_cache_percent: float | None = None


@dataclass(frozen=True, slots=True)
class ReplicaMap:
    """The heat map by replica. `busiest_percent` is the share of all waiting that was in the busiest replica of each
    instant with two or more, and `even_percent` what it would be if all had had equal parts."""

    seconds: tuple[float, ...]
    interval_seconds: float
    resolution_seconds: float
    rows: tuple[ReplicaRow, ...]
    busiest_percent: float | None = None
    even_percent: float | None = None


@dataclass(frozen=True, slots=True)
class LevelResources:
    """What all Pods together used over one span: means, and how many preemptions. `cpu_of` and `memory_of` name the
    quantity that the number is of. What is None has its reason in `missing`, by the name of the field."""

    cpu_cores: float | None = None
    cpu_of: str | None = None
    memory_bytes: float | None = None
    memory_peak_bytes: float | None = None
    memory_of: str | None = None
    gpu_memory_bytes: float | None = None
    kv_cache_percent: float | None = None
    waiting: float | None = None
    running: float | None = None
    preemptions: float | None = None
    missing: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ResourcesUsed:
    """All quantities, in order. With a `reason` nothing was recorded at all."""

    reason: str | None = None
    windows: tuple[ResourceWindow, ...] = ()
    quantities: tuple[ResourceQuantity, ...] = ()
    replicas: ReplicaMap | None = None
