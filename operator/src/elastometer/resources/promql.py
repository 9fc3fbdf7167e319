"""The server metrics that a run reads back from Prometheus: names of vLLM 0.33, with every query built in this place.

A query never mixes Pods of two tests: every selector carries the namespace and the Pod names of one Deployment.
Values that come from a test are escaped for PromQL, so that no name can widen a selector.
"""
from __future__ import annotations

import re
from dataclasses import dataclass

from elastometer.model.bundle import SeriesName
from elastometer.model.server_metrics import KV_CACHE, RUNNING, WAITING


@dataclass(frozen=True, slots=True)
class Query:
    """A query with `$selector` (server Pods) or `$autoscaler` in place of the label matchers."""

    name: SeriesName
    template: str
    purpose: str


@dataclass(frozen=True, slots=True)
class RenderedQuery:
    """A query as it is sent to Prometheus."""

    name: str
    promql: str
    purpose: str


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
)


def render_queries(namespace: str, deployment: str, autoscaler: str | None) -> tuple[RenderedQuery, ...]:
    """All queries for the Pods of `deployment` in `namespace`, and for its HorizontalPodAutoscaler, if it has one."""
    selector = f'namespace="{label_value(namespace)}",pod=~"{label_value(regex_literal(deployment))}-.+"'
    matchers = f'namespace="{label_value(namespace)}",horizontalpodautoscaler="{label_value(autoscaler or deployment)}"'
    return tuple(
        RenderedQuery(query.name.value,
                      query.template.replace("$selector", selector).replace("$autoscaler", matchers), query.purpose)
        for query in QUERIES
    )


def label_value(text: str) -> str:
    """Text that may stand between the double quotes of a PromQL string."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def regex_literal(text: str) -> str:
    """An RE2 pattern that matches exactly this text. It must still be escaped as a label value."""
    return re.sub(r"([.^$*+?()\[\]{}|\\])", r"\\\1", text)
