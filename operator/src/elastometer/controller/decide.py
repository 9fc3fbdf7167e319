"""What to do next: a pure function of plan, status, snapshot and time.

Level-triggered: it decides from facts, never from the phase or from which event arrived, so that it may be called any
number of times and a restart of the operator loses nothing. What a run does up to the end of its load is in `steps`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from elastometer.controller.decision import PROGRESS_SECONDS, SOON_SECONDS, Action, Decision
from elastometer.controller.ending import end_failed
from elastometer.controller.outcome import CLEAN_UP_SECONDS, conclude, refused
from elastometer.controller.steps import STEPS
from elastometer.model import reasons
from elastometer.model.snapshot import Snapshot
from elastometer.model.spec import CleanupPolicy
from elastometer.model.status import (
    ACCEPTED,
    REPORT_READY,
    SUCCEEDED,
    Condition,
    Status,
    with_condition,
)
from elastometer.plan import TestPlan

# A finished test needs nothing more; the daemon only waits for its deletion.
IDLE_SECONDS = 3600.0


def decide(plan: TestPlan, status: Status, seen: Snapshot, now: datetime) -> Decision:
    """The next action of a run, the status to publish, and when to ask again."""
    if status.finished:
        return Decision(None, status, IDLE_SECONDS)
    status = _failed_outside(plan, _begun(plan, status, seen, now), seen, now)
    if status.failure is not None or status.load_end_time is not None:
        return _finish(plan, status, seen, now)
    for step in STEPS:
        result = step(plan, status, seen, now)
        if isinstance(result, Decision):
            ended = result.status.failure is not None and result.action is None
            return _finish(plan, result.status, seen, now) if ended else result
        status = result
    return Decision(None, replace(status, load_end_time=now), SOON_SECONDS)


def _failed_outside(plan: TestPlan, status: Status, seen: Snapshot, now: datetime) -> Status:
    """Ends the run for what no step causes: a changed spec, and an action that the API server keeps refusing."""
    if status.failure is not None:
        return status
    if seen.generation != plan.spec.generation:
        said = "the spec was changed after the run had begun; delete this ElasticityTest and create another"
        return end_failed(status, ACCEPTED, reasons.SPEC_CHANGED, said, now)
    if status.load_end_time is None and seen.refusal is not None:
        return refused(status, seen.refusal, now)
    return status


def _begun(plan: TestPlan, status: Status, seen: Snapshot, now: datetime) -> Status:
    status = replace(
        status,
        start_time=status.start_time or now,
        observed_generation=plan.spec.generation,
        progress=seen.progress or status.progress,
    )
    # Unknown, and not absent, from the first turn on, so that others see that somebody is at work:
    # https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md
    if SUCCEEDED not in status.conditions:
        status = with_condition(status, Condition(SUCCEEDED, "Unknown", reasons.RUNNING, "the run is in progress"), now)
    return status


def _finish(plan: TestPlan, status: Status, seen: Snapshot, now: datetime) -> Decision:
    """After the load, or after a failure: settle, judge, clean up, end."""
    if status.failure is None and status.load_end_time is not None and seen.report is None:
        until = status.load_end_time + timedelta(seconds=plan.spec.measurement.settle_seconds)
        if now < until:
            said = f"watching for scale-in until {until:%H:%M:%S} UTC"
            settling = Condition(REPORT_READY, "False", reasons.SETTLING, said)
            left = (until - now).total_seconds()
            return Decision(None, with_condition(status, settling, now), min(PROGRESS_SECONDS, left))
    if not seen.bundle_sealed:
        analyzing = Condition(REPORT_READY, "False", reasons.ANALYZING, "the bundle is being judged")
        return Decision(Action.JUDGE, with_condition(status, analyzing, now), SOON_SECONDS)
    cleaned = (now - (seen.cleaning_since or now)).total_seconds()
    if seen.leftovers and plan.spec.cleanup is CleanupPolicy.DELETE and cleaned < CLEAN_UP_SECONDS:
        return Decision(Action.CLEAN_UP, status, SOON_SECONDS)
    return Decision(None, conclude(plan, status, seen, now), SOON_SECONDS)
