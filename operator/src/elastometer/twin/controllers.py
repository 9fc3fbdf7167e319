"""One interface for every autoscaler: its control loops, and the number of replicas that each pass recommends."""
from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from math import floor
from typing import NamedTuple, Protocol, assert_never

from elastometer.hpa.decision import Decision
from elastometer.hpa.settings import MetricType
from elastometer.hpa.state import State
from elastometer.hpa.step import step
from elastometer.hpa.sync import MetricInput, SyncInput
from elastometer.twin.fleet import Fleet
from elastometer.twin.metrics_view import MetricsView
from elastometer.twin.scenario import HpaController, Signal

# Shorter than any clock of a cluster can resolve.
TINY = 1e-6
NO_SAMPLES = "no metrics returned from the metrics API"


class Recommendation(NamedTuple):
    """The size that one pass of a control loop recommends. An HPA also gives what it saw and its decision account."""

    size: int
    decision: Decision | None = None
    input: SyncInput | None = None


class ControlLoop(NamedTuple):
    """`run` is called at the `instants` while there are any, then every `period` seconds; without instants at `first`
    and every `period` after it. It returns None if a pass is not about the number of replicas."""

    first: float
    period: float
    run: Callable[[float], Recommendation | None]
    instants: tuple[float, ...] = ()

    def begin(self, at: float) -> float:
        """The first pass at `at` or later."""
        return self.first if self.first >= at else self.after(at - TINY, self.first)

    def after(self, at: float, last: float) -> float:
        """The first pass after `at`, given that the last one was at `last`."""
        index = bisect_right(self.instants, at)
        if index < len(self.instants):
            return self.instants[index]
        return last + (floor((at - last) / self.period) + 1) * self.period


class Autoscaler(Protocol):
    """Anything that decides on the number of replicas."""

    def loops(self) -> tuple[ControlLoop, ...]:
        """Its control loops, each with a period of its own."""
        ...


class Hpa:
    """The HorizontalPodAutoscaler: hpa.step applied to what the controller would have seen."""

    def __init__(
        self, controller: HpaController, fleet: Fleet, view: MetricsView, *, null_is_zero: bool = False,
    ) -> None:
        self._controller = controller
        self._fleet = fleet
        self._view = view
        self._null = 0 if null_is_zero else None
        self._state = State()

    def loops(self) -> tuple[ControlLoop, ...]:
        """One, with the controller's sync period."""
        controller = self._controller
        period, instants = controller.spec.controller.sync_period_seconds, controller.sync_instants
        # Recorded instants say nothing about a controller whose phase or period has been changed by a setting.
        of_the_record = len(instants) > 1 and instants[0] == controller.phase_seconds and abs(
            (instants[-1] - instants[0]) / (len(instants) - 1) - period) < TINY
        return (ControlLoop(controller.phase_seconds, period, self.sync, instants if of_the_record else ()),)

    def sync(self, at: float) -> Recommendation:
        """One sync."""
        spec, fleet = self._controller.spec, self._fleet
        metrics = tuple([
            self._answer(metric.type, signal, at)
            for metric, signal in zip(spec.metrics, self._controller.signals, strict=True)
        ])
        seen = SyncInput(at, fleet.size, len(fleet.active), self._view.pods(at), metrics)
        self._state, decision = step(self._state, spec, seen)
        return Recommendation(decision.desired, decision, seen)

    def _answer(self, kind: MetricType, signal: Signal, at: float) -> MetricInput:
        match kind:
            case MetricType.RESOURCE | MetricType.CONTAINER_RESOURCE | MetricType.PODS:
                samples = self._view.samples(signal, at)
                return MetricInput(samples=samples) if samples else MetricInput(error=NO_SAMPLES)
            case MetricType.OBJECT | MetricType.EXTERNAL:
                total = self._view.total(signal, at)
                value = self._null if total is None else total
                return MetricInput(error=NO_SAMPLES) if value is None else MetricInput(values=(value,))
            case other:
                assert_never(other)
