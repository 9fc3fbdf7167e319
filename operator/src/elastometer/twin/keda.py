"""KEDA: its own loop between zero (or idle) and some replicas, next to the HPA that it creates.

Rules as in KEDA 2.21 (pkg/scaling/executor/scale_scaledobjects.go). Fallback, pausing and scaling modifiers are not
modelled.
"""
from __future__ import annotations

from dataclasses import dataclass
from math import inf

from elastometer.hpa.settings import MetricType
from elastometer.twin.controllers import ControlLoop, Hpa, Recommendation
from elastometer.twin.fleet import Fleet
from elastometer.twin.metrics_view import MILLI, MetricsView
from elastometer.twin.scenario import KedaController


@dataclass(frozen=True, slots=True)
class Polled:
    """What KEDA's loop knows after a poll: the current replicas, whether a trigger is active, whether one could not be
    read, and the instant at which one was last seen active (None: never)."""

    replicas: int
    active: bool
    failed: bool
    last_active: float | None


def decide(controller: KedaController, polled: Polled, at: float) -> tuple[int, float | None]:
    """(wanted replicas, instant of last activity) after one poll."""
    replicas, minimum, idle = polled.replicas, controller.minimum, controller.idle_replicas
    if polled.active:
        if replicas == 0 or (idle is not None and replicas < minimum):
            return max(minimum, 1), at
        return replicas, polled.last_active if polled.failed else at
    # A trigger that could not be read might be active: nothing is removed because of it.
    if polled.failed:
        return replicas, polled.last_active
    may_rest = (idle is not None and replicas > idle) or (replicas > 0 and minimum == 0)
    if may_rest:
        # A ScaledObject that was never active has no cooldown to wait for.
        since = inf if polled.last_active is None else at - polled.last_active
        rest = minimum if idle is None else idle
        return (rest if since > controller.cooldown_seconds else replicas), polled.last_active
    if idle is None and replicas < minimum:
        return minimum, polled.last_active
    return replicas, polled.last_active


class Keda:
    """KEDA's loop and the HPA's. KEDA answers the HPA with a new query at each sync, whatever its polling interval."""

    def __init__(self, controller: KedaController, fleet: Fleet, view: MetricsView) -> None:
        self._controller = controller
        self._fleet = fleet
        self._view = view
        self._hpa = Hpa(controller.hpa, fleet, view, null_is_zero=controller.null_is_zero)
        self._last_active: float | None = None

    def loops(self) -> tuple[ControlLoop, ...]:
        """KEDA's polls, and the HPA's syncs."""
        own = ControlLoop(self._controller.phase_seconds, self._controller.polling_seconds, self.poll)
        return (own, *self._hpa.loops())

    def poll(self, at: float) -> Recommendation | None:
        """One poll; None if it leaves the replicas as they are."""
        hpa, threshold = self._controller.hpa, self._controller.activation * MILLI
        totals = [
            self._view.total(signal, at) for metric, signal in zip(hpa.spec.metrics, hpa.signals, strict=True)
            if metric.type is MetricType.EXTERNAL
        ]
        if self._controller.null_is_zero:
            totals = [0 if total is None else total for total in totals]
        is_active = any(total is not None and total > threshold for total in totals)
        polled = Polled(self._fleet.size, is_active, None in totals, self._last_active)
        size, self._last_active = decide(self._controller, polled, at)
        return None if size == polled.replicas else Recommendation(size)
