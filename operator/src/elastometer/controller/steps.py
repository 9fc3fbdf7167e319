"""The steps of a run up to the end of its load. Pure.

A step returns a Decision while there is something to do or to wait for, and otherwise the Status that now holds.
Every step is asked again on every turn, so it recognizes from facts alone that it is done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from elastometer.controller.decision import PROGRESS_SECONDS, SOON_SECONDS, Action, Decision
from elastometer.controller.ending import end_failed
from elastometer.controller.outcome import terminal_trouble
from elastometer.controller.scaling import (
    conflict,
    fault,
    is_at_zero,
    may_begin,
    metrics_condition,
    reads_metric,
    rest_seconds,
    said_by,
)
from elastometer.model import reasons
from elastometer.model.snapshot import JobFact, Snapshot
from elastometer.model.spec import ScalerType
from elastometer.model.status import (
    ACCEPTED,
    LOAD_DELIVERED,
    METRICS_AVAILABLE,
    TARGET_READY,
    Condition,
    Status,
    with_condition,
)
from elastometer.plan import LOAD_START_SECONDS, TestPlan

Step = Callable[[TestPlan, Status, Snapshot, datetime], Decision | Status]


def accept(_: TestPlan, status: Status, seen: Snapshot, now: datetime) -> Decision | Status:
    """Checks everything that can be checked before anything is created."""
    # The result is kept in memory only; after a restart of the operator the condition stands for it. The checks are
    # not repeated then: a Prometheus that is briefly away must not end a run that is under way.
    if not status.is_true(ACCEPTED):
        if seen.preflight is None:
            return Decision(Action.PREFLIGHT, status, SOON_SECONDS)
        if seen.preflight.flaw is not None:
            return _failed(status, *seen.preflight.flaw, now)
    said = "the spec is valid, the API server accepts the objects that are made from it, and Prometheus answers"
    return with_condition(status, Condition(ACCEPTED, "True", reasons.ACCEPTED, said), now)


def start_target(plan: TestPlan, status: Status, seen: Snapshot, now: datetime) -> Decision | Status:
    """Creates the model server and waits for its first Ready replica, unless at rest it has none."""
    # Once it was Ready the step stays done: a replica that is lost under load is what the test measures.
    if status.target_ready_time is None and not seen.target_exists and not _has_load(status, seen):
        starting = Condition(TARGET_READY, "False", reasons.TARGET_STARTING, "the model server is being created")
        return Decision(Action.CREATE_TARGET, with_condition(status, starting, now), SOON_SECONDS)
    if is_at_zero(plan, seen):
        said = f"{plan.names.server} has no replica, because its autoscaler keeps none without load"
        return with_condition(status, Condition(TARGET_READY, "True", reasons.NO_REPLICAS_WANTED, said), now)
    if status.target_ready_time is None and seen.ready_replicas < 1:
        return _await_first_replica(plan, status, seen, now)
    status = replace(status, target_ready_time=status.target_ready_time or now)
    ready = Condition(TARGET_READY, "True", reasons.TARGET_READY, f"{plan.names.server} has a Ready replica")
    return with_condition(status, ready, now)


def _await_first_replica(plan: TestPlan, status: Status, seen: Snapshot, now: datetime) -> Decision | Status:
    """A target that the load has woken is not waited for: the load goes on meanwhile."""
    waking = _has_load(status, seen)
    waited = 0.0 if status.is_true(TARGET_READY) else _seconds_in(status, TARGET_READY, now)
    if (ended := terminal_trouble(plan, seen.trouble, waited)) is not None:
        return _failed(status, TARGET_READY, *ended, now)
    because = f"; {seen.trouble[0]}: {seen.trouble[1]}" if seen.trouble else ""
    said = f"waiting for the first replica of {plan.names.server}{because}"
    reason = reasons.TARGET_WAKING if waking else reasons.TARGET_STARTING
    status = with_condition(status, Condition(TARGET_READY, "False", reason, said), now)
    return status if waking else Decision(None, status, PROGRESS_SECONDS)


def _has_load(status: Status, seen: Snapshot) -> bool:
    return seen.job is not None or status.load_start_time is not None


def start_scaler(plan: TestPlan, status: Status, seen: Snapshot, now: datetime) -> Decision | Status:
    """Creates the autoscaler and waits until it works: load without that would measure nothing."""
    if _has_load(status, seen):
        return with_condition(status, metrics_condition(plan, seen), now)
    if (said := conflict(plan, seen)) is not None and seen.rivals:
        return _failed(status, METRICS_AVAILABLE, reasons.SCALER_CONFLICT, said, now)
    if plan.spec.scaler.type is ScalerType.NONE:
        return with_condition(status, metrics_condition(plan, seen), now)
    if not seen.scaler_exists:
        awaited = Condition(METRICS_AVAILABLE, "Unknown", reasons.METRICS_AWAITED, "the autoscaler is being created")
        return Decision(Action.CREATE_SCALER, with_condition(status, awaited, now), SOON_SECONDS)
    return _await_scaler(plan, status, seen, now)


def _await_scaler(plan: TestPlan, status: Status, seen: Snapshot, now: datetime) -> Decision | Status:
    waited = 0.0 if status.is_true(METRICS_AVAILABLE) else _seconds_in(status, METRICS_AVAILABLE, now)
    if may_begin(plan, seen, waited):
        return with_condition(status, metrics_condition(plan, seen), now)
    reads = reads_metric(seen)
    deadline = rest_seconds(plan) if reads else float(plan.spec.measurement.metrics_deadline_seconds)
    if waited > deadline:
        return _failed(status, METRICS_AVAILABLE, *fault(plan, seen, deadline), now)
    until = "has removed the replica that it does not need" if reads else "works, and reads its metric"
    waiting = f"waiting until the autoscaler {until}: {said_by(seen)}"
    awaited = Condition(METRICS_AVAILABLE, "Unknown", reasons.METRICS_AWAITED, waiting)
    return Decision(None, with_condition(status, awaited, now), PROGRESS_SECONDS)


def start_load(plan: TestPlan, status: Status, seen: Snapshot, now: datetime) -> Decision | Status:
    """Creates the load Job and waits until all workers are up and share a start instant."""
    # A start time in the status says that there was a Job; if it is missing now it was deleted, and is not made again.
    if seen.job is None and status.load_start_time is None:
        starting = Condition(LOAD_DELIVERED, "Unknown", reasons.LOAD_STARTING, "the load Job is being created")
        return Decision(Action.CREATE_LOAD, with_condition(status, starting, now), SOON_SECONDS)
    if seen.load_start is None and seen.job is not None:
        return _await_workers(plan, status, seen.job, now)
    status = replace(status, load_start_time=status.load_start_time or seen.load_start)
    most = "at most " if plan.spec.profile.is_open_ended else ""
    said = f"{most}{plan.load_seconds:g} s of load began at {status.load_start_time:%H:%M:%S} UTC"
    return with_condition(status, Condition(LOAD_DELIVERED, "Unknown", reasons.LOAD_RUNNING, said), now)


def _await_workers(plan: TestPlan, status: Status, job: JobFact, now: datetime) -> Decision:
    because = f": {job.trouble[0]}: {job.trouble[1]}" if job.trouble else ""
    if job.failed or (now - job.since).total_seconds() > LOAD_START_SECONDS:
        failed = (f"the workers of {plan.names.load} did not start within {LOAD_START_SECONDS} s{because}; see kubectl "
                  f"-n {plan.names.namespace} logs -l job-name={plan.names.load}")
        return _failed(status, LOAD_DELIVERED, reasons.LOAD_NOT_STARTED, failed, now)
    starting = Condition(LOAD_DELIVERED, "Unknown", reasons.LOAD_STARTING, f"waiting for the load workers{because}")
    return Decision(None, with_condition(status, starting, now), PROGRESS_SECONDS)


def await_load(plan: TestPlan, status: Status, seen: Snapshot, now: datetime) -> Decision | Status:
    """Waits for the end of the load, and ends the run where the load or what is under test is gone."""
    if seen.job is None or seen.job.failed:
        because = seen.job.message if seen.job else "it was deleted"
        failed = (f"the load Job {plan.names.load} did not finish ({because}); what was recorded until then is in the "
                  "bundle")
        return _failed(status, LOAD_DELIVERED, reasons.LOAD_JOB_FAILED, failed, now)
    if seen.job.ended is not None:
        said = "every worker ran its share of the load and handed over its records"
        return with_condition(status, Condition(LOAD_DELIVERED, "True", reasons.LOAD_COMPLETED, said), now)
    if (vanished := gone(plan, seen)) is not None:
        return _failed(status, *vanished, now)
    if (now - (status.load_start_time or now)).total_seconds() > plan.load_deadline_seconds:
        failed = (f"the load did not end within {plan.load_deadline_seconds:g} s; see the logs of the Job "
                  f"{plan.names.load}")
        return _failed(status, LOAD_DELIVERED, reasons.LOAD_DEADLINE, failed, now)
    return Decision(None, with_condition(status, metrics_condition(plan, seen), now), PROGRESS_SECONDS)


def gone(plan: TestPlan, seen: Snapshot) -> tuple[str, str, str] | None:
    """(condition, reason, message) when somebody deleted what is under test: its elasticity cannot be judged."""
    said = ("was deleted during the load, but not by this operator; what was recorded until then is in the bundle. Run "
            "the test again and leave its objects in place")
    if not seen.target_exists:
        return TARGET_READY, reasons.TARGET_GONE, f"the Deployment {plan.names.server} {said}"
    if plan.spec.scaler.type is not ScalerType.NONE and not seen.scaler_exists:
        return METRICS_AVAILABLE, reasons.SCALER_GONE, f"the {plan.spec.scaler.type} {plan.names.server} {said}"
    return None


def _failed(status: Status, kind: str, reason: str, message: str, now: datetime) -> Decision:
    """The run cannot continue; `decide` closes it in the same turn."""
    return Decision(None, end_failed(status, kind, reason, message, now), SOON_SECONDS)


def _seconds_in(status: Status, kind: str, now: datetime) -> float:
    """Seconds since a condition last changed its status; 0 before it was set. Survives a restart of the operator."""
    since = status.conditions[kind].since if kind in status.conditions else None
    return (now - (since or now)).total_seconds()


# The only list of steps. Each needs what the one before it leaves: no autoscaler without a target, no load before the
# autoscaler works.
STEPS: tuple[Step, ...] = (accept, start_target, start_scaler, start_load, await_load)
