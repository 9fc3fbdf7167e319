"""The loop of one test: look, decide, act, publish, wait. The only place where facts, decisions and hands meet."""

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
from elastometer.controller.ending import end_failed
from elastometer.controller.orphans import names_of
from elastometer.controller.session import Context, Session
from elastometer.model import reasons
from elastometer.model.errors import SpecError, WorldError
from elastometer.model.names import Names
from elastometer.model.spec import CleanupPolicy, TestSpec, parse
from elastometer.model.status import ACCEPTED, SUCCEEDED, Condition, Status, status_from, to_json, with_condition
from elastometer.plan import TestPlan
from elastometer.world.cluster import Refused

RETRY_SECONDS = 3.0
MAXIMUM_FAILURES = 5
# Watch lines come in bursts; one look serves a burst.
DEBOUNCE_SECONDS = 0.2
log = logging.getLogger(__name__)
Announce = Callable[[str, str, str], None]
Stopped = Callable[[float], Awaitable[bool]]


async def run_test(context: Context, body: Mapping[str, Any], stopped: Stopped, announce: Announce) -> None:
    """Carries a test to its end and stays until it is deleted or the operator stops."""
    status = status_from(body.get("status", {}))
    try:
        spec = _understood(body)
    except SpecError as error:
        await _reject(context, names_of(body["metadata"]), status, error, announce)
    else:
        session = Session(context, TestPlan(spec, context.environment))
        try:
            await _carried_out(session, status, stopped, announce)
        finally:
            await session.close()
    await _idle(stopped)


def _understood(body: Mapping[str, Any]) -> TestSpec:
    try:
        return parse(body)
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise SpecError(f"spec: must be of the shape that the schema gives, is not ({error!r})") from error


async def _carried_out(session: Session, status: Status, stopped: Stopped, announce: Announce) -> None:
    """Begins, goes on, ends. What fails without being the world's fault is a bug: told, and not tried for ever."""
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
            if failures >= MAXIMUM_FAILURES:
                await _give_up(session, turn.status, error, announce)
                return
        if await _wait(session, stopped, wait):
            return


class _Turn:
    """Look, decide, publish, act; what one turn leaves to the next."""

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
        seen = await session.look(now(), session.store.sealed and not self.status.finished)
        decision = decide(session.plan, self.status, seen, now())
        await self._publish(decision.status)
        if decision.action is not None:
            # Cleaning up, and whatever is refused, is repeated every second: only its first time is news.
            level = logging.INFO if decision.action is not self._action else logging.DEBUG
            log.log(level, "acting", extra=session.fields(action=decision.action.value))
            await act(session, decision.action)
        self._action = decision.action
        return decision.wake_after

    async def _open(self) -> None:
        """Opens the session; what keeps it from opening is told in the status, for as long as it does."""
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
    """The last word on a test that the operator cannot carry out; what it made is removed as far as that works."""
    now, said = session.context.clock.now(), f"the operator failed on this test ({error!r}); its log says where"
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
    """Patches the status when it differs from what was patched last; announces what changed its reason."""
    wanted = to_json(status)
    if wanted != published:
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
    """Waits for a change of the world, a deadline, or the end; True when the test must be let go."""
    if session.recorder is None:
        return await stopped(seconds)
    changed = session.recorder.changed
    woken = asyncio.create_task(changed.wait())
    ending = asyncio.ensure_future(stopped(seconds))
    try:
        await asyncio.wait({woken, ending}, return_when=asyncio.FIRST_COMPLETED)
        if ending.done():
            return ending.result()
        changed.clear()
    finally:
        woken.cancel()
        ending.cancel()
    return await stopped(DEBOUNCE_SECONDS)


async def _idle(stopped: Stopped) -> None:
    """Nothing left to do: stay until let go."""
    while not await stopped(3600.0):
        pass


async def _reject(context: Context, names: Names, status: Status, error: SpecError, announce: Announce) -> None:
    """The spec cannot be carried out: says why, and ends. Nothing was made."""
    if status.finished:
        return
    now = context.clock.now()
    message = "; ".join(error.flaws)
    status = end_failed(status, ACCEPTED, reasons.SPEC_INVALID, message, now)
    await context.cluster.patch_status(names, to_json(replace(status, completion_time=now, start_time=now)))
    announce("Warning", reasons.SPEC_INVALID, message)
