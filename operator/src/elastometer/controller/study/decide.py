"""What a study does next: a pure function of its spec, its status, a snapshot and the time.

Level-triggered, as that of a test: it may be called any number of times, and a restart of the operator loses nothing.
What was created is known from the cluster and, once seen, from the rows of the status; what ended, from the tests.
"""
from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from elastometer.controller.ending import end_failed
from elastometer.controller.outcome import REFUSAL_SECONDS
from elastometer.controller.study.conclusion import conclude, not_all_compared
from elastometer.controller.study.decision import (
    AGAIN_SECONDS,
    IDLE_SECONDS,
    SOON_SECONDS,
    WAIT_SECONDS,
    StudyAction,
    StudyDecision,
)
from elastometer.controller.study.runs import (
    cannot_be_searched,
    next_run,
    searched_run,
    skipped,
    with_ended,
    with_facts,
    with_planned,
)
from elastometer.controller.study.stopping import stop_reason
from elastometer.model import reasons
from elastometer.model.status import ACCEPTED, REPORT_READY, RUNS_COMPLETED, SUCCEEDED, Condition, with_condition
from elastometer.model.study import StudySpec, TuneSpec
from elastometer.model.study_document import RunState
from elastometer.model.study_snapshot import StudySnapshot
from elastometer.model.study_status import StudyStatus
from elastometer.model.tuning import TuneOutcome, TuneResult
from elastometer.model.tuning_document import tune_document


def decide_study(study: StudySpec, status: StudyStatus, seen: StudySnapshot, now: datetime) -> StudyDecision:
    """The next action of a study, the status to publish, and when to ask again."""
    if status.finished:
        return StudyDecision(None, status, IDLE_SECONDS)
    status = _refused(_changed(_begun(study, status, now), seen, now), seen, now)
    if status.failure is None and not status.is_true(ACCEPTED):
        if seen.check is None or seen.check.waiting:
            return _check(status, seen, now)
        status = _accepted(status, seen, now)
    status = _with_runs(study, status, seen, now)
    return _next(study, status, seen, now)


def _begun(study: StudySpec, status: StudyStatus, now: datetime) -> StudyStatus:
    status = replace(status, start_time=status.start_time or now,
                     observed_generation=status.observed_generation or study.generation)
    if SUCCEEDED not in status.conditions:
        progress = Condition(SUCCEEDED, "Unknown", reasons.RUNNING, "the study is in progress")
        status = with_condition(status, progress, now)
    return status


def _changed(status: StudyStatus, seen: StudySnapshot, now: datetime) -> StudyStatus:
    if status.failure is not None or seen.generation == status.observed_generation:
        return status
    said = "the spec was changed after the study had begun; delete this ElasticityStudy and create another"
    return end_failed(status, ACCEPTED, reasons.SPEC_CHANGED, said, now)


def _refused(status: StudyStatus, seen: StudySnapshot, now: datetime) -> StudyStatus:
    """What the API server keeps refusing ends the run that it was for; where it is the check, the study."""
    refusal = seen.refusal
    if refusal is None or (now - refusal.since).total_seconds() < REFUSAL_SECONDS:
        return status
    said = (f"the API server has refused {refusal.action} for {REFUSAL_SECONDS:g} s: {refusal.message}; grant what is "
            "missing (quota, RBAC, admission), then create the study again")
    match StudyAction(refusal.action):
        case StudyAction.CHECK if status.failure is None:
            return end_failed(status, ACCEPTED, reasons.CREATION_REFUSED, said, now)
        case StudyAction.CREATE_RUN:
            return with_ended(status, refusal.run, reasons.CREATION_REFUSED, said)
    return status


def _check(status: StudyStatus, seen: StudySnapshot, now: datetime) -> StudyDecision:
    reason, said, wait = reasons.CHECKING, "the tests of its variants are being checked", SOON_SECONDS
    if seen.check is not None:
        reason, wait = reasons.NOT_BEGUN, AGAIN_SECONDS
        left = ", ".join(seen.check.waiting)
        said = f"what an earlier study of this name left must be deleted first; waiting for {left}"
    elif seen.refusal is not None:
        reason, said = reasons.NOT_BEGUN, f"the check was refused and will be repeated: {seen.refusal.message}"
    status = with_condition(status, Condition(ACCEPTED, "Unknown", reason, said), now)
    return StudyDecision(StudyAction.CHECK, status, wait)


def _accepted(status: StudyStatus, seen: StudySnapshot, now: datetime) -> StudyStatus:
    if seen.check is not None and seen.check.flaw is not None:
        return end_failed(status, ACCEPTED, *seen.check.flaw, now)
    said = "the test of each variant passed a dry run"
    return with_condition(status, Condition(ACCEPTED, "True", reasons.VARIANTS_ACCEPTED, said), now)


