"""Settings that are in no manifest of an autoscaler: cold start, load, the controller's flags, the scrape period."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf, nan
from typing import TypeAlias

from elastometer.hpa.settings import ControllerSettings
from elastometer.model.errors import SpecError
from elastometer.twin.closed_load import ClosedLoad
from elastometer.twin.randomness import stream
from elastometer.twin.scenario import Arrival, Balancing, HpaController, KedaController, Scenario
from elastometer.twin.search.vary.fields import Setting
from elastometer.twin.search.vary.paths import near

BALANCING = "balancing"
Knob: TypeAlias = Callable[[Scenario, float], Scenario]
# How far a copied request may be from its original: close enough to keep the shape of the rate.
SPREAD_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of a number that is not negative. `open`: 0 itself is refused."""

    open: bool = False
    most: float = inf

    @property
    def rule(self) -> str:
        """The bounds in words, for a message."""
        low = "must be a number above 0" if self.open else "must be a number of at least 0"
        return low if self.most == inf else f"{low} and at most {self.most:g}"

    def check(self, path: str, value: object) -> float:
        """The number; raises SpecError with path, rule and value."""
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else nan
        # Comparisons with NaN are false.
        if not (number >= 0 and number <= self.most and number < inf) or (self.open and number == 0):
            raise SpecError(f"{path}: {self.rule}, is {value!r}")
        return number


def with_cold_start(scenario: Scenario, seconds: float) -> Scenario:
    """Every cold start takes this long."""
    return _started(scenario, (seconds,))


def _cold_start_scale(scenario: Scenario, factor: float) -> Scenario:
    return _started(scenario, tuple(factor * seconds for seconds in scenario.cold_starts))


def _started(scenario: Scenario, cold_starts: tuple[float, ...]) -> Scenario:
    pending = min(scenario.pending_seconds, cold_starts[0])
    return replace(scenario, cold_starts=cold_starts, recorded=None, pending_seconds=pending)


def _load(scenario: Scenario, factor: float) -> Scenario:
    """Each request `factor` times, or as many times the users. Copies are moved a little but stay in the stage of their
    original, so that Poisson arrivals stay Poisson arrivals instead of becoming pairs."""
    if scenario.closed is not None:
        if scenario.arrivals:
            raise SpecError("load.scale: must be absent where users or conversations come beside a schedule, "
                            f"is {factor:g}")
        return replace(scenario, closed=_more_users(scenario.closed, factor))
    rng = stream(scenario.seed, "load")
    whole = int(factor)
    spans: dict[int, tuple[float, float]] = {}
    for arrival in scenario.arrivals:
        spans[arrival.stage] = (spans.get(arrival.stage, (arrival.at, 0.0))[0], arrival.at)
    made: list[Arrival] = []
    for arrival in scenario.arrivals:
        first, last = spans[arrival.stage]
        # The fraction of the factor is the probability of one more copy.
        for number in range(whole + (rng.random() < factor - whole)):
            shift = rng.uniform(-SPREAD_SECONDS, SPREAD_SECONDS) if number else 0.0
            made.append(arrival._replace(at=min(last, max(first, arrival.at + shift))))
    return replace(scenario, arrivals=tuple(sorted(made, key=lambda arrival: (arrival.at, arrival.stage))))


def _more_users(load: ClosedLoad, factor: float) -> ClosedLoad:
    """The same stages with more users, or fewer, who arrive at a rate that is as many times as high."""
    stages = tuple(replace(
        stage, present=round(stage.present * factor),
        spawn_per_second=None if stage.spawn_per_second is None else stage.spawn_per_second * factor,
        steps=tuple(step._replace(users=max(1, round(step.users * factor))) for step in stage.steps),
    ) for stage in load.stages)
    return replace(load, stages=stages, expected=round(load.expected * factor),
                   left_per_worker=load.left_per_worker * factor)


def _scrape(scenario: Scenario, seconds: float) -> Scenario:
    return replace(scenario, path=replace(scenario.path, scrape_seconds=seconds))


def hpa_of(scenario: Scenario) -> HpaController | None:
    """The HPA that decides, including the one that KEDA creates; None under Knative's autoscaler."""
    match scenario.controller:
        case HpaController():
            return scenario.controller
        case KedaController():
            return scenario.controller.hpa
    return None


def with_hpa(scenario: Scenario, hpa: HpaController) -> Scenario:
    """The scenario under another HPA, inside KEDA's controller if there is one."""
    controller = scenario.controller
    inside = replace(controller, hpa=hpa) if isinstance(controller, KedaController) else hpa
    return replace(scenario, controller=inside)


def _flag(changed: Callable[[ControllerSettings, float], ControllerSettings]) -> Knob:
    def apply(scenario: Scenario, value: float) -> Scenario:
        hpa = hpa_of(scenario)
        if hpa is None:
            return scenario
        flags = changed(hpa.spec.controller, value)
        return with_hpa(scenario, replace(hpa, spec=replace(hpa.spec, controller=flags)))
    return apply


# In seconds, or factors. Those of `controller` are flags of kube-controller-manager.
KNOBS: Mapping[str, tuple[Bounds, Knob]] = {
    "coldStart.seconds": (Bounds(most=86400), with_cold_start),
    "coldStart.scale": (Bounds(most=1000), _cold_start_scale),
    "load.scale": (Bounds(open=True, most=100), _load),
    "scrape.periodSeconds": (Bounds(open=True, most=3600), _scrape),
    "controller.syncPeriodSeconds": (Bounds(open=True, most=3600), _flag(
        lambda flags, value: replace(flags, sync_period_seconds=value))),
    "controller.tolerance": (Bounds(most=1000), _flag(
        lambda flags, value: replace(flags, tolerance=value))),
    "controller.downscaleStabilizationSeconds": (Bounds(most=3600), _flag(
        lambda flags, value: replace(flags, downscale_stabilization_seconds=value))),
    "controller.cpuInitializationSeconds": (Bounds(most=3600), _flag(
        lambda flags, value: replace(flags, cpu_initialization_seconds=value))),
    "controller.initialReadinessDelaySeconds": (Bounds(most=3600), _flag(
        lambda flags, value: replace(flags, initial_readiness_delay_seconds=value))),
}


def with_knob(scenario: Scenario, setting: Setting) -> Scenario:
    """The scenario under one of the KNOBS."""
    bounds, apply = KNOBS[setting.path]
    return apply(scenario, bounds.check(setting.path, setting.value))


def with_balancing(scenario: Scenario, setting: Setting) -> Scenario:
    """The scenario with this way of choosing a replica; where each request went in the record no longer applies."""
    return replace(scenario, balancing=Balancing(chosen(setting, Balancing)), recorded=None)


def chosen(setting: Setting, choices: type[StrEnum] | tuple[str, ...]) -> str:
    """The value as a member of a closed set."""
    known = tuple(str(choice) for choice in choices)
    if setting.value in known:
        return str(setting.value)
    close = near(str(setting.value), known, 1)
    raise SpecError(f"{setting.path}: must be one of {', '.join(known)}, is {setting.value!r}"
                    + (f"; similar: {close[0]}" if close else ""))
