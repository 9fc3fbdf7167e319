"""Supplies that need no autoscaler: a schedule of sizes, a fixed number, and the oracle, each as it was asked for."""
from __future__ import annotations

from dataclasses import replace

import pytest

from elastometer.analysis.price.alternatives import oracle_supply
from elastometer.analysis.price.oracle import oracle
from elastometer.analysis.price.price import price
from elastometer.analysis.price.whole import PARTS
from elastometer.model.price import AlternativeName, MissSource, OracleSupply, Price
from elastometer.twin.engine import predict
from elastometer.twin.scenario import Scenario, ScheduledController
from elastometer.twin.search.score.predicted_misses import with_predicted_misses, without_predicted_misses
from elastometer.twin.search.score.supplies import as_ordered, fixed, supplies
from support.price_worlds import Replica, demand_of_steps, no_demand, run_of, spec
from support.twin_worlds import scenario
from support.what_if_worlds import hpa_baseline, terms

STEP = ((0, 1), (100_000, 3), (105_000, 2), (108_000, 3), (200_000, 1))
END = 300_000


def world() -> Scenario:
    """One slot and exactly 1 s per request; a request every two seconds, and two a second from 100 s to 200 s."""
    calm, busy = ([float(at) for at in range(0, 100, 2)], [100 + at / 2 for at in range(200)])
    return scenario([*calm, *busy], horizon_seconds=300.0, cold_starts=(5.0, 20.0, 40.0), start_seconds=-15.0)


def test_each_size_is_set_at_its_instant():
    found = predict(replace(world(), cold_starts=(20.0,), controller=ScheduledController(((50.0, 3), (150.0, 1)))))
    assert found.desired == ((-15.0, 1), (50.0, 3), (150.0, 1))
    assert found.ready == ((-15.0, 1), (70.0, 3), (150.0, 1))
    assert [(one.at, one.before, one.after) for one in found.syncs] == [(50.0, 1, 3), (150.0, 3, 1)]


def test_a_fixed_number_never_changes():
    found = predict(fixed(world(), 4))
    assert (found.desired, found.ready, found.syncs) == (((-15.0, 4),), ((-15.0, 4),), ())
    assert len(found.replicas) == 4


def ordered(cold_start: int, minimum: int = 1, maximum: int = 4) -> OracleSupply:
    found = oracle(tuple((at, PARTS * level) for at, level in STEP), minimum, maximum, cold_start, END)
    assert found is not None
    return oracle_supply(found, cold_start)


@pytest.mark.parametrize("cold_start", [1_000, 20_000])
def test_the_oracle_has_its_replicas_ready_at_the_very_instants(cold_start: int):
    """With a cold start of 20 s the replica that is not needed for 3 s is kept, with one of 1 s it is not."""
    supply = ordered(cold_start)
    found = predict(as_ordered(world(), supply))
    expected = [(at, size) for at, size in supply.ready if at < 300]
    assert [(max(0.0, at), size) for at, size in found.ready] == expected
    assert ((105.0, 2) in expected) is (cold_start == 1_000)
    assert not any(end != end for end in found.ended), "every request is served"


def test_the_oracle_begins_with_what_it_ordered_before_the_scenario():
    supply = replace(ordered(20_000), ordered=((-60.0, 2), (-10.0, 3), (50.0, 1), (300.0, 0)))
    begun = as_ordered(world(), supply)
    assert begun.initial_replicas == 2
    assert begun.controller == ScheduledController(((-10.0, 3), (50.0, 1)))


def priced(known: bool = True) -> Price:
    demand = demand_of_steps([(0, 2), (100, 4), (200, 2)], end=300) if known else no_demand()
    found = price(run_of([Replica(-60, -50, -40)], 330, test=spec(maximum=4)), demand)
    assert found is not None
    return found


def test_everything_that_is_known_is_simulated():
    base = hpa_baseline().scenario
    named = [(name, replicas) for name, replicas, _ in supplies(priced(), base)]
    assert named == [(AlternativeName.STATIC_MINIMUM, 1), (AlternativeName.STATIC_PEAK, 4),
                     (AlternativeName.STATIC_MAXIMUM, 4), (AlternativeName.ORACLE, None)]
    assert [name for name, _, _ in supplies(priced(known=False), base)] == [
        AlternativeName.STATIC_MINIMUM, AlternativeName.STATIC_MAXIMUM]


def test_misses_are_predicted_for_all_but_the_run_itself():
    """Six requests a second, of which a replica serves two and a half: one is far too few."""
    found = with_predicted_misses(priced(), hpa_baseline().scenario, terms())
    rows = {one.name: one for one in found.alternatives}
    assert rows[AlternativeName.RUN] == priced().alternatives[0]
    assert all(one.miss_source is MissSource.PREDICTED for name, one in rows.items() if name is not AlternativeName.RUN)
    least, most = rows[AlternativeName.STATIC_MINIMUM], rows[AlternativeName.STATIC_MAXIMUM]
    assert least.miss_seconds is not None
    assert most.miss_seconds is not None
    assert least.miss_seconds > 250 > 50 > most.miss_seconds
    for one in (least, most):
        assert one.miss_low is not None
        assert one.miss_high is not None
        assert one.miss_low <= (one.miss_seconds or 0) <= one.miss_high
    assert least.miss_reason is None


def test_without_an_objective_on_requests_nothing_is_predicted():
    assert with_predicted_misses(priced(), hpa_baseline().scenario, replace(terms(), objectives=())) == priced()


def test_where_the_twin_does_not_fit_its_reason_stands_where_no_number_does():
    rows = {one.name: one for one in without_predicted_misses(priced(), "no twin").alternatives}
    assert rows[AlternativeName.STATIC_MINIMUM].miss_reason == "no twin"
    assert rows[AlternativeName.STATIC_MAXIMUM] == priced().alternatives[3]
