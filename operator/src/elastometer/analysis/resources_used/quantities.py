"""What is measured of a run's resources: by which series, in which unit, whose it is, and what would bring it."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from elastometer.model.bundle import SeriesName
from elastometer.model.own_series import PATH, OwnSeries
from elastometer.model.resource_names import (
    CONTAINER_CPU,
    CONTAINER_RSS,
    GPU_MEMORY,
    GPU_MEMORY_FILLED,
    GPU_MEMORY_SHARE,
    GPU_UTILIZATION,
    KV_CACHE,
    NETWORK_RECEIVED,
    NETWORK_SENT,
    OPEN_FILES,
    PREEMPTIONS,
    PROCESS_CPU,
    PROCESS_MEMORY,
    REJECTIONS,
    RUNNING,
    THROTTLED,
    WAITING,
    WORKING_SET,
)
from elastometer.model.resources_used import Group
from elastometer.model.units import MEBIBYTE

BYTES, CORES, PERCENT, REQUESTS = "bytes", "cores", "percent", "requests"
BYTES_PER_SECOND, PER_SECOND, DESCRIPTORS = "bytes/s", "per second", "descriptors"
PROCESS = "the process that serves /metrics; in vLLM that is the API server, and its engine is another process"
ENGINE = "the model server's own count"
POD = "the Pod, all its containers"
CONTAINER = "the container `{}`"
NO_PROCESS = ("no series of the servers' processes: let Prometheus scrape their /metrics; several API servers "
              "(--api-server-count) export none")
NO_CONTAINER = ("no series of cAdvisor: let Prometheus scrape the kubelets' /metrics/cadvisor, as "
                "kube-prometheus-stack does by default")
NO_PERIODS = "no CFS periods, which only a container with a CPU limit has: without one nothing throttles it"
NO_NETWORK = "cAdvisor has no network of these Pods, as where they use the node's (hostNetwork)"
NO_SERVER = "no series of the servers: let Prometheus scrape their /metrics"
NO_GPU = ("no series of DCGM for these Pods: where they have NVIDIA GPUs, let Prometheus scrape dcgm-exporter, which "
          "must tell the Pod of each GPU")
NO_REJECTIONS = "no counter of rejections, which a server has that can refuse requests (`--max-num-queued-reqs`)"
NO_FILLED = ("the weights and the space for the KV cache are not known, which the server's log states at its start, or "
             "`vllm:kv_cache_usage_perc` is not scraped")
NO_OWN = "the query returned no series"


class Kind(StrEnum):
    """How a quantity follows from its series."""

    GAUGE = "Gauge"
    RATE = "Rate"  # a counter's growth per second
    EVENTS = "Events"  # the same, of events that are counted one by one: a Pod's first sample counts from 0
    SHARE = "Share"  # of two counters' growth, percent
    PART = "Part"  # of one gauge in the sum of two, percent


class Total(StrEnum):
    """How the Pods' values make one of all Pods."""

    SUM = "Sum"
    MEAN = "Mean"
    NONE = "None"  # it is not known whether values may be added


@dataclass(frozen=True, slots=True)
class Defined:
    """A quantity. `other` is the second series of a share, `sampled` the one that says when samples were taken,
    `factor` brings values to the unit, and within `floor` of the idle value a value is back. The series of a Pod that
    are `is_split`, as by a reason, are added."""

    name: str
    title: str
    group: Group
    kind: Kind
    total: Total
    unit: str
    series: str
    metric: str
    witness: str
    missing: str
    floor: float
    other: SeriesName | None = None
    sampled: SeriesName | None = None
    factor: float = 1.0
    containers: tuple[str, ...] = ()
    is_split: bool = False


# Of several rows of one Pod: the server's container, else the Pod's own; a Pod's network has only the latter.
_SERVER_FIRST, _POD_ONLY = ("server", ""), ("", "POD")
_CADVISOR = SeriesName.CONTAINER_SAMPLED
_SAMPLED: Mapping[SeriesName, SeriesName] = {
    SeriesName.PROCESS_MEMORY: SeriesName.PROCESS_SAMPLED, SeriesName.PROCESS_CPU: SeriesName.PROCESS_SAMPLED,
    **dict.fromkeys((SeriesName.WORKING_SET, SeriesName.CONTAINER_RSS, SeriesName.CONTAINER_CPU,
                     SeriesName.CFS_THROTTLED), _CADVISOR),
}


def _memory(name: str, title: str, series: SeriesName, witness: str, missing: str) -> Defined:
    containers = () if missing is NO_PROCESS else _SERVER_FIRST
    return Defined(name, title, Group.MEMORY, Kind.GAUGE, Total.SUM, BYTES, series, series.value, witness, missing,
                   floor=8 * MEBIBYTE, sampled=_SAMPLED[series], containers=containers)


def _cpu(name: str, title: str, series: SeriesName, witness: str, missing: str) -> Defined:
    containers = () if missing is NO_PROCESS else _SERVER_FIRST
    return Defined(name, title, Group.CPU, Kind.RATE, Total.SUM, CORES, series, series.value, witness, missing,
                   floor=0.05, sampled=_SAMPLED[series], containers=containers)


