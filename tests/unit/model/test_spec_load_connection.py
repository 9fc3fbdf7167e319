"""Which connection policies the load Job follows, and where the addresses come from that one of them needs."""

from typing import Any

import pytest

from elastometer.model.endpoints import ready_addresses
from elastometer.model.spec import parse


@pytest.mark.parametrize(
    "connection", [{"policy": "PerRequest"}, {"policy": "MaxAge", "maxAgeSeconds": 30}, {"policy": "SpreadOverPods"}]
)
def test_every_policy_is_taken(demo_body: dict[str, Any], connection: dict[str, Any]) -> None:
    demo_body["spec"]["load"]["connection"] = connection
    assert parse(demo_body).profile.connection.policy.value == connection["policy"]


def endpoint(address: str, ready: bool | None = True, **conditions: bool) -> dict[str, Any]:
    return {"addresses": [address], "conditions": {"ready": ready, **conditions}}


def test_ready_endpoints_of_all_slices_are_addresses_and_no_others() -> None:
    http = [{"name": "http", "port": 8000, "protocol": "TCP"}]
    slices = [
        {"ports": http, "endpoints": [endpoint("10.0.0.9"), endpoint("10.0.0.7", None), endpoint("10.0.0.8", False)]},
        {"ports": http, "endpoints": [endpoint("10.0.0.9"), {"addresses": ["10.0.0.6"]},
                                      endpoint("10.0.0.5", False, serving=True, terminating=True)]},
        {"ports": [{"port": 9, "protocol": "UDP"}, {"port": 8001}], "endpoints": [endpoint("fd00::7")]},
        {"ports": None, "endpoints": [endpoint("10.0.0.1")]}, {"ports": http, "endpoints": None}, {},
    ]
    assert ready_addresses(slices) == ("10.0.0.6:8000", "10.0.0.7:8000", "10.0.0.9:8000", "[fd00::7]:8001")
    assert ready_addresses([]) == ()
