"""What `decide_study` reads: a study's runs, and what is known of its report, at one instant. Only facts."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from elastometer.model.status import SUCCEEDED, status_from

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RunFact:
    """The test of one run. Why it could not be carried out is in `reason` and `message`."""

    uid: str
    ended: bool = False
    carried_out: bool = False
    verdict: str | None = None
    reason: str | None = None
    message: str | None = None
    start_time: datetime | None = None
    completion_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class CheckFact:
    """The check before the first run. `waiting` names what must be gone first; `flaw` is (reason, message), None if all
    is well."""

    flaw: tuple[str, str] | None = None
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordFact:
    """What the run's directory has of a judged run: whether its report is there, and the GPU-seconds in it."""

    exists: bool
    gpu_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class ComparisonFact:
    """The last comparison. `of` says which state of the study it was made of, `ended` how many runs had ended,
    `compared` how many of the judged ones were compared (an inconclusive run is not), and `sentence` which variant is
    best; `flaw` is why there is no comparison, empty if there is one."""

    of: str
    ended: int
    compared: int = 0
    verdict: str | None = None
    message: str = ""
    best: str | None = None
    sentence: str = ""
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class StudyRefusal:
    """What the API server keeps refusing: the action, the run that it was for, and since when (operator's clock)."""

    action: str
    run: str
    message: str
    since: datetime


@dataclass(frozen=True, slots=True)
class StudySnapshot:
    """Everything that `decide_study` may use. `runs` are the study's own tests by name. `gone` are runs that were
    created and then deleted before any status named them. `tuned` is the record of a search that was just made."""

    generation: int
    check: CheckFact | None = None
    runs: Mapping[str, RunFact] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    records: Mapping[str, RecordFact] = field(default_factory=dict)
    tuned: Json | None = None
    comparison: ComparisonFact | None = None
    refusal: StudyRefusal | None = None


def run_fact(test: Mapping[str, Any]) -> RunFact:
    """The fact about a run, from its ElasticityTest as served."""
    status = status_from(test.get("status") or {})
    carried_out = status.is_true(SUCCEEDED)
    succeeded = None if carried_out else status.conditions.get(SUCCEEDED)
    return RunFact(
        uid=test["metadata"]["uid"],
        ended=status.finished,
        carried_out=carried_out,
        verdict=status.verdict,
        reason=None if succeeded is None else succeeded.reason,
        message=None if succeeded is None else succeeded.message,
        start_time=status.start_time,
        completion_time=status.completion_time,
    )
