"""The load that objectives allow: Erlang's C formula on known values, and the limits of the rule."""
from __future__ import annotations

from dataclasses import replace
from math import exp

import pytest

from elastometer.analysis.capacity.sustained import erlang_c, sustained
from elastometer.analysis.capacity.work import saturated_work
from elastometer.model.capacity import Capacity
from elastometer.model.terms import Indicator, Objective
from elastometer_loadgen.stages.objectives import Statistic

LENGTHS = [(0.0, 101.0)] * 10
# Ten requests at once, of 1 s each: the first token at once, then 100 of 10 ms.
CAPACITY = Capacity(10, 0.0, 0.0, 0.01)

def objective(indicator: Indicator, milliseconds: int, percentile: int = 95) -> Objective:
    return Objective("o", indicator, percentile, milliseconds, None, None)

@pytest.mark.parametrize(("servers", "offered", "expected"), [
    (1, 0.5, 0.5),  # M/M/1: the share that waits is the utilization
    (2, 1.0, 1 / 3),  # by hand: (1/2 * 2) / (1 + 1 + 1)
    (10, 8.0, 0.4092),  # tables of Erlang's C
    (3, 3.0, 1.0),  # a queue that never ends
])
def test_erlang_c(servers: int, offered: float, expected: float) -> None:
    assert erlang_c(servers, offered) == pytest.approx(expected, abs=5e-5)

def test_many_servers_do_not_overflow() -> None:
    assert 0 < erlang_c(4096, 4000.0) < 1

def test_without_a_latency_objective_the_saturated_throughput_counts() -> None:
    found = sustained(CAPACITY, LENGTHS, [Objective("o", Indicator.REQUEST_SUCCESS, 95, None, 99, None)])
    assert (found.share, found.objective) == (1.0, None)
    assert 1 / saturated_work(CAPACITY).seconds(0, 101) == pytest.approx(10.0)

def test_the_share_is_where_the_formula_meets_the_bound() -> None:
    """Constant times in a slot halve the waits: P(wait > 0.2 s) = C(10, a) exp(-(10 - a) 0.2 x 2), to be 0.05."""
    found = sustained(CAPACITY, LENGTHS, [objective(Indicator.TIME_TO_FIRST_TOKEN, 200)])
    busy = 10 * found.share

    assert erlang_c(10, busy) * exp(-(10 - busy) * 0.4) == pytest.approx(0.05, abs=1e-6)

def test_a_tighter_bound_or_a_higher_percentile_leaves_less() -> None:
    loose, tight = (sustained(CAPACITY, LENGTHS, [objective(Indicator.TIME_TO_FIRST_TOKEN, bound)]).share
                    for bound in (2000, 100))
    rare = sustained(CAPACITY, LENGTHS, [objective(Indicator.TIME_TO_FIRST_TOKEN, 2000, 99)]).share
    assert 0 < tight < loose < 1
    assert rare < loose

def test_the_strictest_objective_is_named() -> None:
    both = [objective(Indicator.TIME_TO_FIRST_TOKEN, 5000), objective(Indicator.REQUEST_LATENCY, 1200)]
    assert sustained(CAPACITY, LENGTHS, both).objective is both[1]

def test_what_a_request_misses_alone_no_load_meets() -> None:
    assert sustained(CAPACITY, LENGTHS, [objective(Indicator.REQUEST_LATENCY, 900)]).share == 0

def test_a_pace_limits_how_many_run_at_once() -> None:
    """10 ms per token, 1 ms more for each neighbour: 15 ms with 6 at once, which serve 6 / 1.5 s; full 10 / 1.9 s."""
    slower = Capacity(10, 0.0, 0.0, 0.01, 0.001)
    found = sustained(slower, LENGTHS, [objective(Indicator.TIME_PER_OUTPUT_TOKEN, 15)])
    assert found.share == pytest.approx((6 / 1.5) / (10 / 1.9), rel=1e-3)

def test_a_bound_on_all_requests_counts_as_one_on_999_of_1000() -> None:
    every, most = (sustained(CAPACITY, LENGTHS, [objective(Indicator.TIME_TO_FIRST_TOKEN, 2000, percentile)]).share
                   for percentile in (100, 99))
    assert 0 < every < most

def test_a_mean_is_met_where_the_mean_wait_and_the_time_of_one_request_meet_the_bound() -> None:
    """Constant times halve the waits: C(10, a) / ((10 - a) x 2) on average beside 1 s in a slot, to be 1.05 s."""
    mean = replace(objective(Indicator.REQUEST_LATENCY, 1050), statistic=Statistic.MEAN)
    busy = 10 * sustained(CAPACITY, LENGTHS, [mean]).share
    assert 1 + erlang_c(10, busy) / ((10 - busy) * 2) == pytest.approx(1.05, abs=1e-6)
    assert sustained(CAPACITY, LENGTHS, [replace(mean, maximum_milliseconds=999)]).share == 0