def _server(name: str, title: str, series: SeriesName, metric: str, unit: str = REQUESTS) -> Defined:
    is_share = unit == PERCENT
    return Defined(name, title, Group.SERVER, Kind.GAUGE, Total.MEAN if is_share else Total.SUM, unit, series, metric,
                   ENGINE, NO_SERVER, floor=1.0 if is_share else 0.0, factor=100.0 if is_share else 1.0)


def _network(name: str, title: str, series: SeriesName) -> Defined:
    return Defined(name, title, Group.NETWORK, Kind.RATE, Total.SUM, BYTES_PER_SECOND, series, series.value, POD,
                   NO_NETWORK, floor=1024.0, sampled=SeriesName.NETWORK_SAMPLED, containers=_POD_ONLY)


# Not scraped: `filled.py` derives it of the log and of the share of the KV cache that is in use.
FILLED = Defined(GPU_MEMORY_FILLED, "GPU memory filled", Group.GPU, Kind.GAUGE, Total.SUM, BYTES, SeriesName.KV_CACHE,
                 "weights + space for the KV cache × vllm:kv_cache_usage_perc",
                 "weights and space as the server's log states them; the rest of what is in use is reserved",
                 NO_FILLED, floor=8 * MEBIBYTE)
DEFINED: tuple[Defined, ...] = (
    _memory(PROCESS_MEMORY, "Process memory (RSS)", SeriesName.PROCESS_MEMORY, PROCESS, NO_PROCESS),
    _memory(WORKING_SET, "Container memory (working set)", SeriesName.WORKING_SET, CONTAINER, NO_CONTAINER),
    _memory(CONTAINER_RSS, "Container memory (RSS)", SeriesName.CONTAINER_RSS, CONTAINER, NO_CONTAINER),
    _cpu(PROCESS_CPU, "Process CPU", SeriesName.PROCESS_CPU, PROCESS, NO_PROCESS),
    _cpu(CONTAINER_CPU, "Container CPU", SeriesName.CONTAINER_CPU, CONTAINER, NO_CONTAINER),
    Defined(THROTTLED, "CPU throttled", Group.CPU, Kind.SHARE, Total.MEAN, PERCENT, SeriesName.CFS_THROTTLED,
            "container_cpu_cfs_throttled_periods_total / container_cpu_cfs_periods_total", CONTAINER, NO_PERIODS,
            floor=1.0, other=SeriesName.CFS_PERIODS, sampled=_CADVISOR, containers=_SERVER_FIRST),
    _server(WAITING, "Requests waiting", SeriesName.WAITING, "vllm:num_requests_waiting"),
    _server(RUNNING, "Requests running", SeriesName.RUNNING, "vllm:num_requests_running"),
    _server(KV_CACHE, "KV cache in use", SeriesName.KV_CACHE, "vllm:kv_cache_usage_perc", PERCENT),
    Defined(PREEMPTIONS, "Preemptions", Group.SERVER, Kind.EVENTS, Total.SUM, PER_SECOND, SeriesName.PREEMPTIONS,
            "vllm:num_preemptions_total", ENGINE, NO_SERVER, floor=0.0),
    Defined(REJECTIONS, "Requests rejected", Group.SERVER, Kind.EVENTS, Total.SUM, PER_SECOND,
            SeriesName.ADMISSION_REJECTIONS, "vllm:admission_rejections_total", ENGINE, NO_REJECTIONS, floor=0.0,
            is_split=True),
    Defined(OPEN_FILES, "Open files and connections", Group.SERVER, Kind.GAUGE, Total.SUM, DESCRIPTORS,
            SeriesName.OPEN_FILES, "process_open_fds", PROCESS, NO_PROCESS, floor=1.0,
            sampled=SeriesName.PROCESS_SAMPLED),
    Defined(GPU_MEMORY, "GPU memory in use", Group.GPU, Kind.GAUGE, Total.SUM, BYTES, SeriesName.GPU_MEMORY,
            "DCGM_FI_DEV_FB_USED", "the Pod's GPUs; vLLM reserves most of it at its start", NO_GPU,
            floor=8 * MEBIBYTE, factor=MEBIBYTE),
    Defined(GPU_MEMORY_SHARE, "GPU memory in use, share", Group.GPU, Kind.PART, Total.MEAN, PERCENT,
            SeriesName.GPU_MEMORY, "DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE)",
            "the Pod's GPUs", NO_GPU, floor=1.0, other=SeriesName.GPU_MEMORY_FREE),
    FILLED,
    Defined(GPU_UTILIZATION, "GPU utilization", Group.GPU, Kind.GAUGE, Total.MEAN, PERCENT, SeriesName.GPU_BUSY,
            "DCGM_FI_DEV_GPU_UTIL", "the Pod's GPUs: the share of the time in which a kernel ran, not how full they "
            "were", NO_GPU, floor=1.0),
    _network(NETWORK_RECEIVED, "Network received", SeriesName.NETWORK_RECEIVED),
    _network(NETWORK_SENT, "Network sent", SeriesName.NETWORK_SENT),
)


def defined_own(series: OwnSeries) -> Defined:
    """A team's own query. Its values are not added: nothing says that they may be."""
    return Defined(series.name, series.name, Group.OWN, Kind.GAUGE, Total.NONE, series.unit, series.name, series.query,
                   f"the query of {PATH}", NO_OWN, floor=0.0)
