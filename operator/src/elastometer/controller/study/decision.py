"""A decision about a study: the next action, the status to publish, and when to decide again."""
from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from elastometer.model.study_status import StudyStatus

# A changed test wakes the daemon at once, by a watch. These periods are only for what no watch reports.
SOON_SECONDS = 1.0  # an action that was just carried out, whose object the watch has not delivered yet
WAIT_SECONDS = 30.0  # a deadline of the study
AGAIN_SECONDS = 3.0  # something outside that has to change first
IDLE_SECONDS = 3600.0  # a finished study needs nothing more; the daemon only waits for its deletion


class StudyAction(StrEnum):
    """What `act_on_study` can do; each is safe to repeat."""

    CHECK = "Check"
    CREATE_RUN = "CreateRun"
    TUNE = "Tune"
    COMPARE = "Compare"


@dataclass(frozen=True, slots=True)
class StudyDecision:
    """The next action, if any, the status to publish, and the seconds until the next turn at the latest. `run` is the
    run that the action is for; `of` the state of the study that a comparison is made of."""

    action: StudyAction | None
    status: StudyStatus
    wake_after: float
    run: str = ""
    of: str = ""
