"""The price of runs made by hand, with every number worked out."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from elastometer.analysis.demand.demand import Demand
from elastometer.analysis.price.price import price
from elastometer.analysis.price.spans import part_of
from elastometer.analysis.run import derive_run
from elastometer.model.observation import ObjectKind, ObjectSeen, Sighting
from elastometer.model.price import AlternativeName, Flap, MissSource, Overshoot, Part, Price
from elastometer_loadgen.base.record import Outcome
from support.price_worlds import Replica, at, demand_of_steps, no_demand, pod_lines, request, run_of, spec

USD = {"perGPUHour": "3.60", "currency": "USD"}


def priced(*lives: Replica, demand: Demand, end: float = 100, **world: Any) -> Price:
    found = price(run_of(lives, end, **world), demand)
    assert found is not None
    return found


def seconds(found: Price) -> dict[str, float]:
    return {one.part.value: one.replica_milliseconds / 1000 for one in found.parts}


ALWAYS = Replica(-60, -59, -50)


@pytest.mark.parametrize(("demand", "useful", "idle"), [
    pytest.param(2, 200, 0, id="supply is the demand"),
    pytest.param(3, 200, 0, id="always one missing"),
    pytest.param(1, 100, 100, id="always one idle"),
    pytest.param(0, 0, 200, id="nothing demanded"),
])
def test_two_replicas_all_the_time(demand: int, useful: int, idle: int):
    found = priced(ALWAYS, ALWAYS, demand=demand_of_steps([(0, demand)]))
    assert seconds(found) == {"Useful": useful, "Kept": 0, "Idle": idle, "Starting": 0, "Draining": 0, "Pending": 0}
    assert found.held_replica_milliseconds == found.paid_replica_milliseconds == 200_000
    assert found.held_gpu_milliseconds == found.paid_gpu_milliseconds == 400_000
    assert (found.gpus_per_replica, found.no_gpus, found.not_split) == (2, None, None)


def step_world(**changes: Any) -> Price:
    """A demand of two replicas from 40 s to 80 s. The second one is ordered at 45 s, bound at 46 s, Ready at 55 s (ten
    seconds after its creation), deleted at 85 s and gone at 88 s. Two of four requests wait longer than a second."""
    world: dict[str, Any] = {
        "demand": demand_of_steps([(0, 1), (40, 2), (80, 1)]), "test": spec(price=USD),
        "sizes": [(-60, 1), (45, 2), (85, 1)],
        "requests": [request(0, 1, 1.5), request(1, 42.2, 44), request(2, 50.9, 53), request(3, 70, 70.4)]}
    return priced(ALWAYS, Replica(45, 46, 55, 85, 88), **{**world, **changes})


def test_a_cold_start_of_ten_seconds_on_a_step_of_the_demand():
    found = step_world()
    assert seconds(found) == {"Useful": 100 + 25, "Kept": 0, "Idle": 5, "Starting": 9, "Draining": 3, "Pending": 1}
    assert (found.held_replica_milliseconds, found.paid_replica_milliseconds) == (143_000, 142_000)
    assert found.paid_gpu_milliseconds == 284_000
    assert found.overshoot == Overshoot(
        peak_demand=2, ready_replicas=0, ready_replica_milliseconds=0, ordered_replicas=0,
        ordered_replica_milliseconds=0)
    assert found.flaps == ()
    assert found.demand == "Given, from spec.demand.requestsPerSecond (± 5 %)"
    assert found.unwatched_replica_milliseconds == 0


def test_it_is_compared_with_fixed_numbers_and_with_the_oracle():
    """The oracle orders the second replica at 30 s, has it Ready at 40 s, and removes it at 80 s. At 3.60 an hour a
    GPU-second costs a thousandth, and a replica has two GPUs."""
    rows = [(one.name, one.replicas, one.replica_milliseconds, one.gpu_milliseconds, one.amount, one.miss_seconds,
             one.miss_source) for one in step_world().alternatives]
    assert rows == [
        (AlternativeName.RUN, None, 142_000, 284_000, "0.284000", 2, MissSource.MEASURED),
        (AlternativeName.STATIC_MINIMUM, 1, 100_000, 200_000, "0.200000", None, None),
        (AlternativeName.STATIC_PEAK, 2, 200_000, 400_000, "0.400000", 0, MissSource.DEMAND),
        (AlternativeName.STATIC_MAXIMUM, 3, 300_000, 600_000, "0.600000", 0, MissSource.DEMAND),
        (AlternativeName.ORACLE, None, 150_000, 300_000, "0.300000", 0, MissSource.DEMAND),
    ]
    found = step_world().oracle
    assert found is not None
    assert found.ordered == ((-10.0, 1), (30.0, 2), (80.0, 1), (100.0, 0))
    assert found.ready == ((0.0, 1), (40.0, 2), (80.0, 1), (100.0, 0))
    assert (found.cold_start_milliseconds, found.starts, found.overloaded) == (10_000, 1, ())


def test_money_of_the_run_per_request_token_and_month():
    """0.284 for 4 requests and 400 tokens in 100 s; a month has 730 hours, 26,280 times as long."""
    money = step_world().money
    assert (money.per_gpu_hour, money.currency, money.served_requests, money.output_tokens) == ("3.60", "USD", 4, 400)
    assert money.run.value == "0.284000"
    assert money.per_thousand_requests.value == "71.000000"
    assert money.per_million_output_tokens.value == "710.000000"
    assert money.per_month.value == f"{0.284 * 730 * 36:.6f}" == "7463.520000"


@pytest.mark.parametrize(("world", "reasons"), [
    pytest.param({"test": spec()}, ["spec.price is not given"] * 4, id="no price"),
    pytest.param({"limits": {}}, ["the replicas ask for no GPU"] * 4, id="no GPU"),
    pytest.param({"test": spec(price={"perGPUHour": "0", "currency": "USD"})},
                 ["spec.price.perGPUHour: must be a decimal string above 0, such as \"2.50\", is '0'"] * 4,
                 id="a price that cannot be read"),
    pytest.param({"requests": [request(0, 1, 2, outcome=Outcome.ABORTED)]},
                 [None, "no request was served", "no request was served", None], id="nothing served"),
    pytest.param({"requests": [request(0, 1, 2), request(1, 2, 3, tokens=None)]},
                 [None, None, "1 of 2 served requests report no usage", None], id="no usage"),
    pytest.param({"requests": [request(0, 1, 2, tokens=0)]},
                 [None, None, "the answers had no output tokens", None], id="no tokens"),
])
def test_a_unit_that_is_not_known_is_no_number(world: dict[str, Any], reasons: list[str | None]):
    money = step_world(**world).money
    amounts = [money.run, money.per_thousand_requests, money.per_million_output_tokens, money.per_month]
    assert [one.reason for one in amounts] == reasons
    assert [one.value is None for one in amounts] == [reason is not None for reason in reasons]


@pytest.mark.parametrize(("limits", "pod_spec", "count", "reason"), [
    ({"nvidia.com/gpu": "4"}, {}, 4, None),
    ({"amd.com/gpu": 1}, {}, 1, None),
    ({"gpu.intel.com/xe": "2"}, {}, 2, None),
    ({"vendor.example/gpu": "1"}, {}, 1, None),
    ({"nvidia.com/gpu": "1"}, {"initContainers": [
        {"name": "warm", "resources": {"limits": {"nvidia.com/gpu": "3"}}}]}, 3, None),
    ({"nvidia.com/gpu": "1"}, {"initContainers": [
        {"name": "side", "restartPolicy": "Always", "resources": {"limits": {"nvidia.com/gpu": "1"}}}]}, 2, None),
    ({"cpu": "4", "memory": "8Gi"}, {}, None, "the replicas ask for no GPU"),
    ({"nvidia.com/mig-1g.5gb": "1"}, {}, None,
     "a replica holds 1 nvidia.com/mig-1g.5gb, a part of a GPU whose share is not known"),
    ({"nvidia.com/gpu.shared": "1"}, {}, None,
     "a replica holds 1 nvidia.com/gpu.shared, a part of a GPU whose share is not known"),
    ({"nvidia.com/gpu": "1", "nvidia.com/gpumem": "3000"}, {}, None,
     "a replica holds 3000 nvidia.com/gpumem, a part of a GPU whose share is not known"),
    ({"google.com/tpu": "4"}, {}, None, "a replica holds 4 google.com/tpu, which is not a GPU"),
    ({"nvidia.com/gpu": "1k"}, {}, None, "a replica holds 1k nvidia.com/gpu, which is not a whole number"),
    ({}, {"resourceClaims": [{"name": "gpu"}]}, None,
     "the replicas get their devices by resource claims, which state no number of GPUs"),
])
def test_the_gpus_of_a_replica(
    limits: dict[str, Any], pod_spec: dict[str, Any], count: int | None, reason: str | None,
):
    found = step_world(limits=limits, **pod_spec)
    assert (found.gpus_per_replica, found.no_gpus) == (count, reason)
    assert found.paid_gpu_milliseconds == (None if count is None else count * 142_000)
    assert found.paid_replica_milliseconds == 142_000
    assert all((one.gpu_milliseconds is None) is (count is None) for one in found.parts)


def test_without_a_demand_ready_is_one_part_and_only_what_needs_it_is_missing():
    found = step_world(demand=no_demand())
    why = "the demand is not known: nothing shows the capacity of a replica"
    assert seconds(found) == {"Ready": 130, "Starting": 9, "Draining": 3, "Pending": 1}
    assert (found.not_split, found.demand, found.overshoot, found.oracle) == (why, None, None, None)
    rows = {one.name: one for one in found.alternatives}
    assert rows[AlternativeName.RUN].miss_seconds == 2
    assert rows[AlternativeName.STATIC_MAXIMUM].gpu_milliseconds == 600_000
    assert rows[AlternativeName.STATIC_MAXIMUM].miss_reason == why
    for name in (AlternativeName.STATIC_PEAK, AlternativeName.ORACLE):
        assert (rows[name].replica_milliseconds, rows[name].amount, rows[name].reason) == (None, None, why)


def test_what_waits_is_demanded_too_but_no_alternative_would_have_let_it_wait():
    found = step_world(demand=demand_of_steps([(0, 1), (40, 2), (80, 1)], [(0, 1), (40, 2), (50, 3), (85, 1)]))
    assert seconds(found)["Useful"] == 100 + 30
    assert found.overshoot is not None
    assert found.overshoot.peak_demand == 3
    peak = found.alternative(AlternativeName.STATIC_PEAK)
    assert peak is not None
    assert peak.replicas == 2


def test_a_replica_that_loses_readiness_counts_as_starting_until_it_is_ready_again():
    found = priced(Replica(-60, -59, -50, steps=((20, False), (35, True))), demand=demand_of_steps([(0, 1)]))
    assert seconds(found) == {"Useful": 85, "Kept": 0, "Idle": 0, "Starting": 15, "Draining": 0, "Pending": 0}


def test_a_pod_that_has_ended_holds_nothing_although_its_object_is_still_there():
    found = priced(ALWAYS, Replica(-60, -59, -50, failed=30), demand=demand_of_steps([(0, 2)]))
    assert found.held_replica_milliseconds == 130_000


def test_a_pod_that_never_got_a_node_is_pending_until_it_is_gone_and_is_not_paid_for():
    found = priced(ALWAYS, Replica(10, deleted=30, gone=31), demand=demand_of_steps([(0, 1)]))
    assert seconds(found)["Pending"] == 21
    assert found.paid_replica_milliseconds == 100_000


def test_a_pod_that_was_not_seen_to_go_drains_until_the_end_of_the_record():
    found = priced(ALWAYS, Replica(-60, -59, -50, 95), demand=demand_of_steps([(0, 1)]))
    assert seconds(found) == {"Useful": 100, "Kept": 0, "Idle": 95, "Starting": 0, "Draining": 5, "Pending": 0}


@pytest.mark.parametrize(("gap", "second", "unwatched"), [
    pytest.param((10, 20), Replica(45, 46, 55, 85, 88), 0, id="nothing changed"),
    pytest.param((47, 54), Replica(45, 46, 55, 85, 88), 0, id="what changed was watched"),
    pytest.param((50, 55), Replica(45, 46, 55, 85, 88), 5, id="found Ready after it"),
    pytest.param((84, 88), Replica(45, 46, 55, None, 88), 4, id="found to be gone after it"),
])
def test_what_a_watch_gap_hides_is_bounded(gap: tuple[float, float], second: Replica, unwatched: float):
    """What changed within a gap is dated with its end."""
    found = priced(ALWAYS, second, demand=demand_of_steps([(0, 1)]), gaps=[gap])
    assert found.unwatched_replica_milliseconds == 1000 * unwatched


def test_a_pod_that_was_created_within_a_watch_gap_may_be_older_than_it_counts():
    """A list shows it at 30 s, created in the second 22; the gap began at 20 s."""
    run = run_of([ALWAYS], 100, gaps=[(20, 30)])
    [first, *rest] = pod_lines(7, Replica(22, 22, 22), {"nvidia.com/gpu": "2"})
    listed = replace(first, received=at(30), sighting=Sighting.LISTED, object=rest[-1].object)
    found = price(derive_run(replace(run.bundle, observations=(*run.bundle.observations, listed))),
                  demand_of_steps([(0, 1)]))
    assert found is not None
    assert (found.held_replica_milliseconds, found.unwatched_replica_milliseconds) == (170_000, 8_000)


def flap_world(demand: Demand, second: Replica) -> Price:
    return priced(ALWAYS, Replica(-60, -59, -50, 20, 23), second, demand=demand,
                  sizes=[(-60, 2), (20, 1), (40, 2)], test=spec(price=USD))


def test_a_replica_that_was_removed_and_missed_again_has_its_cost():
    """Two replicas are demanded all the time. One is removed at 20 s and ordered again at 40 s; its new Pod is bound at
    41 s and Ready at 52 s. One is missing from 20 s to 52 s."""
    found = flap_world(demand_of_steps([(0, 2)]), Replica(40, 41, 52))
    assert found.flaps == (Flap(
        scale_in=1, scale_out=2, replicas=1, after_seconds=20.0, starting_replica_milliseconds=11_000,
        starting_gpu_milliseconds=22_000, saved_replica_milliseconds=20_000, missing_replica_milliseconds=32_000,
        amount="0.022000"),)


def test_a_flap_without_a_demand_has_no_missing_time_and_one_that_never_started_counts_to_the_end():
    [flap] = flap_world(no_demand(), Replica(40, 41)).flaps
    assert (flap.missing_replica_milliseconds, flap.starting_replica_milliseconds) == (None, 59_000)


def test_overshoot_is_what_lies_above_the_highest_demand():
    found = priced(ALWAYS, Replica(10, 10, 20, 60, 60), Replica(10, 10, 30, 60, 60), demand=demand_of_steps([(0, 1)]),
                   sizes=[(-60, 1), (10, 3), (60, 1)])
    assert found.overshoot == Overshoot(
        peak_demand=1, ready_replicas=2, ready_replica_milliseconds=40_000 + 30_000, ordered_replicas=2,
        ordered_replica_milliseconds=100_000)


def test_what_was_ordered_is_not_known_where_the_scale_target_was_not_seen():
    run = run_of([ALWAYS], 100)
    lines = tuple(line for line in run.bundle.observations
                  if not (isinstance(line, ObjectSeen) and line.kind is ObjectKind.DEPLOYMENT))
    found = price(derive_run(replace(run.bundle, observations=lines)), demand_of_steps([(0, 1)]))
    assert found is not None
    assert found.overshoot == Overshoot(1, 0, 0, None, None)


@pytest.mark.parametrize("world", [{"requests": []}, {"end": 0}, {"end": -5}], ids=["no load", "no time", "before it"])
def test_without_a_load_or_any_time_there_is_no_price(world: dict[str, Any]):
    end = world.pop("end", 100)
    assert price(run_of([ALWAYS], end, **world), demand_of_steps([(0, 1)])) is None


def test_without_a_pod_there_is_no_price():
    assert price(run_of([], 100), demand_of_steps([(0, 1)])) is None


def test_the_oracle_cannot_be_priced_where_a_replica_must_start_and_no_start_was_seen():
    listed = Replica(-60, -59, None)
    found = priced(listed, demand=demand_of_steps([(0, 1), (40, 2)]))
    oracle = found.alternative(AlternativeName.ORACLE)
    assert oracle is not None
    assert (oracle.gpu_milliseconds, oracle.reason) == (None, "no cold start was measured")
    assert found.oracle is None


def test_the_oracle_stays_at_a_maximum_that_is_not_enough_until_what_was_left_over_is_done():
    """Three are demanded from 40 s to 50 s, and two are the maximum: ten replica-seconds are left over, which the
    spare replica works off until 60 s. What is missed then is not the oracle's."""
    found = priced(ALWAYS, ALWAYS, demand=demand_of_steps([(0, 1), (40, 3), (50, 1)]), test=spec(maximum=2))
    oracle = found.alternative(AlternativeName.ORACLE)
    assert oracle is not None
    assert (oracle.miss_seconds, oracle.miss_source) == (0, MissSource.DEMAND)
    assert found.oracle is not None
    assert (found.oracle.overloaded, found.oracle.overloaded_seconds) == (((40.0, 60.0),), 20.0)
    assert found.oracle.ready == ((0.0, 1), (40.0, 2), (60.0, 1), (100.0, 0))


