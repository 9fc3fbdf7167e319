"""Demand and scorecard on worlds made by hand, with every number worked out in the test.

In all of them `spec.demand` states that one replica serves one request per second, and requests arrive evenly, so that
the demand in replicas is the rate. The load is 100 s long.
"""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from elastometer.analysis.demand.demand import demand_of
from elastometer.analysis.elasticity.elasticity import elasticity_of
from elastometer.analysis.elasticity.scorecard import scorecard
from elastometer.analysis.evidence.steps import Steps
from elastometer.analysis.run import DerivedRun
from elastometer.model.elasticity import (
    DemandSource,
    Elasticity,
    Movement,
    Scorecard,
    StageLimit,
    SupplyKind,
    SupplyScore,
)
from elastometer.model.request import RecordedRequest
from elastometer.render.wording.elasticity import demand_rows, remarks, row, sentence
from elastometer_loadgen.base.record import Outcome
from support.price_worlds import Replica, at, request, run_of, spec

GIVEN: dict[str, Any] = {"requestsPerSecond": "1"}


def made(demand: dict[str, Any] | None, *stages: tuple[str, int], minimum: int = 1) -> dict[str, Any]:
    document = spec(minimum=minimum)
    document["spec"]["load"]["stages"] = [
        {"name": name, "type": "Rate", "durationSeconds": seconds, "endRequestsPerSecond": "1"}
        for name, seconds in stages or (("all", 100),)]
    if demand is not None:
        document["spec"]["demand"] = demand
    return document


def evenly(*spells: tuple[float, float, int], tokens: int = 100, wait: float = 0.1) -> list[RecordedRequest]:
    """(from, to, per second): requests in the middle of equal gaps, each answered after `wait`."""
    found: list[RecordedRequest] = []
    for start, end, rate in spells:
        for number in range(round((end - start) * rate)):
            when = start + (number + 0.5) / rate
            found.append(request(len(found), when, when + wait, tokens=tokens))
    return found


def scored(run: DerivedRun) -> Elasticity:
    return elasticity_of(run, demand_of(run))


def card_of(found: Elasticity, supply: SupplyKind) -> Scorecard:
    row = found.of(supply)
    assert row is not None
    assert row.score is not None, row.reason
    return row.score


STEP = evenly((0, 30, 1), (30, 100, 3))
READY = Replica(-30, -29, -20)


def test_supply_that_is_demand_scores_nothing() -> None:
    run = run_of([READY, READY], 100, sizes=[(-30, 2)], test=made(GIVEN), requests=evenly((0, 100, 2)))
    found = scored(run)
    assert demand_of(run).arrival.points == ((0.0, 2.0), (100.0, 1.0))
    for supply in (SupplyKind.ORDERED, SupplyKind.READY):
        card = card_of(found, supply)
        assert (card.theta_under, card.theta_over, card.tau_under, card.tau_over) == (0, 0, 0, 0)
        assert (card.theta_under_normalized, card.theta_over_normalized, card.instability, card.inertia) == (0, 0, 0, 0)
    assert (found.decision_under, found.cold_start_under) == (0, 0)
    assert sentence(found).startswith("over the load, no replicas were missing; none was idle")
    assert not any("while replicas were missing" in remark for remark in remarks(found))


def test_always_one_missing() -> None:
    """Demand 2 and one replica: 1 missing for 100 s, which is half of the demand."""
    run = run_of([READY], 100, sizes=[(-30, 1)], test=made(GIVEN), requests=evenly((0, 100, 2)))
    found, card = scored(run), card_of(scored(run), SupplyKind.READY)
    assert (card.area_under, card.theta_under, card.tau_under, card.theta_under_normalized) == (100, 1, 1, 0.5)
    assert (card.area_over, card.theta_over, card.tau_over, card.theta_over_normalized) == (0, 0, 0, 0)
    assert (found.decision_under, found.cold_start_under) == (1, 0)
    assert sentence(found) == ("over the load, on average 1 replica was missing for 100 % of the time, because too few "
                               "had been ordered; none was idle")


