"""Which levels a run held, and when: its closed-loop stages, and the steps and the soak of each Knee."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.requests.knees import searches
from elastometer.model.document import documents_at, spec_of, text_at, whole_at
from elastometer.model.knee import KneeSeen, StepSeen
from elastometer.model.levels import LevelOf
from elastometer.model.terms import StageWindow
from elastometer_loadgen.stages.knee import KneeVariable
from elastometer_loadgen.stages.stage import StageRole, StageType

# The field of a stage that holds its level.
_FIELD = {StageType.USERS: "users", StageType.CONCURRENCY: "concurrency"}
_OF = {StageType.USERS: LevelOf.USERS, StageType.CONCURRENCY: LevelOf.IN_FLIGHT}


@dataclass(frozen=True, slots=True)
class LevelSpan:
    """One level with the time in which it is judged, warm-up left out, in seconds from the start of the load."""

    stage: str
    of: LevelOf
    level: int | None
    start_seconds: float
    end_seconds: float
    warmup_seconds: float
    tasks: tuple[str, ...]
    is_baseline: bool = False
    step: StepSeen | None = None
    is_soak: bool = False


def level_spans(evidence: Evidence) -> tuple[LevelSpan, ...]:
    """In order of time. A level that lasted no longer than its warm-up has none, as a stage that left no trace."""
    values = _values(evidence)
    steps = {search.stage: search for search in searches(evidence)}
    found: list[LevelSpan] = []
    for stage in evidence.stages:
        if stage.type is StageType.KNEE and stage.name in steps:
            found += _steps(stage, steps[stage.name], evidence)
        elif stage.type in _OF and stage.start_seconds is not None and stage.end_seconds is not None:
            found.append(LevelSpan(
                stage.name, _OF[stage.type], values.get(stage.name), stage.start_seconds + stage.warmup_seconds,
                stage.end_seconds, stage.warmup_seconds, stage.tasks, stage.role is StageRole.BASELINE))
    return tuple(one for one in found if one.end_seconds > one.start_seconds)


def _values(evidence: Evidence) -> dict[str, int | None]:
    """The level of each closed-loop stage as the test states it."""
    stages = documents_at(spec_of(evidence.spec), "load", "stages")
    fields = {kind.value: name for kind, name in _FIELD.items()}
    return {text_at(one, "name") or "": whole_at(one, fields[kind]) for one in stages
            if (kind := text_at(one, "type") or "") in fields}


def _steps(stage: StageWindow, search: KneeSeen, evidence: Evidence) -> Iterator[LevelSpan]:
    of = LevelOf.RATE if search.of == KneeVariable.RATE.value else LevelOf.USERS
    for step in (*search.steps, search.soak):
        if step is not None:
            yield LevelSpan(
                stage.name, of, step.value, evidence.seconds(step.start) + stage.warmup_seconds,
                evidence.seconds(step.end), stage.warmup_seconds, stage.tasks,
                stage.role is StageRole.BASELINE, step, step is search.soak)
