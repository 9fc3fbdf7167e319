"""What to do next: a pure function of plan, status, snapshot and time. Level-triggered: call it any number of times.

It reads facts, never the phase. Each step is one fact of a run's life, in the order of life.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from elastometer.controller import reasons
from elastometer.controller.decision import PROGRESS_SECONDS, SOON_SECONDS, Action, Decision
from elastometer.controller.ending import CLEAN_UP_SECONDS, conclude, end_failed, refused
from elastometer.controller.steps import (
    accept,
    await_load,
    metrics_condition,
    start_load,
    start_scaler,
    start_target,
)
from elastometer.model.snapshot import Snapshot
from elastometer.model.spec import CleanupPolicy
from elastometer.model.status import (
    ACCEPTED,
    LOAD_DELIVERED,
    REPORT_READY,
    SETTLING,
    SUCCEEDED,
    TARGET_READY,
    Condition,
    Status,
    with_condition,
)
from elastometer.plan import TestPlan

Step = Callable[[TestPlan, Status, Snapshot, datetime], Decision | None]
STEPS: tuple[Step, ...] = (accept, start_target, start_scaler, start_load, await_load)


def decide(plan: TestPlan, status: Status, seen: Snapshot, now: datetime) -> Decision:
    """The next step of a run."""
    if status.finished:
        return Decision(None, status, 3600.0)
    status = _begun(plan, status, seen, now)
    if status.failure is None and seen.generation != plan.spec.generation:
        status = end_failed(
            status,
            ACCEPTED,
            reasons.SPEC_CHANGED,
            "the spec was changed after the run had begun; delete this ElasticityTest and create another",
            now,
        )
    if status.failure is None and status.load_end_time is None and seen.refusal is not None:
        status = refused(status, seen.refusal, now)
    if status.failure is not None or status.load_end_time is not None:
        return _finish(plan, status, seen, now)
    for step in STEPS:
        decision = step(plan, status, seen, now)
        if decision is not None:
            if decision.status.failure is not None and decision.action is None:
                return _finish(plan, decision.status, seen, now)
            return decision
        status = _passed(step, plan, status, seen, now)
    return Decision(None, replace(status, load_end_time=now), SOON_SECONDS)


def _begun(plan: TestPlan, status: Status, seen: Snapshot, now: datetime) -> Status:
    status = replace(
        status,
        start_time=status.start_time or now,
        observed_generation=plan.spec.generation,
        progress=seen.progress or status.progress,
    )
    if SUCCEEDED not in status.conditions:
        status = with_condition(status, Condition(SUCCEEDED, "Unknown", reasons.RUNNING, "the run goes on"), now)
    return status


def _passed(step: Step, plan: TestPlan, status: Status, seen: Snapshot, now: datetime) -> Status:
    """The status after a step that has nothing left to do."""
    if step is accept:
        return with_condition(
            status,
            Condition(
                ACCEPTED,
                "True",
                reasons.ACCEPTED,
                "the spec was understood, the API server takes what is made of it, and Prometheus answers",
            ),
            now,
        )
    if step is start_target:
        status = replace(status, target_ready_time=status.target_ready_time or now)
        return with_condition(
            status,
            Condition(TARGET_READY, "True", reasons.TARGET_READY, f"{plan.names.server} has a Ready replica"),
            now,
        )
    if step is start_scaler:
        return with_condition(status, metrics_condition(plan, seen), now)
    if step is start_load:
        status = replace(status, load_start_time=status.load_start_time or seen.load_start)
        return with_condition(
            status,
            Condition(
                LOAD_DELIVERED,
                "Unknown",
                reasons.LOAD_RUNNING,
                f"{'at most ' * plan.spec.profile.is_open_ended}{plan.load_seconds:g} s of load began at "
                f"{seen.load_start:%H:%M:%S} UTC",
            ),
            now,
        )
    return with_condition(
        status,
        Condition(
            LOAD_DELIVERED, "True", reasons.LOAD_COMPLETED, "every worker ran its share and handed over its records"
        ),
        now,
    )


def _finish(plan: TestPlan, status: Status, seen: Snapshot, now: datetime) -> Decision:
    """After the load, or after a failure: settle, judge, clean up, end."""
    if status.failure is None and status.load_end_time is not None and seen.report is None:
        until = status.load_end_time + timedelta(seconds=plan.spec.measurement.settle_seconds)
        if now < until:
            settling = Condition(
                REPORT_READY, "False", SETTLING, f"watching for scale-in until {until:%H:%M:%S} UTC"
            )
            left = (until - now).total_seconds()
            return Decision(None, with_condition(status, settling, now), min(PROGRESS_SECONDS, left))
    if not seen.bundle_sealed:
        analyzing = Condition(REPORT_READY, "False", reasons.ANALYZING, "the bundle is being judged")
        return Decision(Action.JUDGE, with_condition(status, analyzing, now), SOON_SECONDS)
    cleaned = (now - (seen.cleaning_since or now)).total_seconds()
    if seen.leftovers and plan.spec.cleanup is CleanupPolicy.DELETE and cleaned < CLEAN_UP_SECONDS:
        return Decision(Action.CLEAN_UP, status, SOON_SECONDS)
    return Decision(None, conclude(plan, status, seen, now), SOON_SECONDS)
