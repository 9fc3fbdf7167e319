"""The rows of a study's status: which runs there are, and how far each is. Pure.

A row is the memory of a run: once it names the uid of its test, that test was created, and is never created again.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from elastometer.model import reasons
from elastometer.model.document import document_at, documents_at
from elastometer.model.study import StudySpec, Variant, run_count, tuned_variant
from elastometer.model.study_document import RunEntry, RunState
from elastometer.model.study_snapshot import RecordFact, RunFact, StudySnapshot
from elastometer.model.study_status import StudyRun, StudyStatus
from elastometer.study.variants.planned_runs import PlannedRun, planned_runs

Json = dict[str, Any]
DELETED = "somebody deleted its ElasticityTest; a run is not repeated within a study"
LOST = "it was judged, but the operator's volume no longer holds its report"


def tuned_variants(study: StudySpec, tune: Mapping[str, Any] | None) -> tuple[Variant, ...]:
    """The variants that a recorded search found."""
    if study.tune is None or tune is None:
        return ()
    return tuple(tuned_variant(study.tune, number, dict(document_at(one, "patch")))
                 for number, one in enumerate(documents_at(tune, "variants"), 1))


def all_variants(study: StudySpec, status: StudyStatus) -> tuple[Variant, ...]:
    """The variants of the spec, and those that were found."""
    return (*study.variants, *tuned_variants(study, status.tune))


def with_planned(study: StudySpec, status: StudyStatus) -> StudyStatus:
    """The status with a row for each planned run, in the order of the plan."""
    known = {run.name: run for run in status.runs}
    plan = planned_runs(study, tuned_variants(study, status.tune))
    runs = tuple(known.get(run.name) or _row(run) for run in plan)
    awaits_tuned = study.tune is not None and status.tune is None
    return replace(status, runs=runs, planned=run_count(study) if awaits_tuned else len(runs))


def _row(run: PlannedRun) -> StudyRun:
    return StudyRun(RunEntry(run.name, run.variant, run.repetition, run.judged))


def with_facts(status: StudyStatus, seen: StudySnapshot) -> StudyStatus:
    """The status with what was seen of each run."""
    return replace(status, runs=tuple(
        _followed(run, seen.runs.get(run.name), seen.records.get(run.name), run.name in seen.gone)
        for run in status.runs))


def _followed(run: StudyRun, test: RunFact | None, record: RecordFact | None, gone: bool) -> StudyRun:
    if run.state is RunState.JUDGED:
        return ended(run, reasons.RECORD_LOST, LOST) if record is not None and not record.exists else run
    if run.ended:
        return run
    # Another uid is another test of the name: the study's own was deleted.
    if gone or (run.uid is not None and (test is None or test.uid != run.uid)):
        return ended(run, reasons.TEST_DELETED, DELETED)
    return run if test is None else _seen(run, test, record)


def _seen(run: StudyRun, test: RunFact, record: RecordFact | None) -> StudyRun:
    entry = replace(run.entry, state=RunState.RUNNING, start_time=test.start_time, completion_time=test.completion_time)
    run = replace(run, entry=entry, uid=test.uid)
    if not test.ended:
        return run
    run = replace(run, gpu_seconds=None if record is None else record.gpu_seconds)
    if not test.carried_out:
        return ended(run, test.reason or "", test.message or "")
    if record is None or not record.exists:
        return ended(run, reasons.RECORD_LOST, LOST)
    return replace(run, entry=replace(entry, state=RunState.JUDGED, verdict=test.verdict))


def ended(run: StudyRun, reason: str, message: str, state: RunState = RunState.NOT_CARRIED_OUT) -> StudyRun:
    """The run with the reason why it was not carried out, or was left out."""
    return replace(run, entry=replace(run.entry, state=state, verdict=None, reason=reason, message=message))


def with_ended(status: StudyStatus, name: str, reason: str, message: str) -> StudyStatus:
    """The status in which one run could not be carried out."""
    return replace(status, runs=tuple(
        ended(run, reason, message) if run.name == name and not run.ended else run for run in status.runs))


def skipped(status: StudyStatus, reason: str, message: str) -> StudyStatus:
    """The status in which all runs that have not begun are left out."""
    return replace(status, runs=tuple(
        ended(run, reason, message, RunState.SKIPPED) if run.state is RunState.PENDING else run for run in status.runs))


def next_run(study: StudySpec, status: StudyStatus) -> StudyRun | None:
    """The run to be created now, if there is one. The warm-up is alone, whatever the parallelism."""
    running, pending = status.in_state(RunState.RUNNING), status.in_state(RunState.PENDING)
    if not pending or len(running) >= study.parallelism or any(not run.entry.judged for run in running):
        return None
    return pending[0] if pending[0].entry.judged or not running else None


def searched_run(study: StudySpec, status: StudyStatus) -> StudyRun | None:
    """The first judged run of the variant whose settings are to be searched."""
    return next((run for run in _of_source(study, status) if run.state is RunState.JUDGED), None)


def cannot_be_searched(study: StudySpec, status: StudyStatus) -> bool:
    """Whether every run of that variant has ended and none was judged."""
    return searched_run(study, status) is None and all(run.ended for run in _of_source(study, status))


def _of_source(study: StudySpec, status: StudyStatus) -> tuple[StudyRun, ...]:
    source = None if study.tune is None else study.tune.source
    return tuple(run for run in status.runs if run.entry.variant == source and run.entry.judged)
