"""One interface for every autoscaler: its control loops, and the number of replicas that each pass recommends."""
from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import count
from math import floor, isfinite
from typing import NamedTuple, Protocol, TypeAlias, assert_never

from elastometer.hpa.decision import Decision
from elastometer.hpa.settings import MetricType
from elastometer.hpa.state import State
from elastometer.hpa.step import step
from elastometer.hpa.sync import MetricInput, SyncInput
from elastometer.twin.fleet import Fleet
from elastometer.twin.metrics_view import MILLI, MetricsView, Missing
from elastometer.twin.scenario import HpaController
from elastometer.twin.sources import Nowhere, Signal, Source

# Shorter than any clock of a cluster can resolve.
TINY = 1e-6
NO_SAMPLES = "no metrics returned from the metrics API"
# The answer of the External metrics API for the External metric of this number, at an instant.
External: TypeAlias = Callable[[int, float], MetricInput]


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
        self, controller: HpaController, fleet: Fleet, view: MetricsView, external: External | None = None,
    ) -> None:
        self._controller = controller
        self._fleet = fleet
        self._view = view
        self._external = external
        self._state = State()
        self._metrics = tuple(zip(controller.spec.metrics, controller.sources, _numbers(controller), strict=True))

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
            self._answer(metric.type, source, at) if number is None or self._external is None
            else self._external(number, at)
            for metric, source, number in self._metrics
        ])
        seen = SyncInput(at, fleet.size, len(fleet.active), self._view.pods(at), metrics)
        self._state, decision = step(self._state, spec, seen)
        return Recommendation(decision.desired, decision, seen)

    def _answer(self, kind: MetricType, source: Source | None, at: float) -> MetricInput:
        if source is None or isinstance(source, Nowhere):
            return MetricInput(error=NO_SAMPLES)
        match kind:
            case MetricType.RESOURCE | MetricType.CONTAINER_RESOURCE | MetricType.PODS:
                samples = self._view.samples(source, at) if isinstance(source, Signal) else ()
                return MetricInput(samples=samples) if samples else MetricInput(error=NO_SAMPLES)
            case MetricType.OBJECT | MetricType.EXTERNAL:
                number = self._view.number(source, at)
                # An adapter cuts what a quantity cannot hold.
                return MetricInput(error=NO_SAMPLES) if isinstance(number, Missing) or not isfinite(number) else \
                    MetricInput(values=(int(number * MILLI),))
            case other:
                assert_never(other)


def _numbers(controller: HpaController) -> list[int | None]:
    """The number of each External metric among the External ones; None for the others."""
    counted = count()
    return [next(counted) if metric.type is MetricType.EXTERNAL else None for metric in controller.spec.metrics]
