"""A metric is known by its name, wherever the name stands."""
import pytest

from elastometer.model.errors import SpecError
from elastometer.twin.scenario import Signal
from elastometer.twin.signals import signals_of


def pods(name: str) -> dict[str, object]:
    return {"type": "Pods", "pods": {"metric": {"name": name}}}


@pytest.mark.parametrize(("metric", "signal"), [
    (pods("vllm_num_requests_waiting"), Signal.WAITING),
    (pods("vllm:num_requests_running"), Signal.RUNNING),
    (pods("vllm_num_requests_in_flight"), Signal.IN_FLIGHT),
    (pods("vllm_kv_cache_usage_perc"), Signal.KV_CACHE),
    ({"type": "Resource", "resource": {"name": "cpu"}}, Signal.CPU),
    ({"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "server"}}, Signal.CPU),
    ({"type": "External", "external": {"metric": {"name": "team-a-num_requests_waiting"}}}, Signal.WAITING),
])
def test_a_metric_is_known_by_its_name(metric: dict[str, object], signal: Signal):
    assert signals_of({"metrics": [metric]}, {}) == (signal,)


@pytest.mark.parametrize(("query", "signal"), [
    ('sum(vllm:num_requests_waiting{namespace="a"})', Signal.WAITING),
    ("sum(vllm:num_requests_waiting) + sum(vllm:num_requests_running)", Signal.IN_FLIGHT),
])
def test_a_metric_of_keda_is_known_by_the_query_of_its_trigger(query: str, signal: Signal):
    hpa = {"metrics": [{"type": "External", "external": {"metric": {"name": "s0-prometheus"}}}]}
    assert signals_of(hpa, {"triggers": [{"type": "prometheus", "metadata": {"query": query}}]}) == (signal,)


def test_every_metric_that_is_not_known_is_named():
    hpa = {"metrics": [pods("queue_depth"), {"type": "Resource", "resource": {"name": "memory"}}]}
    with pytest.raises(SpecError) as refused:
        signals_of(hpa, {})
    assert [flaw.split(":")[0] for flaw in refused.value.flaws] == ["metrics[0]", "metrics[1]"]
    assert "'queue_depth'" in refused.value.flaws[0]


def test_an_hpa_without_metrics_scales_on_cpu():
    assert signals_of({}, {}) == (Signal.CPU,)
