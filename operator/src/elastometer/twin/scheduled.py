"""A fixed schedule of sizes in place of an autoscaler."""
from __future__ import annotations

from math import inf

from elastometer.twin.controllers import ControlLoop, Recommendation
from elastometer.twin.scenario import ScheduledController


class Scheduled:
    """Sets each size at its instant and looks at nothing."""

    def __init__(self, controller: ScheduledController) -> None:
        self._sizes = dict(controller.sizes)

    def loops(self) -> tuple[ControlLoop, ...]:
        """One pass for each instant of the schedule."""
        instants = tuple(sorted(self._sizes))
        return (ControlLoop(min(instants, default=inf), inf, self._set, instants),)

    def _set(self, at: float) -> Recommendation:
        return Recommendation(self._sizes[at])
