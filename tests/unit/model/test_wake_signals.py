"""What a ScaledObject's Prometheus triggers read."""
from __future__ import annotations

from elastometer.model.wake_signals import prometheus_triggers


def test_a_trigger_is_known_by_its_index_its_threshold_of_activation_and_whether_keda_authenticates() -> None:
    spec = {"triggers": [
        {"type": "cron", "metadata": {}},
        {"type": "prometheus", "metadata": {"query": "q", "serverAddress": "http://p:1", "activationThreshold": "3"}},
        {"type": "prometheus", "authenticationRef": {"name": "x"}, "metadata": {"query": "r"}}]}
    first, second = prometheus_triggers(spec)
    assert (first.series, first.server, first.activation, first.is_private) == ("trigger_1", "http://p:1", 3.0, False)
    assert (second.series, second.server, second.activation, second.is_private) == ("trigger_2", "", 0.0, True)
