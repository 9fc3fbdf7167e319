"""KEDA: its own loop between none (or idle) and some replicas, beside the HPA that it makes.

Rules as in KEDA 2.21 (pkg/scaling/executor). Fallback, pausing and scaling modifiers are not modelled.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

from elastometer.hpa.settings import MetricType
from elastometer.twin.controllers import Clock, Hpa, Wish
from elastometer.twin.fleet import Fleet
from elastometer.twin.metrics_view import MILLI, Sight
from elastometer.twin.scenario import KedaController


@dataclass(frozen=True, slots=True)
class Polled:
    """What KEDA's loop keeps and learns: replicas now, whether a trigger is active or could not be read, and the
    instant at which one was last active (None: never seen so)."""

    replicas: int
    active: bool
    failed: bool
    last_active: float | None


def poll(controller: KedaController, polled: Polled, at: float) -> tuple[int, float | None]:
    """(replicas wanted, instant of last activity) after one polling."""
    replicas, minimum, idle = polled.replicas, controller.minimum, controller.idle_replicas
    if polled.active:
        if replicas == 0 or (idle is not None and replicas < minimum):
            return max(minimum, 1), at
        return replicas, polled.last_active if polled.failed else at
    if polled.failed:
        return replicas, polled.last_active
    may_rest = (idle is not None and replicas > idle) or (replicas > 0 and minimum == 0)
    if may_rest:
        since = inf if polled.last_active is None else at - polled.last_active
        rest = minimum if idle is None else idle
        return (rest if since > controller.cooldown_seconds else replicas), polled.last_active
    if idle is None and replicas < minimum:
        return minimum, polled.last_active
    return replicas, polled.last_active


class Keda:
    """The two loops. KEDA answers the HPA from the source of the trigger at each of the HPA's looks."""

    def __init__(self, controller: KedaController, fleet: Fleet, sight: Sight) -> None:
        self._controller = controller
        self._fleet = fleet
        self._sight = sight
        self._hpa = Hpa(controller.hpa, fleet, sight, controller.null_is_zero)
        self._last_active: float | None = None

    def clocks(self) -> tuple[Clock, ...]:
        """KEDA's polling, and the HPA's sync."""
        own = Clock(self._controller.phase_seconds, self._controller.polling_seconds, self.look)
        return (own, *self._hpa.clocks())

    def look(self, at: float) -> Wish | None:
        """One polling; None where it leaves the replicas as they are."""
        hpa, threshold = self._controller.hpa, self._controller.activation * MILLI
        totals = [
            self._sight.total(signal, at) for metric, signal in zip(hpa.spec.metrics, hpa.signals, strict=True)
            if metric.type is MetricType.EXTERNAL
        ]
        if self._controller.null_is_zero:
            totals = [0 if one is None else one for one in totals]
        polled = Polled(
            self._fleet.size, any(one is not None and one > threshold for one in totals), None in totals,
            self._last_active,
        )
        size, self._last_active = poll(self._controller, polled, at)
        return None if size == polled.replicas else Wish(size)


def with_minimum(controller: KedaController, minimum: int) -> KedaController:
    """minReplicaCount changed in both places where it counts: KEDA's loop, and the HPA, which never goes below 1."""
    spec = replace(controller.hpa.spec, minimum=max(1, minimum))
    return replace(controller, minimum=minimum, hpa=replace(controller.hpa, spec=spec))
