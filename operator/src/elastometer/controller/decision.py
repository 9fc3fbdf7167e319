"""A decision: the next action, the status to publish, and when to look again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from elastometer.model.status import Status

# Facts come from watches that wake the daemon; these are only how often deadlines and progress are looked at.
PROGRESS_SECONDS = 5.0
SOON_SECONDS = 1.0


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
    """The next action, if any, the status to publish, and when to look again at the latest (seconds)."""

    action: Action | None
    status: Status
    wake_after: float
