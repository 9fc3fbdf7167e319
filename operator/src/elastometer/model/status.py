"""The status of a test: conditions first, everything else derived from them.

Only one writer, the daemon of the test, changes it, and only with these functions. `phase` is computed last, for
people, and never read back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from elastometer.model import reasons
from elastometer.model.times import format_seconds, parse_instant

Json = dict[str, Any]

ACCEPTED = "Accepted"
TARGET_READY = "TargetReady"
METRICS_AVAILABLE = "MetricsAvailable"
LOAD_DELIVERED = "LoadDelivered"
RUNS_COMPLETED = "RunsCompleted"  # of a study
REPORT_READY = "ReportReady"
OBJECTIVES_MET = "ObjectivesMet"
GATES_HELD = "GatesHeld"  # of a study with gates
SUCCEEDED = "Succeeded"
CLEANED_UP = "CleanedUp"  # set only if something could not be deleted
ORDER = (
    ACCEPTED, TARGET_READY, METRICS_AVAILABLE, LOAD_DELIVERED, RUNS_COMPLETED, REPORT_READY, OBJECTIVES_MET, GATES_HELD,
    CLEANED_UP, SUCCEEDED,
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition. `status` is "True", "False" or "Unknown"; times are UTC, whole seconds as the API keeps them."""

    type: str
    status: str
    reason: str
    message: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Conditioned:
    """What the status of a test and that of a study have in common. What is absent is None, never zero."""

    conditions: Mapping[str, Condition] = field(default_factory=dict)
    observed_generation: int | None = None
    start_time: datetime | None = None
    completion_time: datetime | None = None
    verdict: str | None = None
    failure: str | None = None
    report: str | None = None

    def is_true(self, kind: str) -> bool:
        """Whether the condition is present and True."""
        return kind in self.conditions and self.conditions[kind].status == "True"

    @property
    def finished(self) -> bool:
        """Whether it is over, successful or not; nothing is done for it after that."""
        return self.completion_time is not None


T = TypeVar("T", bound=Conditioned)


@dataclass(frozen=True, slots=True)
class Status(Conditioned):
    """Everything that is patched into `.status` of a test."""

    target_ready_time: datetime | None = None
    load_start_time: datetime | None = None
    load_end_time: datetime | None = None
    progress: Json | None = None
    summary: Json | None = None
    objectives: tuple[Json, ...] | None = None
    bundle: Json | None = None


def with_condition(status: T, condition: Condition, now: datetime) -> T:
    """The status with one condition set. As Kubernetes requires, its time changes only when its status does."""
    old = status.conditions.get(condition.type)
    since = old.since if old is not None and old.status == condition.status else now
    return replace(status, conditions={**status.conditions, condition.type: replace(condition, since=since)})


def phase_of(status: Status) -> str:
    """One word for people, derived from the other fields."""
    if status.finished:
        return "Completed" if status.is_true(SUCCEEDED) else "Failed"
    report = status.conditions.get(REPORT_READY)
    has_settled = report is not None and report.reason != reasons.SETTLING
    if status.failure or (status.load_end_time is not None and has_settled):
        return "Analyzing"
    if status.load_end_time is not None:
        return "Settling"
    if status.load_start_time is not None:
        return "Loading"
    return "Preparing" if status.conditions else "Pending"


def instant_or_none(text: str | None) -> datetime | None:
    """The instant of a time as served."""
    return None if text is None else parse_instant(text)


def text_or_none(at: datetime | None) -> str | None:
    """A time as it is patched."""
    return None if at is None else format_seconds(at)


def common_from(served: Mapping[str, Any]) -> Json:
    """The fields of Conditioned, by name, of a status as the API server serves it."""
    conditions = conditions_from(served)
    succeeded = conditions.get(SUCCEEDED)
    return {
        "conditions": conditions,
        "observed_generation": served.get("observedGeneration"),
        "start_time": instant_or_none(served.get("startTime")),
        "completion_time": instant_or_none(served.get("completionTime")),
        "verdict": served.get("verdict"),
        "failure": succeeded.reason if succeeded is not None and succeeded.status == "False" else None,
        "report": served.get("reportRef", {}).get("name"),
    }


def conditions_from(served: Mapping[str, Any]) -> dict[str, Condition]:
    """The conditions of a status as the API server serves it."""
    return {
        item["type"]: Condition(
            item["type"], item["status"], item["reason"], item["message"], instant_or_none(item["lastTransitionTime"])
        )
        for item in served.get("conditions", ())
    }


def status_from(served: Mapping[str, Any]) -> Status:
    """Parses the status as the API server serves it."""
    bundle = served.get("bundleRef")
    return Status(
        **common_from(served),
        target_ready_time=instant_or_none(served.get("targetReadyTime")),
        load_start_time=instant_or_none(served.get("loadStartTime")),
        load_end_time=instant_or_none(served.get("loadEndTime")),
        progress=served.get("progress"),
        summary=served.get("summary"),
        objectives=tuple(served["objectives"]) if "objectives" in served else None,
        bundle=dict(bundle) if bundle else None,
    )


def _rank(condition: Condition) -> tuple[int, str]:
    """Our conditions in the order of a run; conditions of other writers are kept, after ours."""
    return (ORDER.index(condition.type) if condition.type in ORDER else len(ORDER), condition.type)


def conditions_json(status: Conditioned, generation: int | None) -> list[Json]:
    """The conditions as they are patched."""
    return [
        {
            "type": item.type,
            "status": item.status,
            "reason": item.reason,
            "message": item.message[:2000],  # a refusal of the API server can quote a whole object
            "lastTransitionTime": text_or_none(item.since),
            "observedGeneration": generation or 0,
        }
        for item in sorted(status.conditions.values(), key=_rank)
    ]


def to_json(status: Status) -> Json:
    """The status as it is patched, without absent fields."""
    fields: Json = {
        "observedGeneration": status.observed_generation,
        "phase": phase_of(status),
        "verdict": status.verdict,
        "startTime": text_or_none(status.start_time),
        "targetReadyTime": text_or_none(status.target_ready_time),
        "loadStartTime": text_or_none(status.load_start_time),
        "loadEndTime": text_or_none(status.load_end_time),
        "completionTime": text_or_none(status.completion_time),
        "progress": status.progress,
        "conditions": conditions_json(status, status.observed_generation),
        "summary": status.summary,
        "objectives": None if status.objectives is None else list(status.objectives),
        "reportRef": {"name": status.report} if status.report else None,
        "bundleRef": status.bundle,
    }
    return {key: value for key, value in fields.items() if value is not None}