def test_always_one_idle() -> None:
    """Demand 2 and three replicas: 1 idle for 100 s, which is half of the demand."""
    run = run_of([READY] * 3, 100, sizes=[(-30, 3)], test=made(GIVEN), requests=evenly((0, 100, 2)))
    card = card_of(scored(run), SupplyKind.READY)
    assert (card.area_over, card.theta_over, card.tau_over, card.theta_over_normalized) == (100, 1, 1, 0.5)
    assert (card.area_under, card.theta_under, card.tau_under, card.theta_under_normalized) == (0, 0, 0, 0)


def test_a_cold_start_of_ten_seconds_on_a_step_of_demand() -> None:
    """Demand 1 until 30 s, then 3; two replicas ordered at 30 s, created at once, and Ready at 40 s. Of what was
    ordered nothing is missing; of what is Ready 2 replicas for 10 s: 20 replica-seconds, two thirds of the demand."""
    added = Replica(30, 30, 40)
    run = run_of([READY, added, added], 100, sizes=[(-30, 1), (30, 3)],
                 test=made(GIVEN, ("low", 30), ("high", 70)), requests=staged(STEP))
    found = scored(run)
    assert demand_of(run).arrival.points == ((0.0, 1.0), (30.0, 3.0), (100.0, 1.0))
    ordered, ready = card_of(found, SupplyKind.ORDERED), card_of(found, SupplyKind.READY)
    assert (ordered.theta_under, ordered.theta_over, ordered.jitter_per_minute) == (0, 0, 0)
    assert (ready.area_under, ready.theta_under, ready.tau_under) == (20, 0.2, 0.1)
    assert ready.theta_under_normalized == pytest.approx(0.1 * 2 / 3)
    assert (ready.theta_over, ready.supply_events, ready.demand_events) == (0, 2, 2)
    # 240 requests in 100 s: 30 of them in 13 s. Of 7 whole cells of 13 s, and so 6 pairs, the demand rises between
    # those at 26 and 39 s, the supply between those at 39 and 52 s.
    assert (ready.unit_seconds, ready.instability, ready.inertia) == (13, 1 / 6, 1 / 6)
    assert (found.decision_under, found.cold_start_under) == (0, 0.2)
    assert sentence(found) == ("over the load, on average 0.2 replicas were missing for 10 % of the time, because new "
                               "ones were still starting; none was idle")
    # Which reads as if they had been few.
    assert next(remarks(found)) == (
        "averages are over the whole time; while replicas were missing, 2.00 Ready ones were, on average")


def test_the_times_of_a_request_are_those_of_the_rate_that_is_named_with_them() -> None:
    """Stages with bounds of their own have capacities of their own; the times are those of the lowest."""
    account = demand_of(run_of([READY], 100, sizes=[(-30, 1)], test=made(GIVEN), requests=evenly((0, 100, 1)))).account
    assert account.capacity is not None
    assert "time, at" not in dict(demand_rows(account))["A request takes"]
    limits = (StageLimit("calm", 50.0, 1.0, "strict"), StageLimit("ramp", 100.0, 2.0, "lax"))
    two = replace(account, capacity=replace(account.capacity, limits=limits))
    assert dict(demand_rows(two))["A request takes"].endswith("of one replica's time, at 1 requests per second")


def staged(requests: list[RecordedRequest], change: float = 30) -> list[RecordedRequest]:
    return [replace(one, stage="low" if one.intended < at(change) else "high") for one in requests]


def test_the_share_of_the_decision_and_that_of_the_cold_start() -> None:
    """As above, but ordered 5 s late: 2 missing for 5 s of the decision, and for 10 s more of the start."""
    added = Replica(35, 35, 45)
    run = run_of([READY, added, added], 100, sizes=[(-30, 1), (35, 3)],
                 test=made(GIVEN, ("low", 30), ("high", 70)), requests=staged(STEP))
    found = scored(run)
    assert (found.decision_under, found.cold_start_under) == (pytest.approx(0.1), pytest.approx(0.2))
    assert "two thirds of that because new ones were still starting, the rest because too few had been ordered" in \
        sentence(found)


