"""One interface for every autoscaler: clocks that it looks at, and the size that it wants after each look."""
from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from math import floor
from typing import NamedTuple, Protocol, assert_never

from elastometer.hpa.decision import Decision
from elastometer.hpa.settings import MetricType
from elastometer.hpa.state import State
from elastometer.hpa.step import step
from elastometer.hpa.sync import Look, MetricLook
from elastometer.twin.fleet import Fleet
from elastometer.twin.metrics_view import Sight
from elastometer.twin.scenario import HpaController, Signal

# Below what any clock of a cluster tells apart.
TINY = 1e-6
NO_SAMPLES = "no metrics returned from the metrics API"


class Wish(NamedTuple):
    """The size wanted after a look; `decision` is the HPA's account, None of the others."""

    size: int
    decision: Decision | None = None
    look: Look | None = None


class Clock(NamedTuple):
    """`look` is called at `first` + k x `period`, or at the `instants` while there are any; None means that the look is
    not about the size."""

    first: float
    period: float
    look: Callable[[float], Wish | None]
    instants: tuple[float, ...] = ()

    def begin(self, at: float) -> float:
        """The first look at `at` or later."""
        return self.first if self.first >= at else self.after(at - TINY, self.first)

    def after(self, at: float, last: float) -> float:
        """The first look after `at`, where the last one was at `last`."""
        index = bisect_right(self.instants, at)
        if index < len(self.instants):
            return self.instants[index]
        return last + (floor((at - last) / self.period) + 1) * self.period


class Autoscaler(Protocol):
    """Whatever decides on the number of replicas."""

    def clocks(self) -> tuple[Clock, ...]:
        """The rhythms it looks in."""
        ...


class Hpa:
    """The HorizontalPodAutoscaler: hpa.step on what it would have seen."""

    def __init__(self, controller: HpaController, fleet: Fleet, sight: Sight, null_is_zero: bool = False) -> None:
        self._controller = controller
        self._fleet = fleet
        self._sight = sight
        self._null = 0 if null_is_zero else None
        self._state = State()

    def clocks(self) -> tuple[Clock, ...]:
        """One, of the controller's sync period."""
        controller = self._controller
        period, looks = controller.spec.controller.sync_period_seconds, controller.looks
        of_the_record = len(looks) > 1 and looks[0] == controller.phase_seconds and abs(
            (looks[-1] - looks[0]) / (len(looks) - 1) - period) < TINY
        return (Clock(controller.phase_seconds, period, self.look, looks if of_the_record else ()),)

    def look(self, at: float) -> Wish:
        """One sync."""
        spec, fleet = self._controller.spec, self._fleet
        metrics = tuple([
            self._answer(metric.type, signal, at)
            for metric, signal in zip(spec.metrics, self._controller.signals, strict=True)
        ])
        look = Look(at, fleet.size, len(fleet.active), self._sight.pods(at), metrics)
        self._state, decision = step(self._state, spec, look)
        return Wish(decision.desired, decision, look)

    def _answer(self, kind: MetricType, signal: Signal, at: float) -> MetricLook:
        match kind:
            case MetricType.RESOURCE | MetricType.CONTAINER_RESOURCE | MetricType.PODS:
                samples = self._sight.samples(signal, at)
                return MetricLook(samples=samples) if samples else MetricLook(error=NO_SAMPLES)
            case MetricType.OBJECT | MetricType.EXTERNAL:
                total = self._sight.total(signal, at)
                value = self._null if total is None else total
                return MetricLook(error=NO_SAMPLES) if value is None else MetricLook(values=(value,))
            case other:
                assert_never(other)
