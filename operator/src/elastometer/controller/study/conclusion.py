"""How a study ends: why it could not be carried out, and the last conditions of one that was. Pure."""
from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from elastometer.controller.ending import end_failed
from elastometer.controller.outcome import VERDICT_CONDITIONS
from elastometer.controller.study.decision import StudyAction
from elastometer.model import reasons
from elastometer.model.report import Verdict
from elastometer.model.status import (
    GATES_HELD,
    OBJECTIVES_MET,
    REPORT_READY,
    RUNS_COMPLETED,
    SUCCEEDED,
    Condition,
    with_condition,
)
from elastometer.model.study import StudySpec
from elastometer.model.study_document import RunState
from elastometer.model.study_snapshot import ComparisonFact, StudySnapshot
from elastometer.model.study_status import StudyStatus

# Of runs that were not carried out; the status has them all.
NAMED = 3
# Where a study has gates, they alone decide its verdict.
GATE_CONDITIONS: Mapping[str, tuple[str, str]] = {
    Verdict.PASS: ("True", reasons.GATES_HELD),
    Verdict.FAIL: ("False", reasons.GATES_REGRESSED),
    Verdict.INCONCLUSIVE: ("Unknown", reasons.GATES_UNCERTAIN),
}


def not_all_compared(status: StudyStatus, seen: StudySnapshot) -> str | None:
    """The state of the study that is to be compared; None if that was done, or no run was judged."""
    if not status.judged:
        return None
    counts = Counter(run.state.value for run in status.runs)
    of = ", ".join(f"{state.value} {counts[state.value]}" for state in RunState)
    of = f"{of}{', searched' if status.tune is not None else ''}"
    return None if seen.comparison is not None and seen.comparison.of == of else of


def conclude(study: StudySpec, status: StudyStatus, seen: StudySnapshot, now: datetime) -> StudyStatus:
    """The last status of a study, with its report where one could be made."""
    status = replace(_with_counts(status, now), completion_time=now)
    if not status.judged:
        if status.failure is not None:
            return status
        said = f"no run could be carried out: {_missing(status)}"
        return end_failed(status, REPORT_READY, reasons.NO_RUN_JUDGED, said, now)
    if (flaw := _flaw(study, seen)) is not None:
        if flaw[0] == reasons.REPORT_FAILED and seen.comparison is not None:
            status = replace(status, report=study.names.report)  # which holds the record of the runs
        if status.failure is None:
            return end_failed(status, REPORT_READY, *flaw, now)
        return with_condition(status, Condition(REPORT_READY, "False", *flaw), now)
    names = study.names
    where = f"see elastometer fetch {names.study} -n {names.namespace}, or the ConfigMap {names.report}"
    status = with_condition(status, Condition(REPORT_READY, "True", reasons.REPORT_WRITTEN, where), now)
    if status.failure is not None or seen.comparison is None:
        return status
    return _with_verdict(study, status, seen.comparison, now)


def _flaw(study: StudySpec, seen: StudySnapshot) -> tuple[str, str] | None:
    """(reason, message) where there is no report, or it could not be published."""
    if seen.comparison is None or seen.comparison.flaw:
        why = seen.comparison.flaw if seen.comparison is not None else "see the operator's log"
        return reasons.REPORT_FAILED, f"no report could be made: {why}. The runs have their own reports"
    if seen.refusal is not None and seen.refusal.action == StudyAction.COMPARE:
        return reasons.REPORT_REFUSED, (f"the API server refuses the ConfigMap {study.names.report}: "
                                        f"{seen.refusal.message}. The runs have their own reports")
    return None


def _with_verdict(study: StudySpec, status: StudyStatus, found: ComparisonFact, now: datetime) -> StudyStatus:
    verdict = found.verdict or Verdict.INCONCLUSIVE
    kind, known = (GATES_HELD, GATE_CONDITIONS) if study.gates else (OBJECTIVES_MET, VERDICT_CONDITIONS)
    status = with_condition(status, Condition(kind, *known[verdict], found.message), now)
    planned, missing = sum(run.entry.judged for run in status.runs), _missing(status)
    judged = f"{len(status.judged)} of {planned} runs were judged, {found.compared} compared"
    done = "; ".join(filter(None, (judged, missing, f"the verdict is {verdict}", found.sentence)))
    status = with_condition(status, Condition(SUCCEEDED, "True", reasons.STUDY_COMPLETED, done), now)
    return replace(status, verdict=str(verdict))


def end_reason(status: StudyStatus) -> str | None:
    """Why the study ends, or ended; None as long as a run is to come."""
    if not all(run.ended for run in status.runs):
        return None
    left = next(iter(status.in_state(RunState.SKIPPED)), None)
    return status.failure or (reasons.STUDY_COMPLETED if left is None else left.entry.reason)


def _with_counts(status: StudyStatus, now: datetime) -> StudyStatus:
    """RunsCompleted: True if every run was judged, else the reason, and which were not."""
    if not status.runs:
        return status
    missing, left = status.in_state(RunState.NOT_CARRIED_OUT), status.in_state(RunState.SKIPPED)
    said = _missing(status)
    if missing:
        found = Condition(RUNS_COMPLETED, "False", reasons.RUNS_MISSING, said)
    elif left:
        found = Condition(RUNS_COMPLETED, "False", reasons.RUNS_SKIPPED, said)
    else:
        found = Condition(RUNS_COMPLETED, "True", reasons.RUNS_JUDGED, f"all {len(status.runs)} runs were judged")
    return with_condition(status, found, now)


def _missing(status: StudyStatus) -> str:
    """The runs that were not carried out and those left out, in words; empty if there is none."""
    missing, left = status.in_state(RunState.NOT_CARRIED_OUT), status.in_state(RunState.SKIPPED)
    named = [f"{run.name} ({run.entry.reason}: {run.entry.message})" for run in missing[:NAMED]]
    more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    parts = [f"not carried out: {', '.join(named)}{more}"] if missing else []
    return "; ".join([*parts, *([f"{len(left)} left out: {left[0].entry.message}"] if left else [])])