def test_the_error_of_the_demand_gives_bounds() -> None:
    """Demand 2 ± 25 %: at 1/0.75 of the work 2.67, so 3 replicas; at 1/1.25 of it 1.6, so 2."""
    run = run_of([READY], 100, sizes=[(-30, 1)], test=made({**GIVEN, "errorPercent": 25}),
                 requests=evenly((0, 100, 2)))
    demand = demand_of(run)
    assert demand.low is not None
    assert demand.high is not None
    assert (demand.low.value_at(50), demand.high.value_at(50)) == (2, 3)
    row = scored(run).of(SupplyKind.READY)
    assert row is not None
    assert row.low is not None
    assert row.high is not None
    assert (row.low.theta_under, row.high.theta_under) == (1, 2)


def test_without_an_error_there_are_no_bounds() -> None:
    run = run_of([READY], 100, sizes=[(-30, 1)], test=made(GIVEN), requests=evenly((0, 100, 2)))
    row = scored(run).of(SupplyKind.READY)
    assert row is not None
    assert (row.low, row.high, demand_of(run).low) == (None, None, None)


def test_a_watch_gap_widens_by_what_lies_between_before_and_after() -> None:
    """One replica until 50 s and two after it; Pods were not watched from 40 s to 49.75 s, and 0.25 s later the lines
    that waited have been read. So one or two were Ready for 10 s, with demand 2: 50 replica-seconds were missing, or 10
    less."""
    run = run_of([READY, Replica(20, 20, 50)], 100, sizes=[(-30, 2)], test=made(GIVEN),
                 requests=evenly((0, 100, 2)), gaps=[(40, 49.75)])
    row = scored(run).of(SupplyKind.READY)
    assert row is not None
    assert row.score is not None
    assert row.low is not None
    assert row.high is not None
    assert (row.score.area_under, row.low.area_under, row.high.area_under) == (50, 40, 50)
    assert "pods were not watched for 10.0 s" in row.notes[0]


def test_a_supply_that_was_not_seen_is_not_scored() -> None:
    run = run_of([Replica(10, 11, 12)], 100, sizes=[(-30, 1)], test=made(GIVEN), requests=evenly((0, 100, 2)))
    nothing_ordered = replace(run, replicas=replace(run.replicas, ordered=Steps(())))
    row = elasticity_of(nothing_ordered, demand_of(run)).of(SupplyKind.ORDERED)
    assert row is not None
    assert (row.score, row.reason) == (
        None, "the replicas that were ordered: nothing was seen of them at the start of the load")


def test_backlog_adds_what_waits_at_the_start_of_a_window() -> None:
    """Two requests per second for 100 s, in windows of 15 s; those of the first 10 s get their first token at 20 s
    only. At 15 s 20 replica-seconds wait; worked off within 10 s they need 2 more replicas. At 30 s nothing waits."""
    early = [replace(one, first_token=at(20), last_token=at(20), end=at(20)) for one in evenly((0, 10, 2))]
    late = [replace(one, id=one.id + 100) for one in evenly((10, 100, 2))]
    run = run_of([READY], 100, sizes=[(-30, 1)], test=made({**GIVEN, "drainSeconds": 10}), requests=[*early, *late])
    backlog = demand_of(run).backlog
    assert [backlog.value_at(time) for time in (0, 14, 15, 29, 30, 45)] == [2, 2, 4, 4, 2, 2]


def test_tokens_count_and_not_requests_alone() -> None:
    """One request per second throughout; from 50 s on their answers are four times as long. A replica serves 100 output
    tokens per second."""
    requests = [*evenly((0, 50, 1), tokens=100), *(replace(one, id=one.id + 100) for one in
                                                   evenly((50, 100, 1), tokens=400))]
    test = made({"tokensPerSecond": {"output": "100"}})
    demand = demand_of(run_of([READY], 100, sizes=[(-30, 1)], test=test, requests=requests))
    assert demand.account.source is DemandSource.GIVEN
    assert [demand.arrival.value_at(time) for time in (25, 75)] == [1, 4]
    capacity = demand.account.capacity
    assert capacity is not None
    assert (capacity.mean_output_tokens, capacity.requests_per_second) == (250, pytest.approx(0.4))


