"""`spec.demand`: what is read of it, and which flaws are named."""
from __future__ import annotations

from typing import Any

import pytest

from elastometer.model.demand_terms import DemandTerms, demand_flaws, demand_terms


def test_every_field_is_read() -> None:
    test = {"spec": {"demand": {"tokensPerSecond": {"prompt": "8000", "output": "640.5"}, "errorPercent": 5,
                                "drainSeconds": 20}}}
    assert demand_terms(test) == DemandTerms(None, 8000.0, 640.5, None, 5.0, 20.0)
    assert demand_terms({"spec": {"demand": {"calibrationRef": {"name": "c"}}}}) == DemandTerms(calibration="c")


def test_a_test_without_demand_has_none_and_no_flaw() -> None:
    assert demand_terms({"spec": {}}) == DemandTerms()
    assert list(demand_flaws({})) == []


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "x", None, True, [1]])
def test_what_is_no_rate_above_0_counts_as_not_stated(value: Any) -> None:
    assert demand_terms({"spec": {"demand": {"requestsPerSecond": value}}}).requests_per_second is None


@pytest.mark.parametrize(("demand", "expected"), [
    ({}, "spec.demand: must have exactly one of requestsPerSecond, tokensPerSecond, calibrationRef, has none"),
    ({"requestsPerSecond": "1", "calibrationRef": {"name": "c"}}, "has requestsPerSecond, calibrationRef"),
    ({"requestsPerSecond": "0"},
     "spec.demand.requestsPerSecond: must be a decimal number above 0, such as \"2.5\", is '0'"),
    ({"tokensPerSecond": {"output": "x"}}, "spec.demand.tokensPerSecond.output: must be a decimal number above 0"),
    ({"tokensPerSecond": {}}, "spec.demand.tokensPerSecond: must have prompt, output or both, has none"),
    ({"calibrationRef": {}}, "spec.demand.calibrationRef.name: must be the name of an ElasticityTest, is absent"),
    ({"requestsPerSecond": "1", "errorPercent": 100},
     "spec.demand.errorPercent: must be a number from 0 to below 100, is 100"),
    ("x", "spec.demand: must have exactly one of"),
])
def test_flaws_name_path_rule_and_value(demand: Any, expected: str) -> None:
    assert any(expected in flaw for flaw in demand_flaws({"demand": demand}))
