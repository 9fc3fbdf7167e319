"""What a Knee found, step by step, and the form of it in a summary. Pure."""

from dataclasses import dataclass
from typing import Any

from elastometer_loadgen.base.clock import Clock
from elastometer_loadgen.base.record import format_instant
from elastometer_loadgen.stages.knee import KneeVariable


@dataclass(frozen=True, slots=True)
class Step:
    """One step; instants are monotonic.

    `failed` says which objective did not hold, and `inconclusive` why the step could not be judged; a good step has
    neither.
    """

    value: int
    begin: float
    end: float
    failed: str | None
    inconclusive: str | None = None

    @property
    def is_good(self) -> bool:
        """True when it could be judged, and all objectives held."""
        return self.failed is None and self.inconclusive is None


@dataclass(frozen=True, slots=True)
class KneeResult:
    """The steps that were held to their end; `interrupted` are value and begin of those that a restart cut."""

    stage: str
    of: KneeVariable
    steps: tuple[Step, ...]
    soak: Step | None
    interrupted: tuple[tuple[int, float], ...] = ()

    @property
    def good(self) -> int | None:
        """The value of the last good step; None when the first was not good."""
        return next((step.value for step in reversed(self.steps) if step.is_good), None)


def knee_document(knee: KneeResult, clock: Clock) -> dict[str, Any]:
    """The knee as part of a summary."""
    document = {
        "stage": knee.stage,
        "of": knee.of,
        "good": knee.good,
        "steps": [_step_document(step, clock) for step in knee.steps],
        "soak": None if knee.soak is None else _step_document(knee.soak, clock),
    }
    cut = [{"value": value, "startTime": _time(begin, clock)} for value, begin in knee.interrupted]
    return document | ({"interrupted": cut} if cut else {})


def _step_document(step: Step, clock: Clock) -> dict[str, Any]:
    times = {"startTime": _time(step.begin, clock), "endTime": _time(step.end, clock)}
    inconclusive = {} if step.inconclusive is None else {"inconclusive": step.inconclusive}
    return {"value": step.value, **times, "failed": step.failed, **inconclusive}


def _time(at: float, clock: Clock) -> str:
    return format_instant(clock.instant(at))
