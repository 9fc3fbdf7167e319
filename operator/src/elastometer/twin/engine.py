"""The closed loop in virtual time: requests arrive, replicas serve them, an autoscaler changes the number of replicas.

Only three kinds of event happen at an instant of their own: a pass of a control loop, a replica becoming Ready, and the
horizon. Between two events the set of serving replicas is constant, so all requests of that time go through in one run
of a tight loop instead of one event each.
"""
from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import assert_never

from elastometer.model.errors import SpecError
from elastometer.twin.closed_traffic import traffic_of
from elastometer.twin.controllers import Autoscaler, ControlLoop, Hpa
from elastometer.twin.fleet import Fleet
from elastometer.twin.keda import Keda
from elastometer.twin.knative import Kpa
from elastometer.twin.metrics_view import MetricsView
from elastometer.twin.prediction import Prediction, Sync
from elastometer.twin.replica import Replica
from elastometer.twin.scenario import HpaController, KedaController, KpaController, Scenario, ScheduledController
from elastometer.twin.scheduled import Scheduled

# Order of events at one instant: a control loop sees a replica that becomes Ready at the same instant as Ready.
READY, PASS = 0, 1


def predict(scenario: Scenario) -> Prediction:
    """What would have happened. The same scenario gives the same prediction on every machine."""
    _check(scenario)
    return _Simulation(scenario).run()


class _Simulation:
    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.traffic = traffic_of(scenario)
        self.fleet = Fleet(scenario, self.traffic)
        self.autoscaler = autoscaler(scenario, self.fleet, MetricsView(scenario, self.fleet, self.traffic))
        self.agenda: list[tuple[float, int, int, ControlLoop | Replica]] = []
        # A running number as tie-break: neither loops nor replicas can be compared.
        self.order = count()
        self.syncs: list[Sync] = []

    def run(self) -> Prediction:
        scenario, agenda, traffic, fleet = self.scenario, self.agenda, self.traffic, self.fleet
        for loop in self.autoscaler.loops():
            self._plan(loop.begin(scenario.start_seconds), PASS, loop)
        while agenda and agenda[0][0] <= traffic.horizon:
            at, _, _, what = heappop(agenda)
            traffic.serve(at, fleet.serving)
            if isinstance(what, Replica):
                if fleet.becomes_ready(what) and traffic.held:
                    traffic.release(at, fleet.serving)
            else:
                self._pass(what, at)
                self._plan(what.after(at, at), PASS, what)
        traffic.serve(traffic.horizon, fleet.serving)
        return self._prediction()

    def _pass(self, loop: ControlLoop, at: float) -> None:
        recommended = loop.run(at)
        if recommended is None:
            return
        self.syncs.append(Sync(at, self.fleet.size, recommended.size, recommended.decision, recommended.input))
        for replica in self.fleet.scale(at, recommended.size):
            self._plan(replica.ready, READY, replica)

    def _plan(self, at: float, kind: int, what: ControlLoop | Replica) -> None:
        heappush(self.agenda, (at, kind, next(self.order), what))

    def _prediction(self) -> Prediction:
        fleet, horizon = self.fleet, self.traffic.horizon
        first_token, ended, replica = self.traffic.outcome(horizon)
        return Prediction(
            arrivals=self.traffic.requests(), ids=self.traffic.ids(), first_token=first_token, ended=ended,
            replica=replica, desired=tuple(fleet.desired), ready=tuple(fleet.ready), syncs=tuple(self.syncs),
            replicas=fleet.predicted_replicas(), end_seconds=horizon, climbs=self.traffic.climbs(),
        )


def autoscaler(scenario: Scenario, fleet: Fleet, view: MetricsView) -> Autoscaler:
    """The scenario's autoscaler, attached to its fleet and metrics."""
    match scenario.controller:
        case HpaController() as controller:
            return Hpa(controller, fleet, view)
        case KedaController() as controller:
            return Keda(controller, fleet, view)
        case KpaController() as controller:
            return Kpa(controller, fleet, view.traffic)
        case ScheduledController() as controller:
            return Scheduled(controller)
        case other:
            assert_never(other)


def _check(scenario: Scenario) -> None:
    flaws = []
    cold_starts = scenario.cold_starts
    if not cold_starts:
        flaws.append("coldStarts: must hold at least one duration, is empty")
    if list(cold_starts) != sorted(cold_starts) or any(seconds < 0 for seconds in cold_starts):
        flaws.append("coldStarts: must be in ascending order and not negative, "
                     f"is {', '.join(f'{seconds:g}' for seconds in cold_starts)}")
    if scenario.capacity.slots < 1:
        flaws.append(f"capacity.slots: must be at least 1, is {scenario.capacity.slots}")
    if scenario.path.scrape_seconds <= 0:
        flaws.append(f"path.scrapeSeconds: must be above 0, is {scenario.path.scrape_seconds:g}")
    if flaws:
        raise SpecError(*flaws)
