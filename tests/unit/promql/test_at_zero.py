"""What can wake a target that has no replica: nothing that only its own server exports."""
from __future__ import annotations

from typing import Any

import pytest

from elastometer.promql.at_zero import reads_only_servers


def scaled_object(*queries: str, **fields: Any) -> dict[str, Any]:
    triggers = [{"type": "prometheus", "metadata": {"query": query, "threshold": "2"}} for query in queries]
    return {"triggers": triggers, **fields}


@pytest.mark.parametrize(("query", "only_servers"), [
    ("sum(vllm:num_requests_waiting)", True),
    ('sum(vllm:num_requests_waiting{namespace="default",pod=~"x-server-.*"})', True),
    ('sum by (pod) (rate(vllm:request_success_total{finished_reason="or"}[1m] offset 5m)) / 2', True),
    ("max_over_time(vllm:num_requests_running[30s]) + sum(vllm:num_requests_waiting)", True),
    ("sum(vllm:num_requests_waiting) * on (model_name) group_left (team) vllm:cache_config_info", True),
    ("sum(vllm:num_requests_waiting) or vector(1)", False),
    ("absent(vllm:num_requests_waiting)", False),
    ("sum(vllm:num_requests_waiting) + sum(gateway_queue)", False),
    ('sum(rate(elastometer_load_sent_total{namespace="a"}[10s]))', False),
    ('{__name__=~"vllm:.*"}', False),
    ("sum(vllm:num_requests_waiting)  # or vector(1)", True),
    ("max_over_time(sum(vllm:num_requests_waiting)[1m:5s])", True),
    ("time() - vllm:num_requests_waiting", False),
    ("sum(", False),
    ("vector(1)", False),
])
def test_a_query_of_nothing_but_the_servers_metrics_has_no_value_without_a_replica(
    query: str, only_servers: bool
) -> None:
    assert reads_only_servers(scaled_object(query)) is only_servers


def test_one_other_trigger_a_fallback_or_no_trigger_at_all_makes_it_uncertain() -> None:
    waiting = "sum(vllm:num_requests_waiting)"
    assert reads_only_servers(scaled_object(waiting, waiting))
    cron = {"type": "cron", "metadata": {"timezone": "UTC", "start": "0 8 * * *", "end": "0 9 * * *"}}
    both = scaled_object(waiting)
    both["triggers"].append(cron)
    assert not reads_only_servers(both)
    assert not reads_only_servers(scaled_object(waiting, fallback={"failureThreshold": 3, "replicas": 1}))
    combined = {"scalingModifiers": {"formula": "waiting + 1", "target": "2"}}
    assert not reads_only_servers(scaled_object(waiting, advanced=combined))
    assert not reads_only_servers({})
    assert not reads_only_servers(None)


def test_a_trigger_on_cpu_or_memory_wakes_nothing_beside_another_one_and_always_alone() -> None:
    cpu = {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "80"}}
    both = scaled_object("sum(vllm:num_requests_waiting)")
    both["triggers"].append(cpu)
    assert reads_only_servers(both)
    assert not reads_only_servers({"triggers": [cpu]})
