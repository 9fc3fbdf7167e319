"""Objective-miss seconds, by hand."""
from __future__ import annotations

from math import nan

from elastometer.analysis.requests.misses import RequestColumns, miss_seconds, stretches
from elastometer.model.terms import Indicator, Objective

ON_CALM = Objective("first-token", Indicator.TIME_TO_FIRST_TOKEN, 95, 500, None, "calm")
ON_TOKENS = Objective("pace", Indicator.TIME_PER_OUTPUT_TOKEN, 50, 100, None, None)
ON_LATENCY = Objective("whole", Indicator.REQUEST_LATENCY, 99, 2000, None, None)
ON_START = Objective("cold-start", Indicator.COLD_START, 95, 30_000, None, None)


def requests(ends: list[float]) -> RequestColumns:
    """One at 0.2, 0.9, 1.5 (calm) and 2.5 s (peak); first tokens 0.4, 0.6, 0.5 and 0.6 s later; five tokens each."""
    at = [0.2, 0.9, 1.5, 2.5]
    first = [0.6, 1.5, 2.0, 3.1]
    return RequestColumns(at, first, ends, ends, [4] * 4, stretches(["calm", "calm", "calm", "peak"]))


def test_a_second_is_missed_once_and_only_where_the_objective_holds() -> None:
    """0.9 s is too slow; 2.5 s is as slow, but in another stage; 1.5 s takes exactly as long as it may."""
    assert miss_seconds(requests([1.0, 1.9, 2.4, 3.5]), [ON_CALM]) == 1


def test_a_request_that_was_not_served_is_missed_in_any_stage() -> None:
    assert miss_seconds(requests([1.0, 1.9, 2.4, nan]), [ON_CALM]) == 2


def test_each_latency_has_its_own_bound() -> None:
    """Gaps of 100, 100, 125 and 100 ms; latencies of 0.8, 1.0, 1.0 and 1.0 s."""
    assert miss_seconds(requests([1.0, 1.9, 2.5, 3.5]), [ON_TOKENS]) == 1
    assert miss_seconds(requests([1.0, 3.0, 2.4, 4.6]), [ON_LATENCY]) == 2


def test_without_an_objective_on_requests_nothing_can_be_missed() -> None:
    assert miss_seconds(requests([1.0, 1.9, 2.4, 3.5]), [ON_START]) is None