def test_of_a_load_that_is_not_whole_only_the_work_beyond_the_maximum_is_left_over():
    """2.1 replicas are demanded from 40 s to 50 s, which is three, and two are the maximum: one replica-second is left
    over. Of the load of 1.5 from then on, half a replica is to spare, which works it off until 52 s."""
    found = priced(ALWAYS, ALWAYS, demand=demand_of_steps([(0, 0.5), (40, 2.1), (50, 1.5)]), test=spec(maximum=2))
    assert found.oracle is not None
    assert found.oracle.overloaded == ((40.0, 52.0),)
    assert found.oracle.ready == ((0.0, 1), (40.0, 2), (100.0, 0))
    assert (peak := found.alternative(AlternativeName.STATIC_PEAK)) is not None
    assert peak.replicas == 3, "fixed replicas are whole ones"


def test_the_replica_that_is_left_after_the_load_is_kept_and_not_useful():
    """Two replicas are Ready for 100 s, and the load ends at 60 s: from then on the target keeps one, and the other one
    is idle. In a pause from 20 s to 30 s nothing comes either."""
    found = priced(ALWAYS, ALWAYS, demand=demand_of_steps(
        [(0, 2), (20, 1), (30, 2), (60, 1)], end=60, work=[(0, 2), (20, 0), (30, 2), (60, 0)]))
    assert seconds(found) == {"Useful": 100, "Kept": 50, "Idle": 50, "Starting": 0, "Draining": 0, "Pending": 0}


def test_a_pod_that_is_ready_is_on_a_node_although_the_record_does_not_name_it():
    """It is Ready from 10 s to 60 s, and then fails its probe."""
    found = priced(Replica(0, None, 10, steps=((60, False),)), demand=demand_of_steps([(0, 1)]))
    assert seconds(found) == {"Useful": 50, "Kept": 0, "Idle": 0, "Starting": 0, "Draining": 0, "Pending": 50}


@pytest.mark.parametrize(("status", "part"), [
    ({}, Part.PENDING), ({"startTime": "2026-01-01T00:00:00Z"}, Part.STARTING),
    ({"conditions": [{"type": "Ready", "status": "True"}]}, Part.READY),
    ({"conditions": [{"type": "Ready", "status": "False"}]}, Part.PENDING)])
def test_a_pod_without_the_name_of_its_node_is_pending_unless_a_kubelet_reports_it(
    status: dict[str, Any], part: Part,
):
    assert part_of({"metadata": {}, "spec": {}, "status": status}) is part