def test_prompt_and_output_tokens_add_up() -> None:
    """10 prompt tokens at 20 per second are half a replica-second, 100 output tokens at 100 per second a whole one."""
    run = run_of([READY], 100, sizes=[(-30, 1)], requests=evenly((0, 100, 2)),
                 test=made({"tokensPerSecond": {"prompt": "20", "output": "100"}}))
    assert demand_of(run).arrival.value_at(50) == 3


def test_a_failed_request_counts_with_the_median_tokens_of_its_stage() -> None:
    lost = [request(500 + number, number + 0.5, number + 0.6, outcome=Outcome.REFUSED) for number in range(100)]
    run = run_of([READY], 100, sizes=[(-30, 1)], requests=[*evenly((0, 100, 1)), *lost],
                 test=made({"tokensPerSecond": {"output": "100"}}))
    demand = demand_of(run)
    assert demand.arrival.value_at(50) == 2
    assert any(note.startswith("100 of 200 requests failed or state no tokens") for note in demand.account.notes)


@pytest.mark.parametrize(("minimum", "least"), [(0, 0), (1, 1)])
def test_while_nothing_arrives_a_target_that_may_scale_to_zero_needs_nothing(minimum: int, least: int) -> None:
    run = run_of([READY], 100, sizes=[(-30, 1)], test=made(GIVEN, minimum=minimum), requests=evenly((0, 30, 2)))
    demand = demand_of(run)
    assert demand.arrival.value_at(60) == least
    # A demand of 0 counts as 1 in the normalized form: one idle replica for 70 s of 100 s.
    assert card_of(scored(run), SupplyKind.READY).theta_over_normalized == pytest.approx(0.7 if minimum == 0 else 0)


def test_without_any_source_nothing_is_judged_and_the_reason_is_said() -> None:
    run = run_of([READY], 100, sizes=[(-30, 1)], test=made(None), requests=evenly((0, 100, 2)))
    demand, found = demand_of(run), scored(run)
    assert demand.account.source is DemandSource.NOT_JUDGED
    assert "it is unknown how many requests run at once" in (demand.account.reason or "")
    assert (found.reason, found.supplies) == (demand.account.reason, ())
    assert sentence(found) == f"elasticity was not judged: {demand.account.reason}"


def test_a_run_without_requests_has_no_demand() -> None:
    run = run_of([READY], 100, sizes=[(-30, 1)], test=made(GIVEN), requests=[])
    assert demand_of(run).account.reason == "no request was recorded"


def test_bounds_of_the_curves_are_bounds_of_the_numbers() -> None:
    """A demand that is higher, or a supply that is lower, never lowers what is missing."""
    demand, supply = Steps.of([(0, 2), (40, 3)]), Steps.of([(0, 1), (20, 3)])
    more, less = Steps.of([(0, 3), (40, 3)]), Steps.of([(0, 1), (30, 3)])
    middle, worst = scorecard(demand, supply, 0, 100, 5), scorecard(more, less, 0, 100, 5)
    assert worst.theta_under > middle.theta_under
    assert worst.theta_over <= middle.theta_over


def test_work_that_takes_no_time_is_no_capacity() -> None:
    """Only prompt tokens are said to cost anything, and the prompts have none."""
    requests = [replace(one, prompt_tokens=0) for one in evenly((0, 100, 2))]
    run = run_of([READY], 100, sizes=[(-30, 1)], test=made({"tokensPerSecond": {"prompt": "20"}}), requests=requests)
    assert "must take some of a replica's time" in (demand_of(run).account.reason or "")


def paced(pod: str, spells: list[tuple[float, float, float]]) -> list[RecordedRequest]:
    """(from, to, tokens per second): one answer a second, each of which streams evenly for that second."""
    found = []
    for start, end, rate in spells:
        for number in range(round(end - start)):
            when = start + number
            made_of = request(0, when, when, tokens=round(rate))
            found.append(replace(made_of, pod=pod, last_token=at(when + 1), end=at(when + 1), chunks=round(rate)))
    return found


