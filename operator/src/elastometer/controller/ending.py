"""How a test or a study ends that cannot be carried out. Pure."""
from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from elastometer.model import reasons
from elastometer.model.errors import SpecError
from elastometer.model.report import Verdict
from elastometer.model.status import ACCEPTED, SUCCEEDED, Condition, Conditioned, with_condition

T = TypeVar("T", bound=Conditioned)


def end_failed(status: T, kind: str, reason: str, message: str, now: datetime) -> T:
    """It could not be carried out: the condition that says why, and Succeeded=False with the same reason."""
    status = with_condition(status, Condition(kind, "False", reason, message), now)
    status = with_condition(status, Condition(SUCCEEDED, "False", reason, message), now)
    return replace(status, failure=reason, verdict=Verdict.INCONCLUSIVE.value)


def rejected(status: T, error: SpecError, now: datetime) -> T:
    """The end of one whose spec cannot be carried out. Nothing was created."""
    ended = end_failed(status, ACCEPTED, reasons.SPEC_INVALID, "; ".join(error.flaws), now)
    return replace(ended, start_time=now, completion_time=now)


def given_up(status: T, what: str, error: Exception, now: datetime) -> T:
    """The end of one that the operator fails on; `what` is test or study."""
    said = f"the operator failed on this {what} ({error!r}); see the operator's log"
    ended = end_failed(status, SUCCEEDED, reasons.OPERATOR_FAILED, said, now)
    return replace(ended, start_time=status.start_time or now, completion_time=now)
