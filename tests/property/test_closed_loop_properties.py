"""What holds for every closed load under every autoscaler, timeouts and lost replicas included."""
from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from elastometer.model.capacity import Capacity
from elastometer.twin.closed_load import UserStage
from elastometer.twin.engine import predict
from elastometer.twin.scenario import Arrival, Balancing, Controller, KpaController, Scenario, ScheduledController
from elastometer_loadgen.base.turns import conversation_of, turn_of
from elastometer_loadgen.base.users import USER_BITS, think_seconds
from support.closed_loads import closed, users
from support.twin_worlds import hpa

SEED, TINY = 7, 1e-6
CONTROLLERS: st.SearchStrategy[Controller] = st.one_of(
    st.builds(hpa, st.integers(1, 2), st.integers(2, 6), target=st.integers(1, 3), down=st.integers(0, 30)),
    st.builds(KpaController, minimum=st.integers(0, 1), maximum=st.integers(1, 5), target=st.floats(1, 4)),
    # From none at all to some and back: requests are refused, and lost with their replica.
    st.builds(ScheduledController, st.lists(st.tuples(st.floats(1, 80), st.integers(0, 4)), max_size=4).map(
        lambda sizes: tuple(sorted(dict(sizes).items())))),
)


@st.composite
def worlds(draw: st.DrawFn) -> Scenario:
    count, think, span = draw(st.integers(1, 12)), draw(st.floats(0, 3)), draw(st.floats(0, 3))
    first = users(count, 40.0, think=think, span=span, spawn_per_second=draw(st.sampled_from([None, 0.5, 3.0])))
    second = users(draw(st.integers(1, 12)), 80.0, index=1, begin=40.0, think=think, span=span, present=count)
    return closed(
        first, second, output=lambda request: 200 + request % 1500, turns=draw(st.integers(1, 3)),
        pause=draw(st.floats(0, 1)), controller=draw(CONTROLLERS), slots=draw(st.integers(1, 4)), prefill=0.1,
        replicas=draw(st.integers(0, 3)), timeout_seconds=draw(st.sampled_from([1.5, 6.0, 60.0])),
        grace_seconds=draw(st.sampled_from([0.0, 5.0])), balancing=draw(st.sampled_from(list(Balancing))),
        seed=draw(st.integers(0, 99)), horizon_seconds=150.0, cold_starts=(3.0, 9.0),
        pending_seconds=1.0)


def stage_of(world: Scenario, number: int) -> UserStage:
    assert world.closed is not None
    return world.closed.stages[number]


@given(worlds())
@settings(max_examples=60, deadline=None)
def test_no_user_asks_before_its_answer_is_there_and_it_has_thought(world: Scenario):
    found = predict(world)
    asked: dict[int, list[int]] = defaultdict(list)
    for number, request in enumerate(found.ids):
        asked[conversation_of(request) >> USER_BITS & (1 << 14) - 1].append(number)
    for numbers in asked.values():
        for one, following in pairwise(numbers):
            at, end, after = found.arrivals[one].at, found.ended[one], found.arrivals[following].at
            first, turn = conversation_of(found.ids[one]), turn_of(found.ids[one])
            if end != end:
                # Lost: at least a second after it was sent.
                assert after >= at + 1.0 - TINY
                continue
            stage = stage_of(world, found.arrivals[one].stage)
            is_turn = turn_of(found.ids[following]) == turn + 1 and conversation_of(found.ids[following]) == first
            assert world.closed is not None
            pause = world.closed.facts.turn_think(0) if is_turn else think_seconds(
                stage.think, stage.think_span, SEED, first)
            # Later than that only who had left, and comes with the next stage.
            assert after >= end + pause - TINY


@given(worlds())
@settings(max_examples=40, deadline=None)
def test_no_more_requests_are_in_flight_than_there_are_users(world: Scenario):
    found = predict(world)
    most = max(stage_of(world, number).steps[0].users for number in (0, 1))
    ends = [end if end == end else arrival.at for arrival, end in zip(found.arrivals, found.ended, strict=True)]
    for at in sorted({arrival.at for arrival in found.arrivals})[::5]:
        assert sum(arrival.at <= at < end for arrival, end in zip(found.arrivals, ends, strict=True)) <= most


@given(worlds())
@settings(max_examples=30, deadline=None)
def test_the_same_scenario_gives_the_same_prediction_and_its_columns_are_in_order_of_time(world: Scenario):
    found = predict(world)
    assert repr(predict(world)) == repr(found)
    times = [arrival.at for arrival in found.arrivals]
    assert times == sorted(times)
    assert len(set(found.ids)) == len(found.ids) == len(found.ended) == len(found.first_token) == len(found.replica)


@given(st.lists(st.floats(0, 60), min_size=1, max_size=40), CONTROLLERS, st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_a_closed_load_without_users_or_turns_is_the_schedule_itself(
    times: list[float], controller: Controller, seed: int,
):
    """The path of users and that of a schedule are two programs: they must agree where their questions do."""
    arrivals = tuple(Arrival(at, 10, 400, 0) for at in sorted(times))
    world = closed(arrivals=arrivals, controller=controller, output=lambda _: 400, slots=2, prefill=0.2, seed=seed,
                   horizon_seconds=120.0)
    open_loop = predict(replace(world, closed=None, capacity=Capacity(2, 0.2, 0.0, 0.001)))
    found = predict(world)
    assert repr((found.arrivals, found.ended, found.replica, found.ready)) == repr(
        (open_loop.arrivals, open_loop.ended, open_loop.replica, open_loop.ready))
