"""A Knee: a climb until an objective of the load generator failed, as a worker told it and as the report shows it.

The worker decided step by step while the load ran; nothing here judges a step again.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from elastometer.model.document import Document, document_at, documents_at, instant_at, text_at, whole_at
from elastometer.model.units import Instant


@dataclass(frozen=True, slots=True)
class StepSeen:
    """One step as the worker reported it, by its own clock; `failed` is what did not hold, with both numbers, and
    `inconclusive` why the step could not be judged. One that held has neither."""

    value: int
    start: Instant
    end: Instant
    failed: str | None
    inconclusive: str | None = None


@dataclass(frozen=True, slots=True)
class KneeSeen:
    """One climb in `of`, which is Users or Rate; `good` is the last step that held, None when the first did not.

    `interrupted` are the values of steps, or of the soak, that a restart of the worker cut and that were held again.
    """

    stage: str
    of: str
    good: int | None
    steps: tuple[StepSeen, ...]
    soak: StepSeen | None
    interrupted: tuple[int, ...] = ()


def knee_from(line: Document) -> KneeSeen | None:
    """The climb, or None when it names no stage; a step without a value or times is left out."""
    stage = text_at(line, "stage")
    if stage is None:
        return None
    return KneeSeen(
        stage=stage, of=text_at(line, "of") or "", good=whole_at(line, "good"),
        steps=tuple(step for item in documents_at(line, "steps") if (step := _step(item)) is not None),
        soak=_step(document_at(line, "soak")),
        interrupted=tuple(value for item in documents_at(line, "interrupted")
                          if (value := whole_at(item, "value")) is not None),
    )


def _step(item: Document) -> StepSeen | None:
    value, start, end = whole_at(item, "value"), instant_at(item, "startTime"), instant_at(item, "endTime")
    if value is None or start is None or end is None:
        return None
    inconclusive = text_at(item, "inconclusive") or text_at(item, "untold")  # earlier versions wrote `untold`
    return StepSeen(value, start, end, text_at(item, "failed"), inconclusive)


@dataclass(frozen=True, slots=True)
class KneeStep:
    """One step in the report: the requests wanted within it, and the fewest and most Ready replicas seen meanwhile."""

    value: int
    start_seconds: float
    end_seconds: float
    failed: str | None
    inconclusive: str | None
    count: int
    success_percent: float | None
    time_to_first_token_p95_milliseconds: float | None
    ready_minimum: int | None
    ready_maximum: int | None
    note: str | None


class KneeEnding(StrEnum):
    """What ended the steps of a climb: only the first two say where the knee is."""

    STEP_FAILED = "StepFailed"
    ALL_HELD = "AllStepsHeld"
    STEP_INCONCLUSIVE = "StepInconclusive"
    STOPPED = "Stopped"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Knee:
    """One climb in the report. `soak` is None when there was none, `maximum` when the spec is not there to tell.

    `further_accounts` counts what other lives of the worker told of the same climb, of which this is the longest.
    """

    stage: str
    of: str
    good: int | None
    maximum: int | None
    ending: KneeEnding
    steps: tuple[KneeStep, ...]
    soak: KneeStep | None
    interrupted: tuple[int, ...]
    further_accounts: int
