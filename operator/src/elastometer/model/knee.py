"""A knee search, as a worker reported it and as the report shows it: the load rises in steps until an objective fails.

The worker judged each step while the load ran; nothing here judges a step again.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from elastometer.model.document import Document, document_at, documents_at, instant_at, text_at, whole_at
from elastometer.model.units import Instant


@dataclass(frozen=True, slots=True)
class StepSeen:
    """One step as the worker reported it, by its own clock. `failed` names the missed objective, with both numbers;
    `inconclusive` says why the step could not be judged. A step that held has neither."""

    value: int
    start: Instant
    end: Instant
    failed: str | None
    inconclusive: str | None = None


@dataclass(frozen=True, slots=True)
class KneeSeen:
    """One search over `of`, which is Users or Rate. `good` is the last step that held, None if the first did not.

    `interrupted` has the values of the steps, or of the soak, that a restart of the worker cut and that were repeated.
    """

    stage: str
    of: str
    good: int | None
    steps: tuple[StepSeen, ...]
    soak: StepSeen | None
    interrupted: tuple[int, ...] = ()


def knee_from(line: Document) -> KneeSeen | None:
    """The search, or None if it names no stage; a step without a value or times is left out."""
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
    """One step in the report: the requests intended within it, and the fewest and most Ready replicas during it."""

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
    """What ended the steps of a search. Only STEP_FAILED and ALL_HELD say where the knee is."""

    STEP_FAILED = "StepFailed"
    ALL_HELD = "AllStepsHeld"
    STEP_INCONCLUSIVE = "StepInconclusive"
    STOPPED = "Stopped"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Knee:
    """One search in the report. `soak` is None if there was none, `maximum` is None if the spec is missing.

    `further_accounts` counts the reports on the same search by other incarnations of the worker; this is the longest.
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
