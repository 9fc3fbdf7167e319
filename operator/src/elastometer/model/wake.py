"""How a target at zero replicas was woken: the instants on the way, and what became of requests meanwhile.

The values are public: report.json carries them and docs/report.md explains them.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from elastometer.model.measurements import Duration, Stamp
from elastometer.model.milestones import Milestone


class WakeStep(StrEnum):
    """What precedes the decision to add the first replica, or accompanies it; the rest are milestones of its Pod."""

    FIRST_REQUEST = "firstRequest"  # the first request that was intended while there was no replica
    VISIBLE = "visible"  # the metric of a trigger first showed a value that activates it
    ACTIVATED = "activated"  # KEDA's ScaledObject became active
    FIRST_TOKEN = "firstToken"  # the first token that a request received


# What is reported of a wake, and its labels. The order is that of a usual wake; KEDA writes the replicas before it says
# that a trigger is active.
WAKE_LABELS: Mapping[WakeStep | Milestone, str] = {
    WakeStep.FIRST_REQUEST: "first request", WakeStep.VISIBLE: "visible in the metric",
    Milestone.DECIDED: "replicas raised from 0", WakeStep.ACTIVATED: "ScaledObject active",
    Milestone.CREATED: "Pod created", Milestone.SCHEDULED: "scheduled", Milestone.STARTED: "container started",
    Milestone.READY: "Ready", Milestone.IN_ENDPOINTS: "in EndpointSlice", WakeStep.FIRST_TOKEN: "first token",
}


class Fate(StrEnum):
    """What became of a request that was intended before a replica served."""

    HELD = "Held"  # something held it until a replica answered
    SENT_AGAIN = "SentAgain"  # it was lost, and served at a later attempt
    REFUSED = "Refused"  # nobody accepted it: the connection was refused, or the answer was 429 or 503
    TIMED_OUT = "TimedOut"  # it got no answer in time
    LOST = "Lost"  # it failed in any other way


FATE_LABELS: Mapping[Fate, str] = {
    Fate.HELD: "held and served", Fate.SENT_AGAIN: "served at a later attempt", Fate.REFUSED: "refused",
    Fate.TIMED_OUT: "timed out", Fate.LOST: "lost in another way",
}


@dataclass(frozen=True, slots=True)
class WakeInstant:
    """One instant of a wake; without a `stamp` there is a reason."""

    name: WakeStep | Milestone
    stamp: Stamp | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Wake:
    """One time at zero replicas in which requests came, or which ended with a replica. It began at `at_zero_seconds`;
    from `served_seconds` on a replica served, which is None if none became Ready. `pod` is the first that did.

    `whole` is the time from the first request to the first token. `fates` and `outcomes` count the requests that were
    intended in between; `request_count` is their number.
    """

    number: int
    at_zero_seconds: float
    served_seconds: float | None
    scale_event: int | None
    pod: str | None
    instants: tuple[WakeInstant, ...]
    whole: Duration
    request_count: int
    fates: Mapping[str, int]
    outcomes: Mapping[str, int]

    @property
    def fate_words(self) -> str:
        """What became of the requests, by count."""
        return ", ".join(f"{self.fates[fate]} {FATE_LABELS[fate]}" for fate in Fate if self.fates.get(fate))

    @property
    def failed_count(self) -> int:
        """Requests that nobody served."""
        return self.request_count - sum(self.fates.get(fate, 0) for fate in (Fate.HELD, Fate.SENT_AGAIN))
