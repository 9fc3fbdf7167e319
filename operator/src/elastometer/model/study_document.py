"""study.json, the record of a study: what was asked, which runs were made, and how each of them ended.

What the runs measured is in their own bundles, below `runs/`; nothing of it is repeated here.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from elastometer.model.document import Document, at, document_at, documents_at, text_at, whole_at
from elastometer.model.study_names import StudyNames
from elastometer.model.times import format_seconds, parse_instant

Json = dict[str, Any]
STUDY_JSON, RUNS_DIRECTORY = "study.json", "runs"
SCHEMA_VERSION = 1


class RunState(StrEnum):
    """How far a run is."""

    PENDING = "Pending"
    RUNNING = "Running"
    JUDGED = "Judged"
    """It has a report, whatever the verdict."""
    NOT_CARRIED_OUT = "NotCarriedOut"
    """It ended without a report, or could not begin."""
    SKIPPED = "Skipped"
    """The study ended before its turn."""


@dataclass(frozen=True, slots=True)
class RunEntry:
    """One run of the study. Times are UTC in whole seconds; `reason` and `message` say why it was not carried out."""

    name: str
    variant: str
    repetition: int
    judged: bool = True
    state: RunState = RunState.PENDING
    verdict: str | None = None
    reason: str | None = None
    message: str | None = None
    start_time: datetime | None = None
    completion_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class StudyDocument:
    """The record. `spec` is the study's spec as served; `tune` what a search found, None without one; `end_reason` is
    None as long as the study runs."""

    names: StudyNames
    spec: Document
    runs: tuple[RunEntry, ...]
    tune: Document | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    end_reason: str | None = None


def study_json(document: StudyDocument) -> Json:
    """The record as it is written, without absent fields."""
    names = document.names
    return _given({
        "schemaVersion": SCHEMA_VERSION,
        "study": {"name": names.study, "namespace": names.namespace, "uid": names.uid},
        "spec": document.spec,
        "runs": [run_json(run) for run in document.runs],
        "tune": document.tune,
        "startTime": _text(document.start_time),
        "endTime": _text(document.end_time),
        "endReason": document.end_reason,
    })


def study_document(found: object) -> StudyDocument:
    """The record as read. Raises ValueError, with path and rule, for one that cannot be used."""
    version = at(found, "schemaVersion")
    if version != SCHEMA_VERSION:
        raise ValueError(f"schemaVersion: must be {SCHEMA_VERSION}, is {version!r}")
    name, namespace = text_at(found, "study", "name"), text_at(found, "study", "namespace")
    if name is None or namespace is None:
        raise ValueError("study: must have name and namespace")
    tune = at(found, "tune")
    return StudyDocument(
        names=StudyNames(namespace, name, text_at(found, "study", "uid") or ""),
        spec=document_at(found, "spec"),
        runs=tuple(run_entry(run, f"runs[{index}]") for index, run in enumerate(documents_at(found, "runs"))),
        tune=tune if isinstance(tune, Mapping) else None,
        start_time=_instant(found, "", "startTime"),
        end_time=_instant(found, "", "endTime"),
        end_reason=text_at(found, "endReason"),
    )


def run_json(run: RunEntry) -> Json:
    """A run as it is written, without absent fields."""
    return _given({
        "name": run.name, "variant": run.variant, "repetition": run.repetition, "judged": run.judged,
        "state": run.state.value, "verdict": run.verdict, "reason": run.reason, "message": run.message,
        "startTime": _text(run.start_time), "completionTime": _text(run.completion_time),
    })


def run_entry(found: Document, path: str) -> RunEntry:
    """A run as read from `path`; raises ValueError for one that cannot be used."""
    name, variant, repetition = text_at(found, "name"), text_at(found, "variant"), whole_at(found, "repetition")
    if name is None or variant is None or repetition is None:
        raise ValueError(f"{path}: must have name, variant and repetition")
    state = text_at(found, "state")
    if state not in set(RunState):
        raise ValueError(f"{path}.state: must be one of {', '.join(RunState)}, is {state!r}")
    return RunEntry(
        name, variant, repetition, found.get("judged") is not False, RunState(state), text_at(found, "verdict"),
        text_at(found, "reason"), text_at(found, "message"), _instant(found, path, "startTime"),
        _instant(found, path, "completionTime"))


def _instant(found: object, path: str, field: str) -> datetime | None:
    text = text_at(found, field)
    try:
        return None if text is None else parse_instant(text)
    except ValueError as error:
        raise ValueError(f"{'.'.join(filter(None, (path, field)))}: {error}") from error


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else format_seconds(instant)


def _given(fields: Json) -> Json:
    return {key: value for key, value in fields.items() if value is not None}
