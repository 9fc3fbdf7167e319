"""What a run is judged by, read out of the ElasticityTest as served; tolerant, for a bundle may be partial."""
from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from elastometer.model.document import EMPTY, Document, document_at, documents_at, number_at, text_at, whole_at
from elastometer.model.units import decimal_or_none

RATE, TRACE, KNEE = "Rate", "Trace", "Knee"


class Indicator(StrEnum):
    """What an objective looks at."""

    TIME_TO_FIRST_TOKEN = "TimeToFirstToken"
    TIME_PER_OUTPUT_TOKEN = "TimePerOutputToken"
    REQUEST_LATENCY = "RequestLatency"
    SCALE_OUT_LAG = "ScaleOutLag"
    COLD_START = "ColdStart"
    REQUEST_SUCCESS = "RequestSuccess"
    ANSWER_CHECK = "AnswerCheck"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the load; seconds count from the load's start. Only a Rate has planned rates, only a Knee the
    `maximum` that it climbs to.

    `length_seconds` is None where the stage ends when its requests do; its end, and all that comes behind it, is then
    not known from the spec, and None.
    """

    name: str
    start_seconds: float | None
    end_seconds: float | None
    start_rate: float | None
    end_rate: float | None
    type: str = RATE
    length_seconds: float | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class Objective:
    """One line of `spec.objectives`; exactly one of the bounds is set. `check` is what an AnswerCheck looks at."""

    name: str
    indicator: Indicator
    percentile: int
    maximum_milliseconds: int | None
    minimum_percent: int | None
    stage: str | None
    check: str | None = None
    task: str | None = None


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
    stages: tuple[Stage, ...] = ()
    objectives: tuple[Objective, ...] = ()
    checks: tuple[tuple[str, str], ...] = ()

    @property
    def load_seconds(self) -> float | None:
        """How long the schedule lasts; None where nobody could say beforehand."""
        return self.stages[-1].end_seconds if self.stages else 0.0


def terms_from(test: Document, plan: Document = EMPTY) -> Terms:
    """The terms of an ElasticityTest, given whole or as its `spec` alone. `plan` is what plan.json says: how long a
    Trace lasts is in its file, which is not in the spec."""
    spec = document_at(test, "spec") or test
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
    )


def _either(bounds: Document, first: str, second: str) -> int | None:
    value = whole_at(bounds, first)
    return whole_at(bounds, second) if value is None else value


def _stages(spec: Document, plan: Document) -> tuple[Stage, ...]:
    planned = {text_at(row, "name"): row for row in documents_at(plan, "stages")}
    stages: list[Stage] = []
    clock: float | None = 0.0
    rate: float | None = None
    for item in documents_at(spec, "load", "stages"):
        name, kind = text_at(item, "name") or "", text_at(item, "type") or RATE
        start_rate, rate = _rates(item, rate) if kind == RATE else (None, None)
        length = _length(item, kind, planned.get(name, EMPTY))
        end = None if clock is None or length is None else clock + length
        stages.append(Stage(name, clock, end, start_rate, rate, kind, length, whole_at(item, "maximum")))
        clock = end
    return tuple(stages)


def _length(stage: Document, kind: str, planned: Document) -> float | None:
    given = whole_at(stage, "durationSeconds")
    if given is None and kind == TRACE:
        start, end = number_at(planned, "startSeconds"), number_at(planned, "endSeconds")
        return None if start is None or end is None else end - start
    return None if given is None else float(given)


def _rates(stage: Document, before: float | None) -> tuple[float | None, float | None]:
    """The rates at a stage's start and end, `before` is the one at which the stage before ended."""
    end = decimal_or_none(stage.get("endRequestsPerSecond")) or 0.0
    start = decimal_or_none(stage.get("startRequestsPerSecond"))
    if start is None:
        start = end if before is None else before
    return start, end


def _objectives(spec: Document) -> tuple[Objective, ...]:
    return tuple(
        Objective(
            name=text_at(item, "name") or "", indicator=Indicator(word),
            percentile=95 if (percentile := whole_at(item, "percentile")) is None else percentile,
            maximum_milliseconds=whole_at(item, "maximumMilliseconds"),
            minimum_percent=whole_at(item, "minimumPercent"), stage=text_at(item, "stageName"),
            check=text_at(item, "checkType"), task=text_at(item, "taskName"),
        )
        for item in documents_at(spec, "objectives")
        if (word := text_at(item, "indicator")) in set(Indicator) and word is not None
    )


def _checks(spec: Document) -> tuple[tuple[str, str], ...]:
    return tuple(
        (text_at(task, "name") or "", check)
        for task in documents_at(spec, "load", "tasks") for item in documents_at(task, "checks")
        if (check := text_at(item, "type")) is not None
    )
