"""The closed loop against queueing theory, and against timelines worked out by hand."""
from __future__ import annotations

import random
from collections.abc import Callable
from itertools import accumulate
from math import factorial, isnan
from statistics import mean, stdev

import pytest

from elastometer.model.capacity import Capacity
from elastometer.model.errors import SpecError
from elastometer.twin.engine import predict
from elastometer.twin.prediction import Prediction
from elastometer.twin.scenario import Arrival, MetricsPath
from support.twin_worlds import hpa, scenario

TOKEN = 0.001


def poisson(rate: float, count: int, seed: int, tokens: Callable[[random.Random], int]) -> tuple[Arrival, ...]:
    rng = random.Random(seed)
    instants = accumulate(rng.expovariate(rate) for _ in range(count))
    return tuple(Arrival(at, 0, tokens(rng), 0) for at in instants)


def exponential(mean_seconds: float) -> Callable[[random.Random], int]:
    return lambda rng: 1 + round(rng.expovariate(1 / mean_seconds) / TOKEN)


def fixed(arrivals: tuple[Arrival, ...], replicas: int, slots: int) -> Prediction:
    """No autoscaling, no prefill: a request's service time is its tokens."""
    return predict(scenario(
        arrivals, capacity=Capacity(slots, 0.0, 0.0, TOKEN), controller=hpa(replicas, replicas),
        initial_replicas=replicas, horizon_seconds=arrivals[-1].at + 1000,
    ))


def agrees(prediction: Prediction, arrivals: tuple[Arrival, ...], expected: float) -> bool:
    """The mean wait is within 3.5 standard errors, by the means of 25 batches; the first batch warms up."""
    waits = [first - arrival.at for first, arrival in zip(prediction.first_token, arrivals, strict=True)]
    size = len(waits) // 26
    batches = [mean(waits[start:start + size]) for start in range(size, 26 * size, size)]
    return abs(mean(batches) - expected) <= 3.5 * stdev(batches) / 25 ** 0.5


def erlang_c_wait(rate: float, service: float, slots: int) -> float:
    """Mean wait of M/M/c (Erlang C)."""
    offered = rate * service
    tail = offered ** slots / factorial(slots) * slots / (slots - offered)
    waits = tail / (sum(offered ** k / factorial(k) for k in range(slots)) + tail)
    return waits * service / (slots - offered)


@pytest.mark.parametrize(("slots", "load"), [(1, 0.6), (4, 0.7), (16, 0.85)])
def test_one_replica_waits_as_erlang_c_says(slots: int, load: float) -> None:
    rate = load * slots / 0.5
    arrivals = poisson(rate, 40_000, slots, exponential(0.5))
    assert agrees(fixed(arrivals, 1, slots), arrivals, erlang_c_wait(rate, 0.5, slots))


def test_requests_of_equal_length_wait_as_pollaczek_and_khinchine_say() -> None:
    arrivals = poisson(1.4, 40_000, 7, lambda _: 501)
    load = 1.4 * 0.5
    assert agrees(fixed(arrivals, 1, 1), arrivals, load * 0.5 / (2 * (1 - load)))


def test_replicas_do_not_share_a_queue() -> None:
    """Three replicas of one slot behind random balancing are three M/M/1, not one M/M/3."""
    arrivals = poisson(3 * 1.2, 60_000, 11, exponential(0.5))
    prediction = fixed(arrivals, 3, 1)
    assert agrees(prediction, arrivals, erlang_c_wait(1.2, 0.5, 1))
    assert not agrees(prediction, arrivals, erlang_c_wait(3.6, 0.5, 3))


def test_a_step_scales_out_as_worked_out_by_hand() -> None:
    """Two requests a second on a replica that does one a second: after 15 s some 14 wait; the target is 2 per replica.

    0 s: nothing waits, 1 replica. 15 s: 14 / 2 = 7 wanted, the policy allows 1 + 4 = 5. 30 s: the four new ones are
    Running without a sample, so the mean is taken over 5 Pods, four of them at 0: 29 / 5 > 2, wanted 15, allowed 10
    (twice as many), which is also maxReplicas. The first four serve at 35 s, the others at 50 s.
    """
    prediction = predict(scenario([0.5 * step for step in range(400)], horizon_seconds=120.0))
    assert prediction.desired == ((0.0, 1), (15.0, 5), (30.0, 10))
    assert prediction.ready == ((0.0, 1), (35.0, 5), (50.0, 10))
    assert [sync.at for sync in prediction.syncs] == [15.0 * number for number in range(9)]


