"""Users and conversations in virtual time, against the theory of closed queueing networks and against cases by hand.

The formulas are those of textbooks: mean value analysis (Reiser and Lavenberg 1980) for stations with one server, the
birth-death chain of M/M/c//N ("machine repair") for several, both exact for exponential service. Think times may have
any distribution in both, because nobody waits for another to think.
"""
from __future__ import annotations

from dataclasses import replace
from math import comb, factorial, isnan
from typing import Any

import pytest

from elastometer.twin.closed_load import UserStage
from elastometer.twin.engine import predict
from elastometer.twin.prediction import Prediction
from elastometer.twin.scenario import Arrival, Balancing, Scenario
from elastometer_loadgen.profile.profile import parse_profile
from elastometer_loadgen.stages.knee import KneeStage
from support.closed_loads import closed, exponential, users

SERVICE, END = 1.0, 7_000.0


def steady(found: Prediction, after: float = 500.0) -> tuple[float, float]:
    """(requests per second, mean seconds from sending to the end) of what ended between `after` and the last minute."""
    ends = [(arrival.at, end) for arrival, end in zip(found.arrivals, found.ended, strict=True)
            if after <= end < END - 60]
    return len(ends) / (END - 60 - after), sum(end - at for at, end in ends) / len(ends)


def mva(count: int, stations: int, think: float) -> tuple[float, float]:
    """Throughput and response time of so many stations of one server, each visited by the same share of requests."""
    queue, rate, response = 0.0, 0.0, 0.0
    for number in range(1, count + 1):
        response = SERVICE * (1 + queue)
        rate = number / (think + response)
        queue = rate / stations * response
    return rate, response


def machine_repair(count: int, servers: int, think: float) -> tuple[float, float]:
    """Throughput and response time of one queue with several servers."""
    def weight(busy: int) -> float:
        ways = comb(count, busy) * (SERVICE / think) ** busy
        return ways if busy <= servers else ways * factorial(busy) / (factorial(servers) * servers ** (busy - servers))

    weights = [weight(busy) for busy in range(count + 1)]
    total = sum(weights)
    rate = sum(min(busy, servers) * one for busy, one in enumerate(weights)) / total / SERVICE
    return rate, sum(busy * one for busy, one in enumerate(weights)) / total / rate


@pytest.mark.parametrize(("count", "replicas", "think"), [(4, 1, 8.0), (12, 1, 8.0), (10, 2, 4.0), (24, 3, 6.0)])
def test_replicas_of_one_slot_have_the_throughput_of_mean_value_analysis(count: int, replicas: int, think: float):
    """Think times are uniform and requests go to random replicas: a product-form network."""
    found = predict(closed(users(count, END, think=0.5 * think, span=think), output=exponential(SERVICE),
                           replicas=replicas))
    rate, response = mva(count, replicas, think)
    assert steady(found) == (pytest.approx(rate, rel=0.03), pytest.approx(response, rel=0.06))


@pytest.mark.parametrize(("count", "slots", "think"), [(6, 2, 2.0), (16, 4, 3.0), (30, 8, 2.0)])
def test_a_replica_of_several_slots_has_the_throughput_of_machine_repair(count: int, slots: int, think: float):
    found = predict(closed(users(count, END, think=0.5 * think, span=think), output=exponential(SERVICE), slots=slots))
    rate, response = machine_repair(count, slots, think)
    assert steady(found) == (pytest.approx(rate, rel=0.03), pytest.approx(response, rel=0.06))


@pytest.mark.parametrize("balancing", list(Balancing))
def test_the_interactive_response_time_law_holds_under_every_balancing(balancing: Balancing):
    """R = N / X - Z, by Little's law, whatever the distributions."""
    found = predict(closed(users(20, END, think=2.0, span=3.0), output=exponential(SERVICE), replicas=3, slots=2,
                           balancing=balancing))
    rate, response = steady(found)
    assert response == pytest.approx(20 / rate - 3.5, abs=0.05)


def sent(world: Scenario) -> list[tuple[float, float]]:
    """(when it was sent, when its answer was there), of each request in order."""
    found = predict(world)
    return [(round(arrival.at, 3), round(end, 3)) for arrival, end in zip(found.arrivals, found.ended, strict=True)]


def test_a_user_sends_again_once_the_answer_is_there_and_it_has_thought():
    assert sent(closed(users(1, 10.0, think=2.0), prefill=1.0)) == [(0, 1), (3, 4), (6, 7), (9, 10)]


def test_users_arrive_at_their_rate_and_queue_for_the_slot():
    spawned = users(3, 4.0, spawn_per_second=2.0)
    assert sent(closed(spawned, prefill=1.0)) == [(0, 1), (0.5, 2), (1, 3), (1, 4), (2, 5), (3, 6)]


def test_users_carry_over_to_the_next_stage_and_those_beyond_it_leave():
    """Three users, then two: at 2 s one of them leaves, and no one is counted twice."""
    first, second = users(3, 2.0), users(2, 4.0, index=1, begin=2.0, present=3)
    found = predict(closed(first, second, prefill=1.0, slots=3))
    assert [arrival.stage for arrival in found.arrivals] == [0] * 6 + [1] * 4


def test_a_sequence_of_requests_ends_with_its_last_answer_and_the_next_stage_follows_at_once():
    """Five requests, two at a time, 1 s each: over after 3 s and not after the planned 100 s."""
    sweep, after = users(2, 100.0, count=5), users(1, 102.0, index=1, begin=100.0)
    found = predict(closed(sweep, after, prefill=1.0, slots=4, tail_seconds=10.0))
    assert [(arrival.at, arrival.stage) for arrival in found.arrivals] == [
        (0, 0), (0, 0), (1, 0), (1, 0), (2, 0), (3, 1), (4, 1)]
    assert found.end_seconds == 15.0