def test_a_young_replica_weighs_what_it_served_of_what_the_older_one_did() -> None:
    """The older replica sends 100 tokens per second throughout. The new one, Ready at 20 s, sends 40 for ten seconds,
    then 70 for twenty, then 100."""
    requests = [*paced("demo-server-0", [(0, 100, 100)]),
                *paced("demo-server-1", [(20, 30, 40), (30, 50, 70), (50, 100, 100)])]
    requests = [replace(one, id=number) for number, one in enumerate(sorted(requests, key=lambda one: one.intended))]
    run = run_of([Replica(-90, -89, -80), Replica(10, 10, 20)], 100, sizes=[(-90, 1), (10, 2)],
                 test=made({"tokensPerSecond": {"output": "100"}}), requests=requests)
    found = scored(run)
    assert found.warm_up.replicas == 1
    assert [round(share, 3) for _, share in found.warm_up.shares] == [0.4, 0.4, 0.7, 0.7, 1.0]
    warm = Steps(found.warm)
    weights = [round(warm.value_at(time) or 0, 3) for time in (10, 20, 29, 30, 49, 50, 80)]
    assert weights == [1, 1.4, 1.4, 1.7, 1.7, 2, 2]


def test_the_warm_supply_needs_an_older_replica_to_compare_with() -> None:
    run = run_of([Replica(-30, -29, -20), Replica(10, 10, 20)], 100, sizes=[(-30, 1), (10, 2)], test=made(GIVEN),
                 requests=evenly((0, 60, 2)))
    row = scored(run).of(SupplyKind.WARM)
    assert row is not None
    assert row.score is None
    assert (row.reason or "").startswith("the weight of a young replica is not known: ")


def movement_of(error: int | None, **world: Any) -> SupplyScore:
    """Three replicas all the time, each of which serves ten requests per second; 19 come per second, and 21 from 50 s
    on: a demand of two replicas, then of three."""
    demand = {"requestsPerSecond": "10", **({} if error is None else {"errorPercent": error})}
    run = run_of([READY] * 3, 100, sizes=[(-30, 3)], test=made(demand, ("low", 50), ("high", 50)),
                 requests=staged(evenly((0, 50, 19), (50, 100, 21)), change=50), **world)
    found = scored(run).of(SupplyKind.READY)
    assert found is not None
    return found


def test_what_counts_moves_is_bounded_by_all_demands_within_the_error_and_not_by_its_ends():
    """The demand rises by one replica in 100 s, which the supply does not: a jitter of -0.6 a minute, and in one of 19
    pairs of cells the supply does not follow. At both ends of an error of 10 % the demand stays at two, or at three."""
    found = movement_of(10)
    assert found.score is not None
    assert (found.score.jitter_per_minute, found.score.instability, found.score.inertia) == (-0.6, 0, 1 / 19)
    assert found.low_movement == Movement(-0.6, 0, 0)
    assert found.high_movement == Movement(0, 0, 1 / 19)
    assert found.movement_reason is None
    assert row(found)[7:10] == ["-0.60/min (-0.60/min to +0.00/min)", "0 %", "5 % (0 % to 5 %)"]


def test_without_an_error_or_with_a_watch_gap_they_have_no_bounds_and_say_why():
    found = movement_of(None)
    assert (found.low_movement, found.high_movement) == (None, None)
    assert found.movement_reason == "the error of the demand is not known"
    hidden = movement_of(10, gaps=[(40.0, 105.0)])
    assert (hidden.low_movement, hidden.high_movement) == (None, None)
    assert hidden.movement_reason == "replicas may have come and gone unseen in the watch gaps"
    assert "Ready: jitter, υ and υ′ have no bounds: replicas may have come and gone unseen in the watch gaps" in \
        list(remarks(Elasticity(0, 100, supplies=(hidden,))))
