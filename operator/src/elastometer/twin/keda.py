"""KEDA: its own loop between zero (or idle) and some replicas, and the numbers that it serves to the HPA it creates.

Rules as in KEDA 2.21 (pkg/scaling/executor/scale_scaledobjects.go, pkg/scaling/scale_handler.go, pkg/scalers/
prometheus_scaler.go). Fallback and pausing are not modelled.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, isfinite
from typing import NamedTuple

from elastometer.hpa.settings import MetricType
from elastometer.hpa.sync import MetricInput
from elastometer.model.errors import SpecError
from elastometer.twin.controllers import ControlLoop, Hpa, Recommendation
from elastometer.twin.fleet import Fleet
from elastometer.twin.formula import value_of
from elastometer.twin.metrics_view import MILLI, MetricsView, Missing
from elastometer.twin.scenario import KedaController
from elastometer.twin.sources import Formula, Trigger

FAILED = MetricInput(error="KEDA could not read the trigger")


@dataclass(frozen=True, slots=True)
class Polled:
    """What KEDA's loop knows after a poll: the current replicas, whether a trigger is active, whether one could not be
    read, and the second in which one was last seen active (None: never)."""

    replicas: int
    active: bool
    failed: bool
    last_active: float | None


class Answer(NamedTuple):
    """What one trigger answered: milli-units, None if it failed, and whether it is active."""

    milli: int | None
    active: bool


def decide(controller: KedaController, polled: Polled, at: float) -> tuple[int, float | None]:
    """(wanted replicas, second of the last activity) after one poll."""
    replicas, minimum, idle = polled.replicas, controller.minimum, controller.idle_replicas
    if polled.active:
        if replicas == 0 or (idle is not None and replicas < minimum):
            return max(minimum, 1), _whole_second(controller, at)
        return replicas, polled.last_active if polled.failed else _whole_second(controller, at)
    # A trigger that could not be read might be active: nothing is removed because of it.
    if polled.failed:
        return replicas, polled.last_active
    if (idle is not None and replicas > idle) or (replicas > 0 and minimum == 0):
        rest = minimum if idle is None else idle
        return rest if _is_cool(controller, polled.last_active, at) else replicas, polled.last_active
    if idle is None and replicas < minimum:
        return minimum, polled.last_active
    return replicas, polled.last_active


def _is_cool(controller: KedaController, last_active: float | None, at: float) -> bool:
    """Whether the cooldown is over; it counts from the creation where nothing was ever active."""
    if last_active is None:
        return controller.created_seconds + controller.initial_cooldown_seconds < at
    return last_active + controller.cooldown_seconds < at


def _whole_second(controller: KedaController, at: float) -> float:
    """The API keeps the instant of the last activity as text, without a fraction of the second."""
    return floor(at + controller.second_share) - controller.second_share


class Keda:
    """KEDA's loop and the HPA's. KEDA answers the HPA with a new query at each sync, whatever its polling interval."""

    def __init__(self, controller: KedaController, fleet: Fleet, view: MetricsView) -> None:
        self._controller = controller
        self._fleet = fleet
        self._view = view
        self._hpa = Hpa(controller.hpa, fleet, view, self.serve if controller.triggers else None)
        self.last_active: float | None = None
        self._cached: dict[int, Answer] = {}

    def loops(self) -> tuple[ControlLoop, ...]:
        """KEDA's polls, and the HPA's syncs."""
        own = ControlLoop(self._controller.phase_seconds, self._controller.polling_seconds, self.poll)
        return (own, *self._hpa.loops())

    def poll(self, at: float) -> Recommendation | None:
        """One poll; None if it leaves the replicas as they are."""
        triggers = self._controller.triggers
        answers = [self._ask(trigger, at) for trigger in triggers]
        self._cached = {
            number: answer for number, (trigger, answer) in enumerate(zip(triggers, answers, strict=True))
            if trigger.is_cached}
        failed = any(answer.milli is None for answer in answers)
        polled = Polled(self._fleet.size, self._is_active(answers, at), failed, self.last_active)
        size, self.last_active = decide(self._controller, polled, at)
        return None if size == polled.replicas else Recommendation(size)

    def serve(self, number: int, at: float) -> MetricInput:
        """The number of one External metric for the HPA: that of its trigger, or the formula's."""
        formula, triggers = self._controller.formula, self._controller.triggers
        if formula is None:
            milli = self._look(number, at).milli
            return FAILED if milli is None else MetricInput(values=(milli,))
        answers = [self._look(each, at) for each in range(len(triggers))]
        composite = self._composite(formula, answers, at)
        return FAILED if composite is None else MetricInput(values=(composite,))

    def _look(self, number: int, at: float) -> Answer:
        return self._cached.get(number) or self._ask(self._controller.triggers[number], at)

    def _ask(self, trigger: Trigger, at: float) -> Answer:
        number = self._view.number(trigger.source, at)
        if number is Missing.ERROR:
            return Answer(None, False)
        if isinstance(number, Missing) or not isfinite(number):
            if not trigger.null_is_zero:
                return Answer(None, False)
            number = 0.0
        return Answer(in_milli(number), number > trigger.activation)

    def _is_active(self, answers: Sequence[Answer], at: float) -> bool:
        # Triggers on cpu or memory ask for nothing: where there are no others, KEDA takes the target for active.
        if not answers:
            return any(metric.type is not MetricType.EXTERNAL for metric in self._controller.hpa.spec.metrics)
        formula = self._controller.formula
        if formula is None:
            return any(answer.active for answer in answers)
        composite = self._composite(formula, answers, at)
        return composite is not None and composite / MILLI > formula.activation

    def _composite(self, formula: Formula, answers: Sequence[Answer], at: float) -> int | None:
        """Milli-units; None if a trigger failed."""
        numbers: dict[str, float] = {}
        for trigger, answer in zip(self._controller.triggers, answers, strict=True):
            if answer.milli is None:
                return None
            numbers[trigger.name] = answer.milli / MILLI
        value = value_of(formula.term, numbers)
        if not isfinite(value):
            when = f"{abs(at):.0f} s {'before' if at < 0 else 'after'} the start of the load"
            raise SpecError(f"{formula.path}: must have a value at all times, but divides by zero {when}, where "
                            f"KEDA's value depends on its processor; is {formula.text!r}")
        return int(value * MILLI)


def in_milli(number: float) -> int:
    """As KEDA writes a quantity: with three decimals, and 0 for what is negative."""
    return int(f"{number:.3f}".replace(".", "")) if number > 0 else 0
