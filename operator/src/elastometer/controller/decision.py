"""A decision: the next action, the status to publish, and when to decide again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from elastometer.model.status import Status

# A changed object wakes the daemon at once, by a watch. These periods are only for what no watch reports:
PROGRESS_SECONDS = 5.0  # deadlines and the progress of a run, each of which may be a write to the API server
SOON_SECONDS = 1.0  # an action that was just carried out, whose object the watch has not delivered yet


class Action(StrEnum):
    """What `act` can do; each is safe to repeat."""

    PREFLIGHT = "Preflight"
    CREATE_TARGET = "CreateTarget"
    CREATE_SCALER = "CreateScaler"
    CREATE_LOAD = "CreateLoad"
    JUDGE = "Judge"
    CLEAN_UP = "CleanUp"


@dataclass(frozen=True, slots=True)
class Decision:
    """The next action, if any, the status to publish, and the seconds until the next turn at the latest."""

    action: Action | None
    status: Status
    wake_after: float
