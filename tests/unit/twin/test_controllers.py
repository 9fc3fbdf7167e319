"""KEDA's and Knative's rules against the cases of their own published tests, as data.

KEDA: pkg/scaling/executor/scale_scaledobjects_test.go of 2.21. Knative: pkg/autoscaler/scaling/autoscaler_test.go of
serving 0.51, where the panic threshold is 2, both rates are 10 and the windows 60 s unless a case says otherwise.
"""
from __future__ import annotations

from dataclasses import replace
from math import isnan
from typing import Any

import pytest

from elastometer.hpa.settings import MetricType
from elastometer.twin import keda as keda_rules
from elastometer.twin.engine import predict
from elastometer.twin.keda import Polled
from elastometer.twin.knative import Panic, decide
from elastometer.twin.scenario import KedaController, KpaController
from elastometer.twin.sources import Signal, Trigger
from support.twin_worlds import hpa, scenario


def keda(minimum: int = 0, idle: int | None = None, cooldown: float = 300.0) -> KedaController:
    return KedaController(hpa(kind=MetricType.EXTERNAL), 30.0, cooldown, minimum, (Trigger(Signal.WAITING),),
                          idle_replicas=idle)


@pytest.mark.parametrize(("controller", "polled", "wanted"), [
    pytest.param(keda(0), Polled(10, False, False, None), 0, id="ScaleToMinReplicasWhenNotActive"),
    pytest.param(keda(5), Polled(1, False, False, None), 5, id="ScaleToMinReplicasFromLowerInitialReplicaCount"),
    pytest.param(keda(0), Polled(0, True, False, None), 1, id="ScaleFromMinReplicasWhenActive"),
    pytest.param(keda(5, 0), Polled(10, False, False, None), 0, id="ScaleToIdleReplicasWhenNotActive"),
    pytest.param(keda(5, 0), Polled(0, True, False, None), 5, id="ScaleFromIdleToMinReplicasWhenActive"),
    pytest.param(keda(0), Polled(3, False, True, None), 3, id="RequestScale_ScalerError"),
    pytest.param(keda(0), Polled(3, True, True, None), 3, id="RequestScale_PartialError"),
    pytest.param(keda(2), Polled(4, False, False, None), 4, id="otherwise the HPA scales in"),
])
def test_keda_decides_as_in_its_own_tests(controller: KedaController, polled: Polled, wanted: int) -> None:
    assert keda_rules.decide(controller, polled, 1000.0)[0] == wanted


def test_keda_cools_down_since_a_trigger_was_last_active() -> None:
    """Active at 100 s, cooldown 300 s: at 400 s it has not passed yet (it takes more than 300 s), at 401 s it has."""
    _, last = keda_rules.decide(keda(), Polled(3, True, False, None), 100.0)
    assert last == 100.0
    assert keda_rules.decide(keda(), Polled(3, False, False, last), 400.0)[0] == 3
    assert keda_rules.decide(keda(), Polled(3, False, False, last), 401.0)[0] == 0


def test_a_trigger_on_the_servers_own_queue_never_wakes_a_service_at_zero() -> None:
    """Without a replica there is no queue to measure: the prometheus trigger never becomes active."""
    asleep = predict(scenario([100.0, 101.0], controller=keda(), initial_replicas=0))
    assert asleep.desired == ((0.0, 0),)
    assert all(isnan(end) for end in asleep.ended)


def test_keda_scales_a_service_to_zero_whose_trigger_was_never_active() -> None:
    """A trigger that was never active has no cooldown: the replicas go at the first poll, at 0 s."""
    never = predict(scenario([], controller=keda(), initial_replicas=2, horizon_seconds=100.0))
    assert never.desired == ((0.0, 0),)


def kpa(target: float, **changes: Any) -> KpaController:
    base = KpaController(0, 10_000, target, max_scale_up_rate=10.0, max_scale_down_rate=10.0)
    return replace(base, **changes)


