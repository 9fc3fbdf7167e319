"""The server metrics that a run reads back from Prometheus: names of vLLM 0.33, with every query built in this place.

A query never mixes Pods of two tests: every selector carries the namespace and the Pod names of one Deployment.
Values that come from a test are escaped for PromQL, so that no name can widen a selector.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from elastometer.model.bundle import SeriesName
from elastometer.model.names import Names
from elastometer.model.own_series import OwnSeries
from elastometer.model.server_metrics import KV_CACHE, PREEMPTIONS, REJECTIONS, RUNNING, WAITING
from elastometer.promql.own_series import NAMESPACE, PODS, SERVICE, filled_in


@dataclass(frozen=True, slots=True)
class Query:
    """A query with `$selector` (server Pods), `$exported` (the same, as another exporter's labels) or `$autoscaler` in
    place of the label matchers. What a `coarse` one returns is drawn and tabled only; long runs may thin it out."""

    name: SeriesName
    template: str
    purpose: str
    coarse: bool = False


@dataclass(frozen=True, slots=True)
class RenderedQuery:
    """A query as it is sent to Prometheus."""

    name: str
    promql: str
    purpose: str
    coarse: bool = False


def _gpu(name: SeriesName, metric: str, aggregation: str, purpose: str) -> Query:
    """A metric of dcgm-exporter. Its own labels `namespace` and `pod` name the Pod that holds the GPU; a scrape that
    does not honour them calls them `exported_namespace` and `exported_pod`."""
    own = f"{aggregation} by (pod, job) ({metric}{{$selector}})"
    exported = f'label_replace({metric}{{$exported}}, "pod", "$1", "exported_pod", "(.+)")'
    return Query(name, f"{own} or {aggregation} by (pod, job) ({exported})", purpose, coarse=True)


_PLACEHOLDER = re.compile(r"\$(?:selector|exported|autoscaler)\b")
# Docker's pause container has rows of its own under the name POD; those of its network are the Pod's.
_CONTAINERS = '{$selector,container!="POD"}'

QUERIES: tuple[Query, ...] = (
    Query(SeriesName.WAITING, f"sum by (pod) ({WAITING}{{$selector}})",
          "requests queued in each replica"),
    Query(SeriesName.RUNNING, f"sum by (pod) ({RUNNING}{{$selector}})",
          "sequences in each replica's batch"),
    Query(SeriesName.KV_CACHE, f"max by (pod) ({KV_CACHE}{{$selector}})",
          "share of the KV cache in use, 0 to 1"),
    Query(SeriesName.FINISHED, "sum by (pod, finished_reason) (vllm:request_success_total{$selector})",
          "requests that each replica finished, by reason"),
    Query(SeriesName.PROMPT_TOKENS, "sum by (pod) (vllm:prompt_tokens_total{$selector})",
          "prompt tokens that each replica processed"),
    Query(SeriesName.GENERATION_TOKENS, "sum by (pod) (vllm:generation_tokens_total{$selector})",
          "tokens that each replica generated"),
    Query(SeriesName.PROCESS_START, "max by (pod) (process_start_time_seconds{$selector})",
          "start of each replica's process, Unix seconds"),
    Query(SeriesName.UP, "max by (pod) (up{$selector})",
          "whether the last scrape of each replica succeeded"),
    Query(SeriesName.DESIRED,
          "max by (horizontalpodautoscaler) (kube_horizontalpodautoscaler_status_desired_replicas{$autoscaler})",
          "replicas that the autoscaler decided on, where kube-state-metrics is scraped"),
    Query(SeriesName.PREEMPTIONS, f"sum by (pod) ({PREEMPTIONS}{{$selector}})",
          "sequences that each replica put back into its queue for want of KV cache", coarse=True),
    Query(SeriesName.ADMISSION_REJECTIONS, f"sum by (pod, reason) ({REJECTIONS}{{$selector}})",
          "requests that each replica refused to queue, by reason, where the server counts them", coarse=True),
    Query(SeriesName.PROCESS_MEMORY, "max by (pod, job) (process_resident_memory_bytes{$selector})",
          "resident memory of the process that serves /metrics: of vLLM its API server, not its engine", coarse=True),
    Query(SeriesName.PROCESS_CPU, "max by (pod, job) (process_cpu_seconds_total{$selector})",
          "CPU time of the same process", coarse=True),
    Query(SeriesName.OPEN_FILES, "max by (pod, job) (process_open_fds{$selector})",
          "file descriptors that the same process has open: each of its connections is one", coarse=True),
    Query(SeriesName.PROCESS_SAMPLED, "max by (pod, job) (timestamp(process_cpu_seconds_total{$selector}))",
          "when each of its samples was taken, Unix seconds", coarse=True),
    Query(SeriesName.WORKING_SET, f"max by (pod, container, job) (container_memory_working_set_bytes{_CONTAINERS})",
          "working set of each container, and of the Pod where `container` is empty: what the kubelet evicts by",
          coarse=True),
    Query(SeriesName.CONTAINER_RSS, f"max by (pod, container, job) (container_memory_rss{_CONTAINERS})",
          "anonymous memory of the same", coarse=True),
    Query(SeriesName.CONTAINER_CPU, f"max by (pod, container, job) (container_cpu_usage_seconds_total{_CONTAINERS})",
          "CPU time of the same", coarse=True),
    Query(SeriesName.CFS_PERIODS, f"max by (pod, container, job) (container_cpu_cfs_periods_total{_CONTAINERS})",
          "scheduling periods in which the same ran, where it has a CPU limit", coarse=True),
    Query(SeriesName.CFS_THROTTLED,
          f"max by (pod, container, job) (container_cpu_cfs_throttled_periods_total{_CONTAINERS})",
          "those of them in which it was held at its limit", coarse=True),
    Query(SeriesName.CONTAINER_SAMPLED,
          f"max by (pod, container, job) (timestamp(container_cpu_usage_seconds_total{_CONTAINERS}))",
          "when cAdvisor read each of its samples, Unix seconds", coarse=True),
    Query(SeriesName.NETWORK_SAMPLED,
          "max by (pod, container, job) (timestamp(container_network_receive_bytes_total{$selector}))",
          "when cAdvisor read each sample of a Pod's network, which has rows of its own, Unix seconds", coarse=True),
    Query(SeriesName.NETWORK_RECEIVED,
          "sum by (pod, container, job) (container_network_receive_bytes_total{$selector})",
          "bytes that each Pod received, on all its interfaces", coarse=True),
    Query(SeriesName.NETWORK_SENT,
          "sum by (pod, container, job) (container_network_transmit_bytes_total{$selector})",
          "bytes that each Pod sent", coarse=True),
    _gpu(SeriesName.GPU_MEMORY, "DCGM_FI_DEV_FB_USED", "sum",
         "memory in use on the GPUs of each Pod, MiB, where dcgm-exporter is scraped"),
    _gpu(SeriesName.GPU_MEMORY_FREE, "DCGM_FI_DEV_FB_FREE", "sum", "memory that is free on them, MiB"),
    _gpu(SeriesName.GPU_BUSY, "DCGM_FI_DEV_GPU_UTIL", "avg", "share of the time in which they ran a kernel, percent"),
)


def render_queries(namespace: str, deployment: str, autoscaler: str | None) -> tuple[RenderedQuery, ...]:
    """All queries for the Pods of `deployment` in `namespace`, and for its HorizontalPodAutoscaler, if it has one."""
    space, pods = label_value(namespace), label_value(pod_pattern(deployment))
    values = {
        "$selector": f'namespace="{space}",pod=~"{pods}"',
        "$exported": f'exported_namespace="{space}",exported_pod=~"{pods}"',
        "$autoscaler": f'namespace="{space}",horizontalpodautoscaler="{label_value(autoscaler or deployment)}"',
    }
    return tuple(RenderedQuery(query.name.value, _filled(query.template, values), query.purpose, query.coarse)
                 for query in QUERIES)


def render_own(series: Iterable[OwnSeries], names: Names) -> tuple[RenderedQuery, ...]:
    """The queries of spec.measurement.series for one test."""
    values = {NAMESPACE: names.namespace, PODS: pod_pattern(names.server), SERVICE: names.server}
    return tuple(RenderedQuery(one.name, filled_in(one.query, values),
                               f"spec.measurement.series, in {one.unit}", coarse=True) for one in series)


def pod_pattern(deployment: str) -> str:
    """An RE2 pattern that matches the names of a Deployment's Pods, and of no other test's."""
    return f"{regex_literal(deployment)}-.+"


def _filled(template: str, values: Mapping[str, str]) -> str:
    # In one pass, so that no value can hold another placeholder.
    return _PLACEHOLDER.sub(lambda found: values[found[0]], template)


def label_value(text: str) -> str:
    """Text that may stand between the double quotes of a PromQL string."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def regex_literal(text: str) -> str:
    """An RE2 pattern that matches exactly this text. It must still be escaped as a label value."""
    return re.sub(r"([.^$*+?()\[\]{}|\\])", r"\\\1", text)
