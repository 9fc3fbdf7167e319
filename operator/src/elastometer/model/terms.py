"""What a run is judged by, read out of the ElasticityTest as served; tolerant, for a bundle may be partial."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from elastometer.model.document import (
    EMPTY,
    Document,
    at,
    document_at,
    documents_at,
    number_at,
    percent_at,
    spec_of,
    text_at,
    texts_at,
    whole_at,
)
from elastometer.model.health import objective_rows
from elastometer.model.input_bounds import input_character_bounds
from elastometer.model.own_series import OwnSeries, own_series
from elastometer_loadgen.profile.profile import Profile, ProfileError, parse_profile
from elastometer_loadgen.stages.knee import KneeStage
from elastometer_loadgen.stages.objectives import DEFAULT_PERCENTILE, Statistic
from elastometer_loadgen.stages.rate import RateStage
from elastometer_loadgen.stages.stage import Stage, StageRole, StageType
from elastometer_loadgen.stages.timetable import timetable
from elastometer_loadgen.stages.trace import TraceStage

_TYPES = {kind.value: kind for kind in StageType}
_ROLES = {role.value: role for role in StageRole}

_OF_STAGES = ("stages", "tasks", "timeoutSeconds", "retries", "maximumRequests", "endpoint")  # all that decides them


class Indicator(StrEnum):
    """What an objective measures."""

    TIME_TO_FIRST_TOKEN = "TimeToFirstToken"
    TIME_PER_OUTPUT_TOKEN = "TimePerOutputToken"
    REQUEST_LATENCY = "RequestLatency"
    SCALE_OUT_LAG = "ScaleOutLag"
    COLD_START = "ColdStart"
    REQUEST_SUCCESS = "RequestSuccess"
    ANSWER_CHECK = "AnswerCheck"
    STEADY_RATE = "SteadyRate"  # only as a row of the preset Health
    MEMORY_GROWTH = "MemoryGrowth"
    MEMORY_RETURN = "MemoryReturn"


# What the requests of every second meet or miss; the others are about replicas, and about what answers say.
ON_REQUESTS = frozenset({
    Indicator.TIME_TO_FIRST_TOKEN, Indicator.TIME_PER_OUTPUT_TOKEN, Indicator.REQUEST_LATENCY,
    Indicator.REQUEST_SUCCESS})

@dataclass(frozen=True, slots=True)
class StageWindow:
    """One stage of the load; seconds count from the load's start. Only a Rate has planned rates, only a Knee the
    `maximum` up to which it raises the load.

    `length_seconds` is None where the stage ends when its requests do; its end, and all that comes behind it, is then
    not known beforehand, and None. A `type` that only a later version knows is None. The `warning` says what the file
    of a Trace makes doubtful. `tasks` are those that it draws from, none for all of them. What is due within
    `warmup_seconds` of its begin, or of that of each step of a Knee, is not judged.
    """

    name: str
    start_seconds: float | None
    end_seconds: float | None
    start_rate: float | None
    end_rate: float | None
    type: StageType | None = StageType.RATE
    length_seconds: float | None = None
    maximum: int | None = None
    warning: str | None = None
    tasks: tuple[str, ...] = ()
    warmup_seconds: float = 0.0
    role: StageRole | None = None


@dataclass(frozen=True, slots=True)
class Objective:
    """One line of `spec.objectives`; exactly one of the bounds is set. `check` is the check that an AnswerCheck
    counts. `preset` names the objective whose preset stands for this row. The `percentile` means nothing where the
    `statistic` is another."""

    name: str
    indicator: Indicator
    percentile: int
    maximum_milliseconds: int | None
    minimum_percent: float | None
    stage: str | None
    check: str | None = None
    task: str | None = None
    maximum_percent: int | None = None
    preset: str | None = None
    statistic: Statistic = Statistic.PERCENTILE
    maximum_mebibytes: int | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """The parts of a test that judgement needs. What the spec did not say is None. `checks` has (task, check)."""

    test: str = ""
    namespace: str = ""
    uid: str = ""
    model: str | None = None
    image: str | None = None
    scaler: str | None = None
    minimum_replicas: int | None = None
    maximum_replicas: int | None = None
    workers: int | None = None
    connection: str | None = None
    scrape_seconds: int | None = None
    probe_seconds: int | None = None
    stages: tuple[StageWindow, ...] = ()
    objectives: tuple[Objective, ...] = ()
    checks: tuple[tuple[str, str], ...] = ()
    series: tuple[OwnSeries, ...] = ()
    input_character_bounds: tuple[int, ...] = ()

    @property
    def load_seconds(self) -> float | None:
        """How long the schedule lasts; None where that was not known in advance."""
        return self.stages[-1].end_seconds if self.stages else 0.0


def terms_from(test: Document, plan: Document = EMPTY) -> Terms:
    """The terms of an ElasticityTest, given whole or as its `spec` alone. `plan` is what plan.json says: the stages
    come from there. Where it has none, or is of an earlier version, the load generator's parser reads `spec.load`."""
    spec = spec_of(test)
    scaler = document_at(spec, "autoscaler")
    bounds = document_at(scaler, "horizontalPodAutoscaler") or document_at(scaler, "scaledObject")
    return Terms(
        test=text_at(test, "metadata", "name") or "", namespace=text_at(test, "metadata", "namespace") or "",
        uid=text_at(test, "metadata", "uid") or "", model=text_at(spec, "target", "model", "name"),
        image=text_at(spec, "target", "server", "image"), scaler=text_at(scaler, "type"),
        minimum_replicas=_either(bounds, "minReplicas", "minReplicaCount"),
        maximum_replicas=_either(bounds, "maxReplicas", "maxReplicaCount"),
        workers=whole_at(spec, "load", "workers"), connection=text_at(spec, "load", "connection", "policy"),
        scrape_seconds=whole_at(spec, "measurement", "scrapePeriodSeconds"),
        probe_seconds=whole_at(spec, "target", "server", "probePeriodSeconds"),
        stages=_stages(spec, plan), objectives=_objectives(spec), checks=_checks(spec),
        series=own_series(spec), input_character_bounds=input_character_bounds(spec),
    )


