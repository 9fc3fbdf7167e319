"""The closed loop in virtual time: requests come, replicas serve them, an autoscaler looks and changes their number.

Only three things happen at an instant of their own: an autoscaler looks, a replica becomes Ready, the horizon is
reached. Between two of them the same replicas serve, and the requests of that time go through in one stretch.
"""
from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import assert_never

from elastometer.model.errors import SpecError
from elastometer.twin.controllers import Autoscaler, Clock, Hpa
from elastometer.twin.fleet import Fleet
from elastometer.twin.keda import Keda
from elastometer.twin.knative import Kpa
from elastometer.twin.metrics_view import Sight
from elastometer.twin.prediction import Prediction, Sync
from elastometer.twin.replica import Replica
from elastometer.twin.scenario import HpaController, KedaController, KpaController, Scenario
from elastometer.twin.traffic import Traffic

# At one instant, a replica that becomes Ready is Ready for the look at that instant.
READY, LOOK = 0, 1


def predict(scenario: Scenario) -> Prediction:
    """What would have happened. The same scenario gives the same prediction, on every machine."""
    _check(scenario)
    return _Run(scenario).run()


class _Run:
    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.traffic = Traffic(scenario)
        self.fleet = Fleet(scenario, self.traffic)
        self.autoscaler = autoscaler(scenario, self.fleet, Sight(scenario, self.fleet, self.traffic))
        self.agenda: list[tuple[float, int, int, Clock | Replica]] = []
        self.order = count()
        self.syncs: list[Sync] = []

    def run(self) -> Prediction:
        scenario, agenda, traffic, fleet = self.scenario, self.agenda, self.traffic, self.fleet
        for clock in self.autoscaler.clocks():
            self._plan(clock.begin(scenario.start_seconds), LOOK, clock)
        while agenda and agenda[0][0] <= scenario.horizon_seconds:
            at, _, _, what = heappop(agenda)
            traffic.serve(at, fleet.serving)
            if isinstance(what, Replica):
                if fleet.becomes_ready(what) and traffic.held:
                    traffic.release(at, fleet.serving)
            else:
                self._look(what, at)
                self._plan(what.after(at, at), LOOK, what)
        traffic.serve(scenario.horizon_seconds, fleet.serving)
        return self._prediction()

    def _look(self, clock: Clock, at: float) -> None:
        wish = clock.look(at)
        if wish is None:
            return
        self.syncs.append(Sync(at, self.fleet.size, wish.size, wish.decision, wish.look))
        for replica in self.fleet.scale(at, wish.size):
            self._plan(replica.ready, READY, replica)

    def _plan(self, at: float, kind: int, what: Clock | Replica) -> None:
        heappush(self.agenda, (at, kind, next(self.order), what))

    def _prediction(self) -> Prediction:
        fleet, horizon = self.fleet, self.scenario.horizon_seconds
        first_token, ended, replica = self.traffic.outcome(horizon)
        return Prediction(
            first_token=first_token, ended=ended, replica=replica, desired=tuple(fleet.desired),
            ready=tuple(fleet.ready), syncs=tuple(self.syncs), replicas=fleet.lives(), end_seconds=horizon,
        )


def autoscaler(scenario: Scenario, fleet: Fleet, sight: Sight) -> Autoscaler:
    """The controller of the scenario, put to work."""
    match scenario.controller:
        case HpaController() as controller:
            return Hpa(controller, fleet, sight)
        case KedaController() as controller:
            return Keda(controller, fleet, sight)
        case KpaController() as controller:
            return Kpa(controller, fleet, sight.traffic)
        case other:
            assert_never(other)


def _check(scenario: Scenario) -> None:
    flaws = []
    if not scenario.cold_starts:
        flaws.append("coldStarts: must hold at least one duration, is empty")
    if list(scenario.cold_starts) != sorted(scenario.cold_starts) or any(one < 0 for one in scenario.cold_starts):
        flaws.append("coldStarts: must be in rising order and not negative")
    if scenario.capacity.slots < 1:
        flaws.append(f"capacity.slots: must be at least 1, is {scenario.capacity.slots}")
    if scenario.path.scrape_seconds <= 0:
        flaws.append(f"path.scrapeSeconds: must be above 0, is {scenario.path.scrape_seconds:g}")
    if flaws:
        raise SpecError(*flaws)
