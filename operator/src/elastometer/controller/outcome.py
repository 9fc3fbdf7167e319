"""How a run ends: why one could not be carried out, and the last conditions of one that was. Pure.

A message states what was seen and what to do about it: for most users it is all they will read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from elastometer.controller.decision import Action
from elastometer.controller.ending import end_failed
from elastometer.model import reasons
from elastometer.model.report import Verdict
from elastometer.model.snapshot import RefusalFact, ReportFact, Snapshot
from elastometer.model.spec import CleanupPolicy
from elastometer.model.status import (
    ACCEPTED,
    CLEANED_UP,
    LOAD_DELIVERED,
    METRICS_AVAILABLE,
    OBJECTIVES_MET,
    REPORT_READY,
    SUCCEEDED,
    TARGET_READY,
    Condition,
    Status,
    with_condition,
)
from elastometer.plan import TestPlan

Json = dict[str, Any]
IMAGE_REASONS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError")
CRASH_REASONS = ("CrashLoopBackOff", "CreateContainerConfigError", "CreateContainerError", "RunContainerError")
# A registry may fail once and a node may be about to join: trouble that lasts longer than this does not pass by itself.
PATIENCE_SECONDS = 45.0
# Quota or RBAC may be granted shortly after; report the refusal only once it has lasted this long.
REFUSAL_SECONDS = 30.0
# An object may be held by a finalizer of others; the run ends without it after this time.
CLEAN_UP_SECONDS = 120.0
# The condition in which users look for each thing that is created. Judging and cleaning up cannot end a run.
REFUSED_CONDITIONS = {
    Action.PREFLIGHT: ACCEPTED,
    Action.CREATE_TARGET: TARGET_READY,
    Action.CREATE_SCALER: METRICS_AVAILABLE,
    Action.CREATE_LOAD: LOAD_DELIVERED,
}
# Flaws of a load that was carried out, with what to do; the message of the others already says it.
LOAD_FLAWS: Mapping[str, str] = {
    reasons.LoadFlaw.FELL_BEHIND: "; give it more workers or CPU, or a lower rate",
    reasons.LoadFlaw.INCOMPLETE: "",
    reasons.LoadFlaw.RECORDS_MISSING: "",
}
NO_OBJECTIVES = "the test has no objectives"
VERDICT_CONDITIONS: Mapping[str, tuple[str, str]] = {
    Verdict.PASS: ("True", reasons.OBJECTIVES_MET),
    Verdict.FAIL: ("False", reasons.OBJECTIVES_MISSED),
    Verdict.INCONCLUSIVE: ("Unknown", reasons.NOT_ENOUGH_DATA),
    Verdict.NOT_JUDGED: ("Unknown", reasons.NOT_JUDGED),
}


def refused(status: Status, refusal: RefusalFact, now: datetime) -> Status:
    """The status after a refusal, which ends the run once it has lasted, in the condition of what was refused."""
    kind = REFUSED_CONDITIONS.get(Action(refusal.action))
    if kind is None or (now - refusal.since).total_seconds() < REFUSAL_SECONDS:
        return status
    said = (f"the API server has refused {refusal.action} for {REFUSAL_SECONDS:g} s: {refusal.message}; grant what is "
            "missing (quota, RBAC, admission), then create the test again")
    return end_failed(status, kind, reasons.CREATION_REFUSED, said, now)


def terminal_trouble(plan: TestPlan, trouble: tuple[str, str] | None, waited: float) -> tuple[str, str] | None:
    """(reason, message) when waiting any longer cannot help; `waited` is in seconds since the target was created."""
    name, namespace = plan.names.server, plan.names.namespace
    describe = f"see kubectl -n {namespace} describe pod -l elastometer.dev/test={plan.names.test}"
    reason, message = trouble or ("", "")
    if reason in IMAGE_REASONS and waited > PATIENCE_SECONDS:
        image = plan.spec.server.image
        return reasons.IMAGE_PULL_FAILED, (
            f"the image '{image}' cannot be pulled ({reason}: {message}); check its name, its tag and the pull secrets"
        )
    if reason in CRASH_REASONS and waited > PATIENCE_SECONDS:
        return reasons.TARGET_CRASHING, (
            f"the model server keeps exiting ({reason}: {message}); see kubectl -n "
            f"{namespace} logs deploy/{name} --previous"
        )
    if reason == reasons.UNSCHEDULABLE and waited > PATIENCE_SECONDS and plan.spec.measurement.check_capacity:
        return reasons.UNSCHEDULABLE, (
            f"no node can run the first replica ({message}); free capacity, or set "
            "`measurement.capacityCheck: Skip` where nodes are added on demand"
        )
    deadline = plan.spec.measurement.ready_deadline_seconds
    if waited > deadline:
        said = f"last seen {reason}: {message}" if reason else "it is still starting"
        return reasons.READY_DEADLINE, (
            f"the first replica was not Ready within {deadline} s ({said}); raise "
            f"`measurement.readyDeadlineSeconds` or {describe}"
        )
    return None


def conclude(plan: TestPlan, status: Status, seen: Snapshot, now: datetime) -> Status:
    """The last status of a run, with its report where one could be made."""
    status = _with_leftovers(plan, replace(status, completion_time=now, bundle=_bundle(plan)), seen, now)
    if seen.report is None:
        why = seen.judging_flaw or "see the operator's log"
        said = f"no report could be made: {why}. The bundle holds everything that was recorded"
        failed = Condition(REPORT_READY, "False", reasons.REPORT_FAILED, said)
        if status.failure is not None:
            return with_condition(status, failed, now)
        return end_failed(status, REPORT_READY, reasons.REPORT_FAILED, said, now)
    status = _with_report(plan, status, seen.report, now)
    if status.failure is not None:
        return status
    return _with_verdict(status, seen.report, now)


def _with_leftovers(plan: TestPlan, status: Status, seen: Snapshot, now: datetime) -> Status:
    if not seen.leftovers or plan.spec.cleanup is not CleanupPolicy.DELETE:
        return status
    held = f"{', '.join(seen.leftovers)} still existed {CLEAN_UP_SECONDS:g} s after deletion; see its finalizers"
    return with_condition(status, Condition(CLEANED_UP, "False", reasons.CLEAN_UP_STUCK, held), now)


def _with_report(plan: TestPlan, status: Status, report: ReportFact, now: datetime) -> Status:
    names = plan.names
    where = f"see elastometer fetch {names.test} -n {names.namespace}, or the ConfigMap {names.report}"
    status = with_condition(status, Condition(REPORT_READY, "True", reasons.REPORT_WRITTEN, where), now)
    return replace(status, summary=report.summary, objectives=report.objectives, report=names.report)


def _bundle(plan: TestPlan) -> Json:
    environment = plan.environment
    return {
        "namespace": environment.namespace,
        "service": environment.service,
        "port": environment.receiver_port,
        "path": plan.run_path,
    }


def _with_verdict(status: Status, report: ReportFact, now: datetime) -> Status:
    """The run was carried out: its verdict. A flaw of the load is also stated in the condition of the load."""
    if report.verdict_reason in LOAD_FLAWS:
        said = f"{report.verdict_message}{LOAD_FLAWS[report.verdict_reason]}"
        status = with_condition(status, Condition(LOAD_DELIVERED, "False", report.verdict_reason, said), now)
    status = with_condition(status, _verdict_condition(report), now)
    done = f"the run was carried out; the verdict is {report.verdict}"
    status = with_condition(status, Condition(SUCCEEDED, "True", reasons.COMPLETED, done), now)
    return replace(status, verdict=report.verdict)


def _verdict_condition(report: ReportFact) -> Condition:
    state, reason = VERDICT_CONDITIONS[report.verdict]
    # Only the objectives that explain the verdict: with a Fail those that were missed, with a Pass all of them.
    wanted = report.verdict if report.verdict != Verdict.PASS else None
    lines = [
        f"{item['name']}: {item.get('message', item['verdict'])}"
        for item in report.objectives
        if wanted is None or item["verdict"] == wanted
    ]
    for said in (report.blind, report.rejection):
        if lines and said:
            lines.insert(0, said)
    return Condition(OBJECTIVES_MET, state, reason, "; ".join(lines) or report.verdict_message or NO_OBJECTIVES)
