"""What a Knee found, step by step, and how it stands in a summary. Pure."""

from dataclasses import dataclass
from typing import Any

from elastometer_loadgen.base.clock import Clock
from elastometer_loadgen.base.record import format_instant
from elastometer_loadgen.profile.stages import KneeOf


@dataclass(frozen=True, slots=True)
class Step:
    """One step; instants are monotonic. `failed` is the objective that did not hold, in words, and
    `inconclusive` why the step could not be judged; a good step has neither."""

    value: int
    begin: float
    end: float
    failed: str | None
    inconclusive: str | None = None

    @property
    def is_good(self) -> bool:
        """True when it was judged, and held."""
        return self.failed is None and self.inconclusive is None


@dataclass(frozen=True, slots=True)
class Climb:
    """The steps that were held to their end. `interrupted` are value and begin of those that a restart cut."""

    stage: str
    of: KneeOf
    steps: tuple[Step, ...]
    soak: Step | None
    interrupted: tuple[tuple[int, float], ...] = ()

    @property
    def good(self) -> int | None:
        """The last step that held, None when the first did not."""
        return next((step.value for step in reversed(self.steps) if step.is_good), None)


def climb_document(climb: Climb, clock: Clock) -> dict[str, Any]:
    """As it stands in a summary."""
    document = {
        "stage": climb.stage, "of": climb.of, "good": climb.good,
        "steps": [_step_document(step, clock) for step in climb.steps],
        "soak": None if climb.soak is None else _step_document(climb.soak, clock),
    }  # fmt: skip
    cut = [{"value": value, "startTime": _time(begin, clock)} for value, begin in climb.interrupted]
    return document | ({"interrupted": cut} if cut else {})


def _step_document(step: Step, clock: Clock) -> dict[str, Any]:
    times = {"startTime": _time(step.begin, clock), "endTime": _time(step.end, clock)}
    inconclusive = {} if step.inconclusive is None else {"inconclusive": step.inconclusive}
    return {"value": step.value, **times, "failed": step.failed, **inconclusive}


def _time(at: float, clock: Clock) -> str:
    return format_instant(clock.instant(at))