def test_a_backlog_stays_on_its_replica_when_replicas_are_added() -> None:
    """Sixty requests of 1 s each, all on one replica, end one after another, however many replicas come later."""
    prediction = predict(scenario([0.0] * 60, horizon_seconds=100.0))
    assert list(prediction.ended) == [float(place) for place in range(1, 61)]
    assert max(count for _, count in prediction.ready) > 1


def test_a_scale_in_that_drains_loses_nothing() -> None:
    prediction = predict(scenario([0.5 * step for step in range(400)], drain_seconds=6.0))
    assert not any(isnan(end) for end in prediction.ended)
    gone = [replica for replica in prediction.replicas if replica.deleted is not None]
    assert len(gone) == 9
    assert all(replica.gone is not None and replica.deleted is not None and replica.gone >= replica.deleted + 6
               for replica in gone)


def test_a_scale_in_deletes_unready_replicas_first_then_those_ready_for_the_shortest_time() -> None:
    """Ages in powers of two of nanoseconds, as in the ReplicaSet controller: 3600 s and 20 s have different ranks."""
    burst = tuple(Arrival(1000.0, 0, 1, 0) for _ in range(20))
    prediction = predict(scenario(burst, controller=hpa(1, 3, down=0), start_seconds=-3000.0, cold_starts=(5.0, 40.0)))
    assert prediction.replicas[0].deleted is None
    assert len(prediction.replicas) == 3


def test_what_has_not_ended_within_the_grace_period_is_lost() -> None:
    """Requests of 100 s: the scale-in at 75 s comes while they are running, and gives them 10 s."""
    long = tuple(Arrival(float(at), 0, 1, 0) for at in range(40, 60))
    prediction = predict(scenario(
        long, capacity=Capacity(100, 100.0, 0.0, 0.1), controller=hpa(1, 4, down=0), initial_replicas=4,
        grace_seconds=10.0, start_seconds=40.0,
    ))
    lost = [number for number, end in enumerate(prediction.ended) if isnan(end)]
    assert lost
    assert {prediction.replica[number] for number in lost} <= {
        replica.number for replica in prediction.replicas if replica.deleted is not None
    }


def test_no_request_is_served_by_a_target_without_replicas() -> None:
    prediction = predict(scenario([1.0, 2.0], initial_replicas=0))
    assert all(isnan(end) for end in prediction.ended)
    assert list(prediction.replica) == [-1, -1]


def test_a_client_that_receives_nothing_gives_up_and_takes_no_slot() -> None:
    prediction = predict(scenario([0.0, 0.0, 0.0, 0.0, 3.5], controller=hpa(1, 1), patience_seconds=1.5))
    assert list(prediction.ended)[:2] == [1.0, 2.0]
    assert all(isnan(end) for end in list(prediction.ended)[2:4])
    assert prediction.ended[4] == 4.5


def test_a_request_that_joins_others_waits_for_the_current_step() -> None:
    capacity = Capacity(4, 0.2, 0.0, 0.1, decode_seconds_per_neighbour=0.05, join_seconds=0.3)
    arrivals = (Arrival(0.0, 0, 11, 0), Arrival(0.5, 0, 11, 0))
    prediction = predict(scenario(arrivals, capacity=capacity))
    assert list(prediction.first_token) == pytest.approx([0.2, 1.0])
    assert list(prediction.ended) == pytest.approx([1.2, 2.5])


def test_an_impossible_scenario_is_refused_by_name() -> None:
    with pytest.raises(SpecError, match="coldStarts: must hold at least one"):
        predict(scenario([0.0], cold_starts=()))
    with pytest.raises(SpecError, match=r"capacity\.slots: must be at least 1, is 0"):
        predict(scenario([0.0], capacity=Capacity(0, 1.0, 0.0, 0.1)))
    with pytest.raises(SpecError, match=r"path\.scrapeSeconds: must be above 0"):
        predict(scenario([0.0], path=MetricsPath(0.0)))
    with pytest.raises(SpecError, match=r"arrivals\[1\]\.at: must not be before the arrival that precedes it \(1\), "
                                        "is 0"):
        predict(scenario([1.0, 0.0]))
