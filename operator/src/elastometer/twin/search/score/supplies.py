"""Supplies that need no autoscaler, simulated as every candidate is: a fixed number of replicas, and the oracle."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from elastometer.model.measurements import Steps
from elastometer.model.price import AlternativeName, OracleSupply, Price
from elastometer.twin.scenario import Scenario, ScheduledController
from elastometer.twin.search.score.held_out import Interval
from elastometer.twin.search.score.scorecard import Scorecard
from elastometer.twin.search.vary.knobs import with_cold_start


@dataclass(frozen=True, slots=True)
class Supply:
    """What is predicted of one supply: the median and the span over held-out draws. `replicas` is a fixed number. The
    oracle is `overloaded_seconds` at a maximum that is not enough; what it misses then could also have been avoided at
    the expense of other requests."""

    name: AlternativeName
    replicas: int | None
    card: Scorecard
    interval: Interval
    overloaded_seconds: float = 0.0


def fixed(scenario: Scenario, replicas: int) -> Scenario:
    """The scenario with this number of replicas from its beginning to its end."""
    return replace(scenario, controller=ScheduledController(()), initial_replicas=replicas)


def as_ordered(scenario: Scenario, oracle: OracleSupply) -> Scenario:
    """The scenario under the oracle. Every cold start takes as long as the oracle expects; what it ordered before the
    scenario begins, or to be Ready at the start of the load, is there from the beginning."""
    start, end, lead = scenario.start_seconds, scenario.horizon_seconds, (oracle.cold_start_milliseconds or 0) / 1000
    first = max(_value(oracle.ready, 0.0), _value(oracle.ordered, start))
    later = tuple((at, size or 0) for at, size in oracle.ordered if max(start, -lead) < at < end)
    started = scenario if oracle.cold_start_milliseconds is None else with_cold_start(scenario, lead)
    return replace(started, initial_replicas=first, controller=ScheduledController(later))


def _value(steps: Steps, at: float) -> int:
    return next((value or 0 for time, value in reversed(steps) if time <= at), 0)


def supplies(price: Price, scenario: Scenario) -> Sequence[tuple[AlternativeName, int | None, Scenario]]:
    """(name, fixed number of replicas, scenario) of everything that a run is compared with and that is known."""
    found: list[tuple[AlternativeName, int | None, Scenario]] = [
        (one.name, one.replicas, fixed(scenario, one.replicas)) for one in price.alternatives
        if one.replicas is not None]
    if price.oracle is not None:
        found.append((AlternativeName.ORACLE, None, as_ordered(scenario, price.oracle)))
    return found
