"""The loop of one test: take a snapshot, decide, publish, act, wait. The only place where all of these meet."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from elastometer.controller.act import act
from elastometer.controller.decide import decide
from elastometer.controller.decision import Action
from elastometer.controller.orphans import names_of
from elastometer.controller.outcome import end_failed
from elastometer.controller.session import Context, Session
from elastometer.model import reasons
from elastometer.model.errors import SpecError, WorldError
from elastometer.model.names import Names
from elastometer.model.spec import CleanupPolicy, TestSpec
from elastometer.model.status import ACCEPTED, SUCCEEDED, Condition, Status, status_from, to_json, with_condition
from elastometer.plan import TestPlan, accepted
from elastometer.world.cluster import Refused

RETRY_SECONDS = 3.0
MAX_FAILURES = 5  # in a row; a bug does not pass by itself
# Watch lines come in bursts, e.g. a Pod, its Deployment and its HPA: one turn serves a burst.
DEBOUNCE_SECONDS = 0.2
log = logging.getLogger(__name__)
Announce = Callable[[str, str, str], None]
Stopped = Callable[[float], Awaitable[bool]]


async def run_test(context: Context, body: Mapping[str, Any], stopped: Stopped, announce: Announce) -> None:
    """Carries out a test, then waits until it is deleted or the operator stops."""
    status = status_from(body.get("status", {}))
    try:
        spec = _parse(body)
    except SpecError as error:
        await _reject(context, names_of(body["metadata"]), status, error, announce)
    else:
        session = Session(context, TestPlan(spec, context.environment))
        try:
            await _carry_out(session, status, stopped, announce)
        finally:
            await session.close()
    await _idle(stopped)


def _parse(body: Mapping[str, Any]) -> TestSpec:
    try:
        return accepted(body)
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise SpecError(f"spec: must match the schema of the CRD, does not ({error!r}); apply the current CRD, and the "
                        "test again") from error


async def _carry_out(session: Session, status: Status, stopped: Stopped, announce: Announce) -> None:
    """Turn after turn until the run has ended. WorldError and Refused are retried; anything else is a bug of the
    operator, which is reported and ends the run when it persists."""
    failures = 0
    turn = _Turn(session, status, announce)
    while not turn.status.finished or not turn.opened:
        wait = RETRY_SECONDS
        try:
            wait = await turn.take()
            failures = 0
        except (WorldError, Refused) as error:
            log.warning("the turn failed and will be repeated", extra=session.fields(reason=str(error)))
        except Exception as error:
            failures += 1
            log.exception("the operator failed on this test", extra=session.fields(failures=failures))
            if failures >= MAX_FAILURES:
                await _give_up(session, turn.status, error, announce)
                return
        if await _wait(session, stopped, wait):
            return


class _Turn:
    """One turn: snapshot, decide, publish, act. Holds what one turn leaves to the next."""

    def __init__(self, session: Session, status: Status, announce: Announce) -> None:
        self.session, self.status, self.opened = session, status, False
        self._announce = announce
        self._published: dict[str, Any] | None = None
        self._action: Action | None = None

    async def take(self) -> float:
        """One turn; seconds until the next at the latest."""
        if not self.opened:
            await self._open()
        if self.status.finished:
            return 0.0
        session, now = self.session, self.session.context.clock.now
        seen = await session.snapshot(now(), session.store.sealed and not self.status.finished)
        decision = decide(session.plan, self.status, seen, now())
        # Before the action: while it lasts, and if it is killed or refused, the status says what is being done.
        await self._publish(decision.status)
        if decision.action is not None:
            # Cleaning up, and whatever is refused, is repeated every second: only its first time is news.
            level = logging.INFO if decision.action is not self._action else logging.DEBUG
            log.log(level, "acting", extra=session.fields(action=decision.action.value))
        self._action = decision.action
        if decision.action is not None:
            await act(session, decision.action)
        return decision.wake_after

    async def _open(self) -> None:
        """Opens the session. While that fails, the status of a run that has not begun says why."""
        try:
            await self.session.open(self.status)
        except (WorldError, Refused) as error:
            await self.session.stop_recording()
            if not self.status.conditions or self.status.conditions[ACCEPTED].reason == reasons.NOT_BEGUN:
                waiting = Condition(ACCEPTED, "Unknown", reasons.NOT_BEGUN, str(error))
                await self._publish(with_condition(self.status, waiting, self.session.context.clock.now()))
            raise
        self.opened = True

    async def _publish(self, status: Status) -> None:
        self._published = await _publish(self.session, self.status, status, self._published, self._announce)
        self.status = status


async def _give_up(session: Session, status: Status, error: Exception, announce: Announce) -> None:
    """Ends a test that the operator cannot carry out, and deletes what it created as far as possible."""
    now, said = session.context.clock.now(), f"the operator failed on this test ({error!r}); see the operator's log"
    status = end_failed(status, SUCCEEDED, reasons.OPERATOR_FAILED, said, now)
    ended = replace(status, completion_time=now, start_time=status.start_time or now)
    await session.context.cluster.patch_status(session.plan.names, to_json(ended))
    announce("Warning", reasons.OPERATOR_FAILED, said)
    if session.plan.spec.cleanup is CleanupPolicy.DELETE:
        with contextlib.suppress(WorldError):
            await act(session, Action.CLEAN_UP)


async def _publish(
    session: Session, before: Status, status: Status, published: dict[str, Any] | None, announce: Announce
) -> dict[str, Any]:
    """Patches the status when it differs from the last patch. Announces each condition whose reason changed."""
    wanted = to_json(status)
    if wanted != published:
        # A merge patch deletes a field only by an explicit null.
        absent = {key: None for key in published or {} if key not in wanted}
        await session.context.cluster.patch_status(session.plan.names, {**wanted, **absent})
    for kind, condition in status.conditions.items():
        old = before.conditions.get(kind)
        if old is None or old.reason != condition.reason:
            bad = condition.status == "False" and status.failure is not None
            announce("Warning" if bad else "Normal", condition.reason, condition.message)
            log.info("condition changed", extra=session.fields(
                condition=kind, status=condition.status, reason=condition.reason, detail=condition.message))
    return wanted


async def _wait(session: Session, stopped: Stopped, seconds: float) -> bool:
    """Waits for a change of a watched object, at most `seconds`; True when the daemon has to stop."""
    if session.recorder is None:
        return await stopped(seconds)
    changed = session.recorder.changed
    woken = asyncio.create_task(changed.wait())
    ending = asyncio.ensure_future(stopped(seconds))
    try:
        await asyncio.wait({woken, ending}, return_when=asyncio.FIRST_COMPLETED)
        # The end counts more than a change: a deleted test must not begin another turn.
        if ending.done():
            return ending.result()
        changed.clear()
    finally:
        woken.cancel()
        ending.cancel()
    return await stopped(DEBOUNCE_SECONDS)


async def _idle(stopped: Stopped) -> None:
    """Nothing is left to do: waits until the daemon has to stop."""
    while not await stopped(3600.0):
        pass


async def _reject(context: Context, names: Names, status: Status, error: SpecError, announce: Announce) -> None:
    """Ends a test whose spec cannot be carried out, with the reason. Nothing was created."""
    if status.finished:
        return
    now = context.clock.now()
    message = "; ".join(error.flaws)
    status = end_failed(status, ACCEPTED, reasons.SPEC_INVALID, message, now)
    await context.cluster.patch_status(names, to_json(replace(status, completion_time=now, start_time=now)))
    announce("Warning", reasons.SPEC_INVALID, message)
