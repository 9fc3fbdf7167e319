"""One interface for every autoscaler: clocks that it looks at, and the size that it wants after each look."""
from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, assert_never

from elastometer.hpa.decision import Decision
from elastometer.hpa.look import Look, MetricLook
from elastometer.hpa.settings import MetricType
from elastometer.hpa.state import State
from elastometer.hpa.step import step
from elastometer.twin.fleet import Fleet
from elastometer.twin.scenario import HpaController, Signal
from elastometer.twin.sight import Sight

NO_SAMPLES = "no metrics returned from the metrics API"


class Wish(NamedTuple):
    """The size wanted after a look; `decision` is the HPA's account, None of the others."""

    size: int
    decision: Decision | None = None
    look: Look | None = None


class Clock(NamedTuple):
    """`look` is called at `first` + k x `period`; None means that the look is not about the size."""

    first: float
    period: float
    look: Callable[[float], Wish | None]


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
        return (Clock(self._controller.phase_seconds, self._controller.spec.controller.sync_period_seconds, self.look),)

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
