"""What KEDA serves and when it acts, in virtual time, beside the answers that KEDA 2.21's own code gave."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from elastometer.hpa.settings import MetricType
from elastometer.model.errors import SpecError
from elastometer.promql.read import read_query
from elastometer.promql.series import TestSeries
from elastometer.twin.engine import predict
from elastometer.twin.fleet import Fleet
from elastometer.twin.formula import Applied, Constant, Named
from elastometer.twin.keda import FAILED, Keda, Polled, decide, in_milli
from elastometer.twin.metrics_view import MetricsView
from elastometer.twin.scenario import KedaController, MetricsPath
from elastometer.twin.sources import METRICS, Asked, Formula, Nowhere, Signal, Trigger
from elastometer.twin.traffic import Traffic
from support.twin_worlds import hpa, scenario

SERIES = TestSeries("default", "demo", None)
# The queue of one slot: three requests at 0 s, of which one runs and two wait.
QUEUE = [0.0, 0.0, 0.0]
AT = 0.5


def asked(text: str) -> Asked:
    return Asked(text, read_query("q", text, SERIES, tuple(METRICS)).node)


def controller(*triggers: Trigger, **changes: Any) -> KedaController:
    inner = replace(hpa(kind=MetricType.EXTERNAL), sources=(None,))
    return replace(KedaController(inner, 30.0, 90.0, 0, triggers), **changes)


def keda(*triggers: Trigger, replicas: int = 1, **changes: Any) -> Keda:
    """At AT, two requests wait on the first replica and none on the others."""
    case = scenario(QUEUE, initial_replicas=replicas, path=MetricsPath(1.0, phase_seconds=0.0),
                    controller=controller(*triggers, **changes), seed=3)
    traffic = Traffic(case)
    fleet = Fleet(case, traffic)
    traffic.serve(0.5, fleet.serving[:1])
    return Keda(controller(*triggers, **changes), fleet, MetricsView(case, fleet, traffic))


@pytest.mark.parametrize(("phase", "at"), [(0.0, 240.0), (0.001, 210.001), (0.3, 210.3), (0.999, 210.999)])
def test_the_cooldown_ends_at_the_poll_at_which_keda_ends_it(phase: float, at: float) -> None:
    """Polled every 30 s from `phase` on, active for the last time at 120 s + phase, cooldown 90 s. The instant of the
    last activity is kept in whole seconds, so only a polling without a fraction waits for one more interval."""
    settings, size, last = controller(), 1, None
    for number in range(20):
        now = phase + 30.0 * number
        size, last = decide(settings, Polled(1, number <= 4, False, last), now)
        if size == 0:
            break
    assert now == pytest.approx(at)


def test_the_whole_second_is_one_of_the_wall_clock() -> None:
    """The load began 0.7 s after a whole second: the poll at 120 s was at .7, so the cooldown is over 90 s later."""
    settings = controller(second_share=0.7)
    _, last = decide(settings, Polled(1, True, False, None), 120.0)
    assert last == pytest.approx(119.3)
    assert decide(settings, Polled(1, False, False, last), 210.0)[0] == 0


@pytest.mark.parametrize(("initial", "at", "wanted"), [
    (0.0, 10.0, 1), (0.0, 10.3, 0), (60.0, 70.0, 1), (60.0, 70.3, 0)])
def test_what_was_never_active_rests_once_the_initial_cooldown_is_over(initial: float, at: float, wanted: int) -> None:
    """The ScaledObject was created at 10 s."""
    settings = controller(initial_cooldown_seconds=initial, created_seconds=10.0)
    assert decide(settings, Polled(1, False, False, None), at)[0] == wanted


@pytest.mark.parametrize(("number", "milli"), [
    (7.0, 7000), (12345678.9876, 12345678988), (0.0004, 0), (0.0006, 1), (-3.0, 0), (0.0, 0), (2.5, 2500)])
def test_a_number_becomes_the_quantity_that_keda_writes(number: float, milli: int) -> None:
    assert in_milli(number) == milli


@pytest.mark.parametrize(("source", "null_is_zero", "milli", "active"), [
    (Signal.WAITING, True, 2000, True),
    (asked("sum(vllm:num_requests_waiting) * 3"), True, 6000, True),
    (asked("sum(vllm:num_requests_waiting) + sum(vllm:num_requests_waiting)"), True, 4000, True),
    (asked("sum(vllm:num_requests_waiting) - 5"), True, 0, False),
    (asked("sum(vllm:num_requests_waiting) / 10000"), True, 0, True),
    (asked("sum(vllm:num_requests_waiting) / 0"), True, 0, False),
    (asked("sum(vllm:num_requests_waiting) / 0"), False, None, False),
    (Nowhere("nothing"), True, 0, False),
    (Nowhere("nothing"), False, None, False),
    (asked("vllm:num_requests_waiting"), True, None, False),
    (asked("sum by (model_name) (vllm:num_requests_waiting) or vector(0)"), True, None, False),
    (asked("sum by (model_name) (vllm:num_requests_waiting) or on() vector(0)"), True, 2000, True),
    (asked("1 + 1"), True, None, False),
    (asked("vector(3)"), True, 3000, True),
])
def test_keda_serves_and_polls_as_its_own_code_did(
    source: Any, null_is_zero: bool, milli: int | None, active: bool,
) -> None:
    """Two replicas, two requests in the queue of one. None: an error, at which nothing is scaled."""
    made = keda(Trigger(source, null_is_zero=null_is_zero), replicas=2)
    answer = made.serve(0, AT)
    assert answer == FAILED if milli is None else answer.values == (milli,)
    made.poll(AT)
    assert (made.last_active == 0.0) is active


def test_one_element_is_no_error_and_two_are() -> None:
    by_pod = Trigger(asked("sum by (pod) (vllm:num_requests_waiting)"))
    assert keda(by_pod).serve(0, AT).values == (2000,)
    assert keda(by_pod, replicas=2).serve(0, AT) == FAILED


def test_each_trigger_has_its_own_activation_and_its_own_answer_to_nothing() -> None:
    """The first is not active at 2, the second is; a third one without a result fails, and the others still work."""
    first, second = Trigger(Signal.WAITING, activation=2.0), Trigger(Signal.WAITING, activation=1.0)
    assert keda(first).poll(AT) is not None
    both = keda(first, second)
    assert both.poll(AT) is None
    assert both.last_active == 0.0
    strict = keda(first, Trigger(Nowhere("nothing"), null_is_zero=False))
    assert strict.poll(AT) is None
    assert strict.last_active is None
    assert [strict.serve(number, AT) == FAILED for number in (0, 1)] == [False, True]


def test_a_cached_trigger_serves_the_number_of_the_last_poll() -> None:
    made = keda(Trigger(Signal.WAITING, is_cached=True))
    made.poll(AT)
    assert made.serve(0, 2.5).values == (2000,)
    made.poll(3.0)
    assert made.serve(0, 3.0).values == (0,)


def test_a_formula_takes_the_place_of_its_triggers_and_decides_whether_they_are_active() -> None:
    queue = Trigger(Signal.WAITING, name="queue")
    off = Formula("queue * 0", Applied("*", (Named("queue"), Constant(0.0))))
    twice = Formula("queue * 2", Applied("*", (Named("queue"), Constant(2.0))), activation=3.0)
    assert keda(queue, formula=off).serve(0, AT).values == (0,)
    resting = keda(queue, formula=off)
    assert resting.poll(AT) is not None
    busy = keda(queue, formula=twice)
    assert busy.serve(0, AT).values == (4000,)
    assert busy.poll(AT) is None
    broken = keda(queue, Trigger(Nowhere(""), null_is_zero=False, name="other"), formula=twice)
    assert broken.serve(0, AT) == FAILED


def test_a_formula_that_divides_by_zero_is_refused_where_it_does() -> None:
    ratio = Formula("1 / queue", Applied("/", (Constant(1.0), Named("queue"))))
    with pytest.raises(SpecError, match="formula: must have a value at all times, but divides by zero 9 s after"):
        keda(Trigger(Signal.WAITING, name="queue"), formula=ratio).serve(0, 9.0)


def test_at_zero_a_query_of_the_server_wakes_nothing_and_a_constant_does() -> None:
    load = [100.0, 101.0]
    asleep = scenario(load, controller=controller(Trigger(Signal.WAITING)), initial_replicas=0)
    assert predict(asleep).desired == ((0.0, 0),)
    awake = scenario(load, initial_replicas=0,
                     controller=controller(Trigger(asked("sum(vllm:num_requests_waiting) or vector(1)"))))
    assert predict(awake).desired[0] == (0.0, 1)
