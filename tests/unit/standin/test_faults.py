"""Failures are drawn from the request, so a run can be repeated."""

import pytest

from elastometer_standin.configuration import changed_pace
from elastometer_standin.settings import Pace
from elastometer_standin.troubles.faults import Fault, Faults, parse_rates


def test_the_share_of_requests_with_a_fault_is_the_rate() -> None:
    faults = Faults({"error": 0.25})
    struck = sum(faults.fault_for(key) is Fault.ERROR for key in range(10_000))
    assert 2300 < struck < 2700


def test_the_same_request_has_the_same_fault_and_another_seed_another() -> None:
    one, two = Faults({"reset": 0.5}, seed=1), Faults({"reset": 0.5}, seed=2)
    fates = [one.fault_for(key) for key in range(100)]
    assert fates == [one.fault_for(key) for key in range(100)]
    assert fates != [two.fault_for(key) for key in range(100)]


@pytest.mark.parametrize("rates", [{"eror": 0.1}, {"error": 2}, {"error": True}, {"error": "1"}])
def test_a_rate_that_is_unknown_or_out_of_range_is_refused_by_name(rates: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(rates))):
        parse_rates(rates)


def test_a_pace_is_changed_field_by_field() -> None:
    assert changed_pace(Pace(), {"decode_ms_per_token": 5}).decode_ms_per_token == 5
    with pytest.raises(ValueError, match="prefill_tokens_per_second must be greater than 0"):
        changed_pace(Pace(), {"prefill_tokens_per_second": 0})
    with pytest.raises(ValueError, match=r"pace\.speed is unknown"):
        changed_pace(Pace(), {"speed": 1})
