"""What holds for every demand, every capacity and every autoscaler."""
from __future__ import annotations

import random
from bisect import bisect_right
from collections import defaultdict
from dataclasses import replace
from math import isnan

from hypothesis import given, settings
from hypothesis import strategies as st

from elastometer.hpa.settings import (
    Behavior,
    HpaSpec,
    Metric,
    MetricType,
    Policy,
    PolicyType,
    ScalingRules,
    TargetType,
)
from elastometer.model.capacity import Capacity
from elastometer.twin.engine import predict
from elastometer.twin.prediction import Prediction
from elastometer.twin.scenario import (
    Arrival,
    Balancing,
    Controller,
    HpaController,
    KedaController,
    KpaController,
    MetricsPath,
    Scenario,
)
from elastometer.twin.sources import Signal, Trigger
from support.reach import reached, reaches

RULES = ScalingRules((Policy(PolicyType.PODS, 4, 15), Policy(PolicyType.PERCENT, 100, 15)), stabilization_seconds=0)


def hpa(minimum: int, maximum: int, kind: MetricType, signal: Signal, phase: float) -> HpaController:
    metric = Metric(kind, signal.value, TargetType.AVERAGE_VALUE, 2000)
    return HpaController(HpaSpec(minimum, maximum, (metric,), Behavior(RULES, RULES)), (signal,), phase)


HPAS = st.builds(
    hpa, st.integers(1, 3), st.integers(3, 8), st.sampled_from([MetricType.PODS, MetricType.EXTERNAL]),
    st.sampled_from([Signal.WAITING, Signal.RUNNING, Signal.IN_FLIGHT]), st.floats(-15, 15),
)


def keda(inner: HpaController, minimum: int) -> KedaController:
    """A trigger on the signal of the HPA's only metric."""
    triggers = tuple(Trigger(source) for source in inner.sources if source is not None)
    return KedaController(inner, 5.0, 20.0, minimum, triggers)


CONTROLLERS: st.SearchStrategy[Controller] = st.one_of(
    HPAS, st.builds(keda, HPAS, st.integers(0, 2)),
    st.builds(KpaController, st.integers(0, 2), st.integers(2, 8), st.just(3.0)),
)
ARRIVALS = st.lists(
    st.tuples(st.floats(0, 120), st.integers(0, 50), st.integers(1, 60)), max_size=150,
).map(lambda rows: tuple(Arrival(at, prompt, tokens, 0) for at, prompt, tokens in sorted(rows)))
CAPACITIES = st.builds(Capacity, st.integers(1, 4), st.floats(0, 0.5), st.just(0.001), st.floats(0.01, 0.2),
                       st.floats(0, 0.05), st.floats(0, 0.1), st.floats(0, 0.1))
SCENARIOS = st.builds(
    Scenario, arrivals=ARRIVALS, capacity=CAPACITIES, cold_starts=st.just((3.0, 5.0, 12.0)),
    path=st.builds(MetricsPath, st.just(2.0)), controller=CONTROLLERS, initial_replicas=st.integers(0, 3),
    start_seconds=st.just(-20.0), horizon_seconds=st.just(400.0), drain_seconds=st.floats(0, 10),
    seed=st.integers(0, 9), pending_seconds=st.floats(0, 4), grace_seconds=st.sampled_from([2.0, 30.0]),
    patience_seconds=st.sampled_from([5.0, 1000.0]), balancing=st.sampled_from(list(Balancing)),
)


def busy(scenario: Scenario, seed: int) -> Scenario:
    """The same world with so many requests that they queue, drawn from a seed, which is much faster."""
    draw = random.Random(seed)
    count = draw.randint(20, 150)
    rows = sorted((draw.uniform(0, 120), draw.randint(0, 50), draw.randint(1, 60)) for _ in range(count))
    return replace(scenario, arrivals=tuple(Arrival(at, prompt, tokens, 0) for at, prompt, tokens in rows))


BUSY = st.builds(busy, SCENARIOS, st.integers(0, 2**32))


def served(prediction: Prediction) -> list[int]:
    return [number for number, end in enumerate(prediction.ended) if not isnan(end)]


