"""The status of a study: conditions as a test has them, and a row for each of its runs.

Only one writer, the daemon of the study, changes it. `phase` is computed last, for people, and never read back.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from elastometer.model import reasons
from elastometer.model.status import (
    ACCEPTED,
    REPORT_READY,
    RUNS_COMPLETED,
    SUCCEEDED,
    Conditioned,
    common_from,
    conditions_json,
    text_or_none,
)
from elastometer.model.study_document import RunEntry, RunState, run_entry, run_json

Json = dict[str, Any]
ENDED = frozenset({RunState.JUDGED, RunState.NOT_CARRIED_OUT, RunState.SKIPPED})
# A run's message may quote the API server, and a study has up to 200 of them.
MESSAGE_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class StudyRun:
    """One run. `uid` is that of its test, known once the test was seen; `gpu_seconds` are what its replicas held, None
    where that was not measured."""

    entry: RunEntry
    uid: str | None = None
    gpu_seconds: int | None = None

    @property
    def name(self) -> str:
        """The name of its test."""
        return self.entry.name

    @property
    def state(self) -> RunState:
        """How far it is."""
        return self.entry.state

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class StudyStatus(Conditioned):
    """Everything that is patched into `.status` of a study. `planned` is how many runs it will have if nothing stops
    it, `compared` how many ended runs the last comparison knew of."""

    best: str | None = None
    planned: int = 0
    compared: int | None = None
    runs: tuple[StudyRun, ...] = field(default_factory=tuple)
    tune: Json | None = None

    def in_state(self, *states: RunState) -> tuple[StudyRun, ...]:
        """The runs that are in one of these states."""
        return tuple(run for run in self.runs if run.state in states)

    @property
    def judged(self) -> tuple[StudyRun, ...]:
        """The runs that are compared: the warm-up is not."""
        return tuple(run for run in self.in_state(RunState.JUDGED) if run.entry.judged)

    @property
    def done(self) -> int:
        """How many runs have ended."""
        return sum(run.ended for run in self.runs)


def phase_of(status: StudyStatus) -> str:
    """One word for people, derived from the other fields."""
    if status.finished:
        return "Completed" if status.is_true(SUCCEEDED) else "Failed"
    if not status.is_true(ACCEPTED):
        return "Checking" if status.conditions else "Pending"
    report, completed = status.conditions.get(REPORT_READY), status.conditions.get(RUNS_COMPLETED)
    if completed is not None and completed.reason == reasons.TUNING:
        return "Tuning"
    return "Comparing" if report is not None and report.reason == reasons.COMPARING else "Running"


def study_status_from(served: Mapping[str, Any]) -> StudyStatus:
    """Parses the status as the API server serves it."""
    return StudyStatus(
        **common_from(served),
        best=served.get("best"),
        planned=served.get("progress", {}).get("all", 0),
        compared=served.get("comparedRuns"),
        runs=tuple(_run(item, f"status.runs[{index}]") for index, item in enumerate(served.get("runs", ()))),
        tune=served.get("tune"),
    )


def _run(item: Json, path: str) -> StudyRun:
    return StudyRun(run_entry(item, path), item.get("uid"), item.get("gpuSeconds"))


def study_status_json(status: StudyStatus) -> Json:
    """The status as it is patched, without absent fields."""
    fields: Json = {
        "observedGeneration": status.observed_generation,
        "phase": phase_of(status),
        "verdict": status.verdict,
        "best": status.best,
        "startTime": text_or_none(status.start_time),
        "completionTime": text_or_none(status.completion_time),
        "progress": _progress(status) if status.planned else None,
        "comparedRuns": status.compared,
        "conditions": conditions_json(status, status.observed_generation),
        "runs": [_run_json(run) for run in status.runs] or None,
        "tune": status.tune,
        "reportRef": {"name": status.report} if status.report else None,
    }
    return {key: value for key, value in fields.items() if value is not None}


def _progress(status: StudyStatus) -> Json:
    """`running` is null, and not absent, when no run is under way: the patch has to remove what was there."""
    running = [run.name for run in status.in_state(RunState.RUNNING)]
    return {"runs": f"{status.done}/{status.planned}", "done": status.done, "all": status.planned,
            "running": ", ".join(running) or None}


def _run_json(run: StudyRun) -> Json:
    fields = run_json(run.entry)
    if "message" in fields:
        fields["message"] = fields["message"][:MESSAGE_CHARACTERS]
    return {**fields, **{key: value for key, value in (("uid", run.uid), ("gpuSeconds", run.gpu_seconds))
                         if value is not None}}