def _with_runs(study: StudySpec, status: StudyStatus, seen: StudySnapshot, now: datetime) -> StudyStatus:
    """The rows as they are now, and those left out that are not to begin any more."""
    if status.failure is not None:
        failed = status.conditions[SUCCEEDED]
        return skipped(with_facts(status, seen), failed.reason, failed.message)
    if status.tune is None and seen.tuned is not None:
        status = replace(status, tune=seen.tuned)
    status = with_facts(with_planned(study, status), seen)
    stop = stop_reason(study, status, now)
    if study.tune is not None and status.tune is None:
        status = _not_searched(study, study.tune, status, None if stop is None else f"the study ends: {stop[1]}")
    return status if stop is None else skipped(status, stop[0].value, f"not begun: {stop[1]}")


def _not_searched(study: StudySpec, tune: TuneSpec, status: StudyStatus, stop: str | None) -> StudyStatus:
    """The status with the record of a search that is never made, where there is a reason for that."""
    why = stop
    if why is None and cannot_be_searched(study, status):
        why = f"no run of the variant '{tune.source}' was judged, so that there is no record to search"
    if why is None:
        return status
    return with_planned(study, replace(status, tune=tune_document(TuneResult("", TuneOutcome.CANNOT_TELL, why))))


def _next(study: StudySpec, status: StudyStatus, seen: StudySnapshot, now: datetime) -> StudyDecision:
    """Between two runs: compare, search. Else the next run. At last: compare, and end."""
    running, done = status.in_state(RunState.RUNNING), all(run.ended for run in status.runs)
    if not running and _awaits_search(study, status) and (source := searched_run(study, status)) is not None:
        said = f"better settings are searched on the record of {source.name}"
        status = with_condition(status, Condition(RUNS_COMPLETED, "Unknown", reasons.TUNING, said), now)
        return StudyDecision(StudyAction.TUNE, status, SOON_SECONDS, run=source.name)
    status = _counted(status, now)
    if not running and (of := not_all_compared(status, seen)) is not None:
        return StudyDecision(StudyAction.COMPARE, _comparing(status, done, now), SOON_SECONDS, of=of)
    status = _compared(study, status, seen, now)
    if (run := next_run(study, status)) is not None:
        return StudyDecision(StudyAction.CREATE_RUN, status, SOON_SECONDS, run=run.name)
    if not done:
        return StudyDecision(None, status, WAIT_SECONDS)
    if seen.comparison is not None and _publishing_is_retried(seen, now):
        return StudyDecision(StudyAction.COMPARE, status, AGAIN_SECONDS, of=seen.comparison.of)
    return StudyDecision(None, conclude(study, status, seen, now), SOON_SECONDS)


def _awaits_search(study: StudySpec, status: StudyStatus) -> bool:
    return study.tune is not None and status.tune is None and status.failure is None


def _counted(status: StudyStatus, now: datetime) -> StudyStatus:
    if not status.runs:
        return status
    said = f"{status.done} of {status.planned} runs have ended"
    return with_condition(status, Condition(RUNS_COMPLETED, "Unknown", reasons.RUNS_UNDER_WAY, said), now)


def _comparing(status: StudyStatus, done: bool, now: datetime) -> StudyStatus:
    """Only the last comparison is news: those before it come after each run."""
    if not done:
        return status
    return with_condition(
        status, Condition(REPORT_READY, "False", reasons.COMPARING, "the runs are being compared"), now)


def _compared(study: StudySpec, status: StudyStatus, seen: StudySnapshot, now: datetime) -> StudyStatus:
    """What the comparison so far says."""
    found = seen.comparison
    if found is None or found.flaw:
        return status
    status = replace(status, best=found.best, compared=found.ended)
    if _publishing_is_refused(seen):
        return status
    said = f"the comparison so far knows {found.ended} of {status.planned} runs; see the ConfigMap {study.names.report}"
    so_far = Condition(REPORT_READY, "False", reasons.COMPARED_SO_FAR, said)
    return with_condition(replace(status, report=study.names.report), so_far, now)


def _publishing_is_refused(seen: StudySnapshot) -> bool:
    return seen.refusal is not None and seen.refusal.action == StudyAction.COMPARE


def _publishing_is_retried(seen: StudySnapshot, now: datetime) -> bool:
    return (seen.refusal is not None and _publishing_is_refused(seen)
            and (now - seen.refusal.since).total_seconds() < REFUSAL_SECONDS)
