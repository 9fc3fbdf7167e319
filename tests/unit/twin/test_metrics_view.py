"""What an autoscaler sees of the twin's replicas, worked out by hand, and which replica gets which request."""
from __future__ import annotations

from dataclasses import replace

import pytest

from elastometer.model.capacity import Capacity
from elastometer.model.errors import SpecError
from elastometer.twin.engine import predict
from elastometer.twin.fleet import Fleet
from elastometer.twin.metrics_view import MetricsView, Missing
from elastometer.twin.scenario import Arrival, Balancing, MetricsPath, RecordedRandomness, Scenario
from elastometer.twin.sources import Signal
from elastometer.twin.traffic import Traffic
from support.twin_worlds import hpa, scenario

EACH_SECOND = MetricsPath(1.0, phase_seconds=0.5)


def seen(case: Scenario, until: float) -> tuple[MetricsView, Fleet]:
    """The scenario's first replicas with the requests that they were given until then; there is no autoscaler."""
    traffic = Traffic(case)
    fleet = Fleet(case, traffic)
    traffic.serve(until, fleet.serving)
    return MetricsView(case, fleet, traffic), fleet


def values(view: MetricsView, signal: Signal, at: float) -> list[tuple[int, float]]:
    return [(sample.value, sample.at) for sample in view.samples(signal, at)]


def test_a_queue_is_seen_as_the_last_scrape_saw_it() -> None:
    """Five at 0 s on one slot of 1 s: at 2.5 s two are done, one runs, two wait. At 3.4 s that is the newest sample."""
    view, _ = seen(scenario([0.0] * 5, path=EACH_SECOND), 10.0)
    assert values(view, Signal.WAITING, 3.4) == [(2000, 2.5)]
    assert values(view, Signal.RUNNING, 3.4) == [(1000, 2.5)]
    assert values(view, Signal.IN_FLIGHT, 3.4) == [(3000, 2.5)]
    assert values(view, Signal.WAITING, 9.0) == [(0, 8.5)]
    assert values(view, Signal.RUNNING, 9.0) == [(0, 8.5)]


def test_a_request_whose_client_gave_up_neither_waits_nor_runs() -> None:
    view, _ = seen(scenario([0.0] * 5, path=EACH_SECOND, patience_seconds=1.2), 10.0)
    assert values(view, Signal.WAITING, 0.9) == [(4000, 0.5)]
    assert values(view, Signal.IN_FLIGHT, 1.9) == [(1000, 1.5)]


def test_a_delay_of_the_path_makes_a_number_older() -> None:
    view, _ = seen(scenario([0.0] * 5, path=replace(EACH_SECOND, delay_seconds=1.0)), 10.0)
    assert values(view, Signal.WAITING, 3.4) == [(3000, 1.5)]


def test_a_new_replica_has_no_sample_before_it_was_scraped() -> None:
    """Created at 10 s, Ready at 30.2 s; its process serves metrics 1 s before that: first scraped at 29.5 s."""
    case = scenario([], cold_starts=(20.2,), path=replace(EACH_SECOND, first_sample_seconds=-1.0))
    view, fleet = seen(case, 50.0)
    fleet.scale(10.0, 2)
    assert len(view.samples(Signal.WAITING, 29.4)) == 1
    assert [sample.at for sample in view.samples(Signal.WAITING, 29.6)] == [29.5, 29.5]


def test_pods_are_seen_as_the_api_shows_them() -> None:
    case = scenario([], cold_starts=(20.0,), pending_seconds=5.0, drain_seconds=6.0)
    view, fleet = seen(case, 50.0)
    fleet.scale(10.0, 2)

    def second(at: float) -> tuple[str, bool | None, float | None, bool]:
        pod = view.pods(at)[1]
        return pod.phase, pod.ready, pod.ready_transition, pod.deleting
    assert second(12.0) == ("Pending", False, 10.0, False)
    assert second(15.0) == ("Running", False, 10.0, False)
    assert second(30.0) == ("Running", True, 30.0, False)
    fleet.becomes_ready(fleet.active[1])
    fleet.scale(40.0, 1)
    assert second(41.0)[3]
    assert len(view.pods(46.5)) == 1


def test_a_sum_counts_replicas_that_drain_and_is_unknown_without_any_sample() -> None:
    view, fleet = seen(scenario([0.0] * 12, initial_replicas=2, path=EACH_SECOND, drain_seconds=6.0, seed=1), 3.0)
    before = view.number(Signal.IN_FLIGHT, 1.0)
    fleet.scale(1.0, 1)
    assert view.number(Signal.IN_FLIGHT, 1.4) == before == 12.0
    empty, _ = seen(scenario([], initial_replicas=0), 3.0)
    assert empty.number(Signal.WAITING, 2.0) is Missing.EMPTY