def _either(bounds: Document, first: str, second: str) -> int | None:
    value = whole_at(bounds, first)
    return whole_at(bounds, second) if value is None else value


def _stages(spec: Document, plan: Document) -> tuple[StageWindow, ...]:
    rows = documents_at(plan, "stages")
    if rows and all("lengthSeconds" in row for row in rows):
        return tuple(map(_planned, rows))
    return tuple(_resolved(document_at(spec, "load"), rows))


def _planned(row: Document) -> StageWindow:
    """A stage as plan.json has it."""
    steps = at(row, "steps")
    return StageWindow(
        name=text_at(row, "name") or "",
        start_seconds=number_at(row, "startSeconds") if row.get("startIsExact") is True else None,
        end_seconds=number_at(row, "endSeconds") if row.get("endIsExact") is True else None,
        start_rate=number_at(row, "startRequestsPerSecond"), end_rate=number_at(row, "endRequestsPerSecond"),
        type=_TYPES.get(text_at(row, "type") or ""), length_seconds=number_at(row, "lengthSeconds"),
        maximum=steps[-1] if isinstance(steps, list) and steps and isinstance(steps[-1], int) else None,
        warning=text_at(row, "warning"), tasks=texts_at(row, "tasks"),
        warmup_seconds=number_at(row, "warmupSeconds") or 0.0, role=_ROLES.get(text_at(row, "role") or ""),
    )


def _resolved(load: Document, rows: Sequence[Document]) -> Iterator[StageWindow]:
    """The stages of a run whose plan.json is missing, or of a version that did not state lengths: as the load generator
    understands them. How long a trace lasts only that plan says, since the trace itself is not in a bundle."""
    profile = _profile(load) or _profile({**load, "tasks": None, "stages": [
        {**stage, "tasks": None} for stage in documents_at(load, "stages")]})
    if profile is None:
        # A part of a spec, or one that only an earlier version accepted: only the plan, if any, says anything.
        yield from map(_planned, rows)
        return
    lengths = {text_at(row, "name"): _length(row) for row in rows}
    for planned in timetable(_limited(stage, lengths.get(stage.name)) for stage in profile.stages):
        stage = planned.stage
        ramp = stage if isinstance(stage, RateStage) else None
        yield StageWindow(
            name=stage.name, start_seconds=_exact(planned.start_seconds, is_exact=planned.start_is_exact),
            end_seconds=_exact(planned.end_seconds, is_exact=planned.end_is_exact),
            start_rate=None if ramp is None else float(ramp.start_rate),
            end_rate=None if ramp is None else float(ramp.end_rate),
            type=stage.type, length_seconds=_exact(planned.length_seconds, is_exact=True),
            maximum=stage.maximum if isinstance(stage, KneeStage) else None,
            tasks=stage.tasks, warmup_seconds=float(stage.warmup_seconds), role=stage.role,
        )


def _profile(load: Document) -> Profile | None:
    """What decides the stages of a load; None where this version does not accept it. Tasks decide only how long a stage
    with a count may last, so that a load with tasks of another version still has its stages without them."""
    try:
        return parse_profile({key: load[key] for key in _OF_STAGES if key in load})
    except ProfileError:
        return None


def _limited(stage: Stage, length: float | None) -> Stage:
    if isinstance(stage, TraceStage) and stage.limit_seconds is None and length is not None:
        return replace(stage, limit_seconds=round(length))
    return stage


def _length(row: Document) -> float | None:
    start, end = number_at(row, "startSeconds"), number_at(row, "endSeconds")
    return None if start is None or end is None else end - start


def _exact(seconds: int | None, *, is_exact: bool) -> float | None:
    return float(seconds) if is_exact and seconds is not None else None


def _objectives(spec: Document) -> tuple[Objective, ...]:
    return tuple(
        Objective(
            name=text_at(item, "name") or "", indicator=Indicator(word),
            percentile=DEFAULT_PERCENTILE if (percentile := whole_at(item, "percentile")) is None else percentile,
            maximum_milliseconds=whole_at(item, "maximumMilliseconds"),
            minimum_percent=percent_at(item, "minimumPercent"), stage=text_at(item, "stageName"),
            check=text_at(item, "checkType"), task=text_at(item, "taskName"),
            maximum_percent=whole_at(item, "maximumPercent"), preset=text_at(item, "preset"),
            statistic=Statistic.MEAN if text_at(item, "statistic") == Statistic.MEAN else Statistic.PERCENTILE,
            maximum_mebibytes=whole_at(item, "maximumMebibytes"),
        )
        for item in objective_rows(spec)
        if (word := text_at(item, "indicator")) in set(Indicator) and word is not None
    )


def _checks(spec: Document) -> tuple[tuple[str, str], ...]:
    return tuple(
        (text_at(task, "name") or "", check)
        for task in documents_at(spec, "load", "tasks") for item in documents_at(task, "checks")
        if (check := text_at(item, "type")) is not None
    )