@reaches({"a served request": 500})
@settings(max_examples=80, deadline=None)
@given(SCENARIOS | BUSY)
def test_a_request_is_served_once_by_a_replica_that_existed_or_not_at_all(scenario: Scenario) -> None:
    prediction = predict(scenario)
    reached("a served request", len(served(prediction)))
    for number in served(prediction):
        replica = prediction.replicas[prediction.replica[number]]
        arrival, first, end = scenario.arrivals[number].at, prediction.first_token[number], prediction.ended[number]
        assert replica.ready is not None
        assert max(arrival, replica.ready) <= first <= end
        assert replica.gone is None or end <= replica.gone
        assert replica.deleted is None or arrival <= replica.deleted
    if not scenario.arrivals:
        assert not served(prediction)


@reaches({"a full replica": 100})
@settings(max_examples=60, deadline=None)
@given(SCENARIOS | BUSY)
def test_no_replica_runs_more_at_once_than_it_has_slots(scenario: Scenario) -> None:
    """Between a first token and an end a request runs; before its first token it may still wait."""
    prediction = predict(scenario)
    running: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for number in served(prediction):
        running[prediction.replica[number]].append((prediction.first_token[number], prediction.ended[number]))
    for spans in running.values():
        starts, ends = sorted(start for start, _ in spans), sorted(end for _, end in spans)
        for at in starts:
            running_then = bisect_right(starts, at) - bisect_right(ends, at)
            reached("a full replica", running_then == scenario.capacity.slots)
            assert running_then <= scenario.capacity.slots


@reaches({"two requests of one replica": 500})
@settings(max_examples=60, deadline=None)
@given(SCENARIOS | BUSY)
def test_a_replica_serves_requests_in_the_order_of_arrival(scenario: Scenario) -> None:
    """With prompts of one length and nothing to join, first tokens come in the order of arrival."""
    same = tuple(arrival._replace(prompt_tokens=5) for arrival in scenario.arrivals)
    plain = replace(scenario.capacity, join_seconds=0.0, refill_seconds=0.0)
    prediction = predict(replace(scenario, arrivals=same, capacity=plain))
    latest: dict[int, float] = defaultdict(float)
    for number in served(prediction):
        replica = prediction.replica[number]
        reached("two requests of one replica", replica in latest)
        assert prediction.first_token[number] >= latest[replica] - 1e-9
        latest[replica] = prediction.first_token[number]


@settings(max_examples=40, deadline=None)
@given(SCENARIOS)
def test_one_scenario_has_one_prediction(scenario: Scenario) -> None:
    one, other = predict(scenario), predict(replace(scenario, arrivals=tuple(scenario.arrivals)))
    assert [str(end) for end in one.ended] == [str(end) for end in other.ended]
    assert (one.desired, one.ready, one.replicas) == (other.desired, other.ready, other.replicas)


@reaches({"a change of size": 10})
@settings(max_examples=60, deadline=None)
@given(SCENARIOS)
def test_the_size_stays_within_its_bounds_once_an_autoscaler_has_run(scenario: Scenario) -> None:
    controller = scenario.controller
    hpa_of = controller.hpa if isinstance(controller, KedaController) else controller
    maximum = hpa_of.spec.maximum if isinstance(hpa_of, HpaController) else hpa_of.maximum
    prediction = predict(scenario)
    reached("a change of size", len(prediction.desired) - 1)
    assert all(size <= max(maximum, scenario.initial_replicas) for _, size in prediction.desired)
    sizes = dict(prediction.desired)
    for at, ready in prediction.ready:
        assert ready <= max(size for moment, size in sizes.items() if moment <= at)


@settings(max_examples=60, deadline=None)
@given(ARRIVALS, st.integers(1, 3), st.integers(1, 3), st.floats(0.01, 0.2))
def test_with_twice_the_replicas_no_request_is_served_later(
    arrivals: tuple[Arrival, ...], replicas: int, slots: int, decode: float,
) -> None:
    """Each replica's requests are divided between two, so none waits longer behind fewer others. (In general a request
    may be unlucky: with another number of replicas, the random draw sends it elsewhere.)"""
    def fixed(count: int) -> Scenario:
        return Scenario(arrivals, Capacity(slots, 0.1, 0.0, decode), (1.0,), MetricsPath(1.0),
                        hpa(count, count, MetricType.PODS, Signal.WAITING, 0.0), count, 0.0, 3000.0)
    few, many = predict(fixed(replicas)), predict(fixed(2 * replicas))
    assert all(later <= sooner + 1e-9 for later, sooner in zip(many.ended, few.ended, strict=True))