def test_cpu_is_averaged_over_its_window() -> None:
    """Eleven tokens from 1 s to 2 s at 0.02 s of CPU each: 1 + 5 of them by 1.5 s, all by 2.5 s; idle takes 0.01."""
    capacity = Capacity(1, 1.0, 0.0, 0.1, cpu_seconds_per_token=0.02, cpu_idle=0.01)
    case = scenario((Arrival(0.0, 5, 11, 0),), capacity=capacity,
                    resource_path=MetricsPath(1.0, window_seconds=1.0, phase_seconds=0.5))
    view, _ = seen(case, 9.0)
    assert values(view, Signal.CPU, 1.5) == [(130, 1.5)]
    assert values(view, Signal.CPU, 2.5) == [(110, 2.5)]
    assert values(view, Signal.CPU, 3.5) == [(10, 3.5)]
    assert view.samples(Signal.CPU, 3.5)[0].window == 1.0


def test_the_kv_cache_holds_prompts_and_output_tokens() -> None:
    """Prompts of 100 tokens, 11 tokens each from 1 s to 2 s: 106 of 1,000 at 1.5 s, nothing once it ended."""
    capacity = Capacity(1, 1.0, 0.0, 0.1, kv_tokens=1000)
    view, _ = seen(scenario((Arrival(0.0, 100, 11, 0),), capacity=capacity, path=EACH_SECOND), 9.0)
    assert values(view, Signal.KV_CACHE, 1.6) == [(106, 1.5)]
    assert values(view, Signal.KV_CACHE, 2.6) == [(0, 2.5)]


def test_a_signal_without_its_parameter_is_refused_by_name() -> None:
    view, _ = seen(scenario([0.0], path=EACH_SECOND), 9.0)
    with pytest.raises(SpecError, match=r"capacity\.kvTokens: must be known"):
        view.samples(Signal.KV_CACHE, 5.0)
    with pytest.raises(SpecError, match=r"capacity\.cpuSecondsPerToken: must be known"):
        view.samples(Signal.CPU, 5.0)


def test_a_connection_that_is_kept_stays_with_its_replica() -> None:
    """One request a second, each over before the next: one connection and one replica. Chosen per request, all three
    replicas get some. After 4 s of silence a connection is not reused."""
    steady = [float(at) for at in range(60)]
    capacity = Capacity(4, 0.5, 0.0, 0.1)
    fixed = scenario(steady, capacity=capacity, controller=hpa(3, 3), initial_replicas=3)
    kept = predict(replace(fixed, balancing=Balancing.BY_CONNECTION))
    assert len(set(kept.replica)) == 1
    assert set(predict(fixed).replica) == {0, 1, 2}
    seldom = scenario([5.0 * at for at in range(30)], capacity=capacity, controller=hpa(3, 3), initial_replicas=3)
    assert set(predict(replace(seldom, balancing=Balancing.BY_CONNECTION)).replica) == {0, 1, 2}
    young = replace(fixed, balancing=Balancing.BY_CONNECTION, connection_seconds=2.0)
    assert len(set(predict(young).replica)) > 1


def test_a_replica_that_was_added_gets_nothing_from_connections_that_are_kept() -> None:
    """Requests of 0.5 s, one a second, and a second replica Ready at 35 s: chosen per request, it gets half of them."""
    steady = tuple(Arrival(float(at), 0, 1, 0) for at in range(120))
    grown = scenario(steady, capacity=Capacity(4, 0.5, 0.0, 0.1), controller=hpa(2, 2), start_seconds=-1.0)
    kept = predict(replace(grown, balancing=Balancing.BY_CONNECTION))
    assert set(kept.replica) == {0}
    assert set(predict(grown).replica) == {0, 1}


def test_the_recorded_random_draw_takes_the_place_of_a_new_one() -> None:
    randomness = RecordedRandomness(choices=(1, 0, 1, -1), phases=(0.25,), ids=(0.9, 0.1), starts=(7.0,))
    case = scenario([0.0, 0.0, 5.0, 6.0], initial_replicas=2, controller=hpa(3, 3), recorded=randomness,
                    start_seconds=-15.0)
    prediction = predict(case)
    assert list(prediction.replica)[:3] == [1, 0, 1]
    assert prediction.replicas[2].ready == -15.0 + 15.0 + 7.0