# name, target, (stable, panic window's average, ready) and wanted per tick; seconds between ticks.
CASES = [
    ("StableModeIncrease", 10, [(0, 50, 10, 1, 5), (0, 100, 10, 1, 10)]),
    ("StableModeDecrease", 10, [(0, 100, 100, 8, 10), (0, 50, 50, 8, 5)]),
    ("StableModeNoTrafficScaleToZero", 10, [(0, 1, 0, 1, 1), (0, 0, 0, 1, 0)]),
    ("UnpanicAfterSlowIncrease", 1, [(0, 11, 25, 10, 25), (30, 30, 41, 40, 41), (62, 50, 56, 55, 50)]),
    ("ExtendPanicWindow", 1, [(0, 11, 25, 10, 25), (30, 30, 80, 40, 80)]),
    ("PanicModeExponentialTrackAndStabilize", 1,
     [(0, 6, 6, 1, 6), (0, 36, 36, 6, 36), (1, 216, 216, 36, 216), (1, 1296, 1296, 216, 1296),
      (2, 1296, 1296, 1296, 1296)]),
    ("PanicThenUnPanicScaleDown", 10, [(0, 100, 100, 1, 10), (0, 100, 1000, 10, 100), (30, 1, 1, 10, 100),
                                       (61, 1, 1, 10, 1)]),
    ("RateLimitScaleUp", 10, [(0, 1000, 1001, 1, 10), (0, 1000, 1001, 10, 100)]),
    ("RateLimitScaleDown", 10, [(0, 1, 1, 100, 10), (0, 1, 1, 10, 1)]),
    ("UseOnePodAsMinimumIfEndpointsNotFound", 10, [(0, 1000, 888, 0, 10)]),
    ("NoDataAtZeroNoAutoscale", 10, [(0, 0, 0, 1, 0)]),
    ("StableModeUnlimitedTBC", 181, [(0, 21, 26, 1, 1)]),
    ("StableModeNoChangeAlreadyScaled", 10, [(0, 50, 50, 5, 5)]),
    ("PanicModeDoublePodCount", 10, [(0, 50, 100, 1, 10)]),
]


@pytest.mark.parametrize(("name", "target", "ticks"), CASES, ids=[case[0] for case in CASES])
def test_knative_decides_as_in_its_own_tests(
    name: str, target: float, ticks: list[tuple[float, float, float, int, int]],
) -> None:
    panic = Panic()
    for at, stable, surge, ready, wanted in ticks:
        size, panic = decide(kpa(target), panic, at, stable=stable, surge=surge, ready=ready)
        assert size == wanted


@pytest.mark.parametrize(("stable", "surge", "wanted"), [(50, 30, 50), (20, 30, 30)])
def test_knative_in_a_panic_takes_the_larger_of_both_windows(stable: float, surge: float, wanted: int) -> None:
    assert decide(kpa(1), Panic(-5.0, 5), 0.0, stable=stable, surge=surge, ready=5)[0] == wanted


def test_small_rates_of_knative_still_move_by_one() -> None:
    up = decide(kpa(1, max_scale_up_rate=1.1), Panic(), 0.0, stable=3, surge=3.1, ready=2)
    down = decide(kpa(10, max_scale_down_rate=1.1), Panic(), 0.0, stable=1, surge=1, ready=100)
    assert (up[0], down[0]) == (3, 90)


def test_the_activator_of_knative_keeps_the_first_requests_until_a_replica_serves() -> None:
    """The request at 10.5 s is counted at 11 s, and the new replica serves at 31 s. Another request came meanwhile."""
    prediction = predict(scenario([10.5, 20.0], controller=KpaController(0, 5, 10.0), initial_replicas=0,
                                  horizon_seconds=200.0))
    assert prediction.desired[:2] == ((0.0, 0), (11.0, 1))
    assert list(prediction.ended) == [32.0, 33.0]
    assert prediction.desired[-1][1] == 0


def test_knative_sees_the_concurrency_averaged_over_its_window() -> None:
    """Four requests of 10 s each at 0 s on four slots: 4 in flight for 10 s, 0.67 over a minute; target 1 wants 4."""
    burst = scenario([0.0] * 4, controller=KpaController(1, 9, 1.0, max_scale_up_rate=100.0), initial_replicas=1,
                     horizon_seconds=300.0)
    prediction = predict(replace(burst, capacity=replace(burst.capacity, slots=4, prefill_seconds=10.0)))
    assert (2.0, 4) in prediction.desired
    assert prediction.desired[-1][1] == 1


def test_an_hpa_on_the_sum_sees_what_an_hpa_on_the_mean_sees() -> None:
    """With one replica, the sum over the replicas is the mean. Later, new Pods without a sample damp only the mean."""
    load = [0.5 * step for step in range(60)]
    by_mean = predict(scenario(load, controller=hpa()))
    by_sum = predict(scenario(load, controller=hpa(kind=MetricType.EXTERNAL, signal=Signal.WAITING)))
    assert by_mean.desired[1] == by_sum.desired[1]
