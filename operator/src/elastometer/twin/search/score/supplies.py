"""Supplies that need no autoscaler, simulated as every candidate is: a fixed number of replicas, and the oracle."""
from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median

from elastometer.analysis.price.oracle import Oracle, oracle
from elastometer.analysis.price.whole import Whole, milliseconds, peak, value_at
from elastometer.model.price import AlternativeName
from elastometer.twin.scenario import Scenario, ScheduledController
from elastometer.twin.search.score.held_out import Interval
from elastometer.twin.search.score.scorecard import Scorecard
from elastometer.twin.search.vary.knobs import with_cold_start


@dataclass(frozen=True, slots=True)
class Supply:
    """What is predicted of one supply: the median and the span over held-out draws. `replicas` is a fixed number."""

    name: AlternativeName
    replicas: int | None
    card: Scorecard
    interval: Interval


def fixed(scenario: Scenario, replicas: int) -> Scenario:
    """The scenario with this number of replicas from its beginning to its end."""
    return replace(scenario, controller=ScheduledController(()), initial_replicas=replicas)


def foreseen(scenario: Scenario, arrival: Whole, minimum: int, maximum: int) -> Scenario:
    """The scenario under the oracle for this demand. Every cold start takes the median, by which the oracle orders."""
    lead = median(scenario.cold_starts)
    found = oracle(arrival, minimum, maximum, milliseconds(lead), milliseconds(scenario.horizon_seconds))
    if found is None:
        raise ValueError("an oracle with a known cold start always exists")
    started = with_cold_start(scenario, lead)
    return replace(started, controller=ScheduledController(_sizes(found, scenario)),
                   initial_replicas=value_at(found.size, milliseconds(scenario.start_seconds)) or minimum)


def _sizes(found: Oracle, scenario: Scenario) -> tuple[tuple[float, int], ...]:
    start, end = milliseconds(scenario.start_seconds), milliseconds(scenario.horizon_seconds)
    return tuple((at / 1000, size) for at, size in found.size if start < at < end)


def scenarios(
    scenario: Scenario, arrival: Whole | None, minimum: int, maximum: int,
) -> list[tuple[AlternativeName, int | None, Scenario]]:
    """(name, fixed number of replicas, scenario) of each supply; the peak and the oracle need a demand."""
    named: list[tuple[AlternativeName, int | None]] = [
        (AlternativeName.STATIC_MINIMUM, minimum), (AlternativeName.STATIC_MAXIMUM, maximum)]
    if arrival is not None:
        named.insert(1, (AlternativeName.STATIC_PEAK, peak(arrival, 0, milliseconds(scenario.horizon_seconds))))
    found = [(name, replicas, fixed(scenario, replicas or 0)) for name, replicas in named]
    oracles = [] if arrival is None else [(AlternativeName.ORACLE, None, foreseen(scenario, arrival, minimum, maximum))]
    return [*found, *oracles]