def test_a_run_whose_length_answers_decide_ends_a_while_after_its_last_stage_however_long_users_think():
    """The sequence is over at 2 s, the users of the next stage at 7 s, and the last of them would think until 62 s."""
    sweep, after = users(1, 100.0, count=2), users(1, 105.0, index=1, begin=100.0, think=60.0)
    found = predict(closed(sweep, after, prefill=1.0, tail_seconds=10.0))
    assert [(arrival.at, arrival.stage) for arrival in found.arrivals] == [(0, 0), (1, 0), (2, 1)]
    assert found.end_seconds == 17.0


def test_arrivals_on_a_schedule_wait_for_the_sequence_before_them():
    sweep = users(1, 50.0, count=2)
    found = predict(closed(sweep, arrivals=(Arrival(51.0, 10, 1, 1),), prefill=1.0))
    assert [arrival.at for arrival in found.arrivals] == [0, 1, 3]


def test_each_turn_of_a_conversation_waits_for_the_answer_before_it():
    """A conversation of three turns that a schedule begins: each turn 1 s, and half a second of thought between."""
    world = closed(arrivals=(Arrival(5.0, 10, 1, 0),), prefill=1.0, turns=3, pause=0.5)
    assert sent(world) == [(5, 6), (6.5, 7.5), (8, 9)]
    assert [arrival.prompt_tokens for arrival in predict(world).arrivals] == [10, 20, 30]


def test_a_user_finishes_its_conversation_even_if_its_stage_is_over():
    assert sent(closed(users(1, 2.0, think=9.0), prefill=1.0, turns=3)) == [(0, 1), (1, 2), (2, 3)]


def test_a_user_whose_request_was_lost_waits_for_a_second_and_asks_again():
    """No replica serves for the first 20 s: refused at once, once a second."""
    world = closed(users(1, 22.0), prefill=1.0, replicas=0)
    found = predict(world)
    assert [arrival.at for arrival in found.arrivals[:4]] == [0, 1, 2, 3]
    assert all(map(isnan, found.ended))


def test_a_user_whose_request_timed_out_goes_on_from_there():
    assert [at for at, _ in sent(closed(users(1, 8.0), prefill=30.0, timeout_seconds=3.0))] == [0, 3, 6]


def test_a_user_sends_no_more_than_its_limit():
    stage = users(1, 100.0)
    limited = replace(stage, steps=(stage.steps[0]._replace(allowed=3),))
    assert len(sent(closed(limited, prefill=1.0))) == 3


def search(of: str, maximum: int, limit: int, **more: Any) -> UserStage:
    """A Knee in steps of 20 s with a soak of 30 s, judged by the latency that every request must keep."""
    stage = {"name": "knee", "type": "Knee", "of": of, "start": 1, "step": 1, "stepSeconds": 20, "maximum": maximum,
             "soakSeconds": 30, "objectives": [
                 {"indicator": "RequestLatency", "percentile": 100, "maximumMilliseconds": limit}], **more}
    knee = parse_profile({"stages": [stage]}).stages[0]
    assert isinstance(knee, KneeStage)
    return replace(users(1, float(knee.duration_seconds)), knee=knee)


def test_a_knee_of_users_rises_until_its_objective_fails_and_soaks_at_the_last_good_step():
    """One slot and 1 s of service: each of N users waits for N seconds, so three keep 3.5 s and four do not."""
    found = predict(closed(search("Users", 8, 3500), users(2, 400.0, index=1, begin=190.0), prefill=1.0))
    climb, = found.climbs
    assert [(step.value, step.start, step.end) for step in climb.steps] == [
        (1, 0, 20), (2, 20, 40), (3, 40, 60), (4, 60, 80)]
    assert climb.steps[-1].verdict.failed == "RequestLatency p100 must be at most 3500 ms, was 4000 ms"
    assert climb.soak is not None
    assert (climb.soak.value, climb.soak.start, climb.soak.end) == (3, 80, 110)
    assert climb.soak.verdict.failed is None
    after = [arrival.at for arrival in found.arrivals if arrival.stage == 1]
    assert 110 <= min(after) < 115


def test_a_knee_that_holds_everywhere_soaks_at_its_maximum():
    climb, = predict(closed(search("Users", 2, 9000), prefill=1.0)).climbs
    assert [step.value for step in climb.steps] == [1, 2]
    assert climb.soak is not None
    assert climb.soak.value == 2


def test_a_knee_of_rates_fails_where_requests_wait_longer_than_they_may():
    """Four requests a second fill the slot; five let the queue grow by 5 s of work in 20 s."""
    found = predict(closed(search("Rate", 6, 2000), output=lambda _: 251))
    climb, = found.climbs
    assert 3 <= climb.steps[-1].value <= 5
    assert climb.steps[-1].verdict.failed is not None
    rates = [sum(step.start <= arrival.at < step.end for arrival in found.arrivals) / 20 for step in climb.steps]
    assert rates == pytest.approx([step.value for step in climb.steps], rel=0.5)


def test_more_users_take_part_from_step_to_step():
    """A Knee's recorded steps: one user until 4 s, three until 8 s."""
    first = users(1, 8.0)
    knee = replace(first, steps=(*first.steps, first.steps[0]._replace(at=4.0, users=3)))
    assert [at for at, _ in sent(closed(knee, prefill=2.0, slots=3))] == [0, 2, 4, 4, 4, 6, 6, 6]
