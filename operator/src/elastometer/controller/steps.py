"""The steps of a run before its end: each says what still has to be done, or None when it is done. Pure."""

from __future__ import annotations

from datetime import datetime

from elastometer.controller import reasons
from elastometer.controller.decision import PROGRESS_SECONDS, SOON_SECONDS, Action, Decision
from elastometer.controller.ending import end_failed, terminal_trouble
from elastometer.model.snapshot import Snapshot
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


def accept(_: TestPlan, status: Status, seen: Snapshot, now: datetime) -> Decision | None:
    if seen.preflight is None and not status.is_true(ACCEPTED):
        return Decision(Action.PREFLIGHT, status, SOON_SECONDS)
    if seen.preflight is not None and seen.preflight.flaw is not None and not status.is_true(ACCEPTED):
        return Decision(None, end_failed(status, *seen.preflight.flaw, now), SOON_SECONDS)
    return None


def start_target(plan: TestPlan, status: Status, seen: Snapshot, now: datetime) -> Decision | None:
    if status.target_ready_time is not None:
        return None
    if not seen.target_exists:
        starting = Condition(TARGET_READY, "False", reasons.TARGET_STARTING, "the model server is being created")
        return Decision(Action.CREATE_TARGET, with_condition(status, starting, now), SOON_SECONDS)
    if seen.ready_replicas >= 1:
        return None
    began = status.conditions[TARGET_READY].since if TARGET_READY in status.conditions else now
    waited = (now - (began or now)).total_seconds()
    if (ended := terminal_trouble(plan, seen.trouble, waited)) is not None:
        return Decision(None, end_failed(status, TARGET_READY, *ended, now), SOON_SECONDS)
    because = f"; {seen.trouble[0]}: {seen.trouble[1]}" if seen.trouble else ""
    starting = Condition(
        TARGET_READY, "False", reasons.TARGET_STARTING, f"waiting for the first replica of {plan.names.server}{because}"
    )
    return Decision(None, with_condition(status, starting, now), PROGRESS_SECONDS)


def start_scaler(plan: TestPlan, status: Status, seen: Snapshot, now: datetime) -> Decision | None:
    if plan.spec.scaler.type is ScalerType.NONE or seen.job is not None or status.load_start_time is not None:
        return None
    if not seen.scaler_exists:
        awaited = Condition(METRICS_AVAILABLE, "Unknown", reasons.METRICS_AWAITED, "the autoscaler is being created")
        return Decision(Action.CREATE_SCALER, with_condition(status, awaited, now), SOON_SECONDS)
    if seen.scaler is not None and seen.scaler.active:
        return None
    since = status.conditions[METRICS_AVAILABLE].since if METRICS_AVAILABLE in status.conditions else now
    deadline = plan.spec.measurement.metrics_deadline_seconds
    said = f"{seen.scaler.reason}: {seen.scaler.message}" if seen.scaler and seen.scaler.reason else "it was silent"
    if (now - (since or now)).total_seconds() > deadline:
        return Decision(
            None,
            end_failed(
                status,
                METRICS_AVAILABLE,
                reasons.METRICS_MISSING,
                f"the autoscaler read no value of its metric within {deadline} s ({said}); check the metric's name and "
                "labels, and that its adapter serves it: kubectl get --raw /apis/custom.metrics.k8s.io/v1beta2",
                now,
            ),
            SOON_SECONDS,
        )
    awaited = Condition(
        METRICS_AVAILABLE, "Unknown", reasons.METRICS_AWAITED, f"waiting until the autoscaler reads its metric: {said}"
    )
    return Decision(None, with_condition(status, awaited, now), PROGRESS_SECONDS)


def start_load(plan: TestPlan, status: Status, seen: Snapshot, now: datetime) -> Decision | None:
    if seen.job is None and status.load_start_time is None:
        starting = Condition(LOAD_DELIVERED, "Unknown", reasons.LOAD_STARTING, "the load Job is being created")
        return Decision(Action.CREATE_LOAD, with_condition(status, starting, now), SOON_SECONDS)
    if seen.load_start is not None or seen.job is None:
        return None
    waited = (now - seen.job.since).total_seconds()
    said = f": {seen.job.trouble[0]}: {seen.job.trouble[1]}" if seen.job.trouble else ""
    if seen.job.failed or waited > LOAD_START_SECONDS:
        return Decision(
            None,
            end_failed(
                status,
                LOAD_DELIVERED,
                reasons.LOAD_NOT_STARTED,
                f"the workers of {plan.names.load} did not come up within {LOAD_START_SECONDS} s{said}; "
                f"see kubectl -n {plan.names.namespace} logs -l job-name={plan.names.load}",
                now,
            ),
            SOON_SECONDS,
        )
    starting = Condition(LOAD_DELIVERED, "Unknown", reasons.LOAD_STARTING, f"waiting for the load workers{said}")
    return Decision(None, with_condition(status, starting, now), PROGRESS_SECONDS)


def await_load(plan: TestPlan, status: Status, seen: Snapshot, now: datetime) -> Decision | None:
    start = status.load_start_time or now
    if seen.job is None or seen.job.failed:
        said = seen.job.message if seen.job else "it is gone"
        return Decision(
            None,
            end_failed(
                status,
                LOAD_DELIVERED,
                reasons.LOAD_JOB_FAILED,
                f"the load Job {plan.names.load} did not run to its end ({said}); what was recorded is in the bundle",
                now,
            ),
            SOON_SECONDS,
        )
    if seen.job.ended is not None:
        return None
    if (vanished := gone(plan, seen)) is not None:
        return Decision(None, end_failed(status, *vanished, now), SOON_SECONDS)
    if (now - start).total_seconds() > plan.load_deadline_seconds:
        return Decision(
            None,
            end_failed(
                status,
                LOAD_DELIVERED,
                reasons.LOAD_DEADLINE,
                f"the load did not end within {plan.load_deadline_seconds:g} s; see the logs of the Job "
                f"{plan.names.load}",
                now,
            ),
            SOON_SECONDS,
        )
    return Decision(None, with_condition(status, metrics_condition(plan, seen), now), PROGRESS_SECONDS)


def gone(plan: TestPlan, seen: Snapshot) -> tuple[str, str, str] | None:
    """(condition, reason, message) when what is under test was deleted by somebody: nothing can be said of it."""
    said = "was deleted while the load ran, and not by this operator; what was recorded until then is in the bundle"
    if not seen.target_exists:
        return TARGET_READY, reasons.TARGET_GONE, f"the Deployment {plan.names.server} {said}"
    if plan.spec.scaler.type is not ScalerType.NONE and not seen.scaler_exists:
        return METRICS_AVAILABLE, reasons.SCALER_GONE, f"the {plan.spec.scaler.type} {plan.names.server} {said}"
    return None


def metrics_condition(plan: TestPlan, seen: Snapshot) -> Condition:
    if plan.spec.scaler.type is ScalerType.NONE:
        return Condition(METRICS_AVAILABLE, "True", reasons.NO_AUTOSCALER, "the test has no autoscaler")
    if seen.scaler is None or seen.scaler.active is None:
        return Condition(METRICS_AVAILABLE, "Unknown", reasons.METRICS_AWAITED, "the autoscaler has said nothing")
    if seen.scaler.active:
        return Condition(METRICS_AVAILABLE, "True", reasons.METRICS_SEEN, seen.scaler.message)
    said = f"{seen.scaler.reason}: {seen.scaler.message}"
    return Condition(METRICS_AVAILABLE, "False", reasons.METRICS_MISSING, said)
