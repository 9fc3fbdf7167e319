"""What the operator says of a connection policy that its load Job cannot follow."""

from typing import Any

import pytest

from elastometer.model.errors import SpecError
from elastometer.model.spec import parse


@pytest.mark.parametrize("connection", [{"policy": "PerRequest"}, {"policy": "MaxAge", "maxAgeSeconds": 30}])
def test_policies_that_need_no_addresses_are_taken(demo_body: dict[str, Any], connection: dict[str, Any]) -> None:
    demo_body["spec"]["load"]["connection"] = connection
    assert parse(demo_body).profile.connection.policy.value == connection["policy"]


def test_spreading_over_pods_is_refused_by_name(demo_body: dict[str, Any]) -> None:
    demo_body["spec"]["load"]["connection"] = {"policy": "SpreadOverPods"}
    with pytest.raises(SpecError) as caught:
        parse(demo_body)
    assert str(caught.value) == (
        "spec.load.connection.policy: must be Reuse, PerRequest or MaxAge, is SpreadOverPods: the load Job is not told "
        "the Pods' addresses; use elastometer-load run --endpoints"
    )
