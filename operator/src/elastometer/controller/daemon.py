"""The loop of one test: look, decide, act, publish, wait. The only place where facts, decisions and hands meet."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from elastometer.controller import reasons
from elastometer.controller.act import act
from elastometer.controller.decide import decide
from elastometer.controller.decision import Decision
from elastometer.controller.ending import end_failed
from elastometer.controller.session import Context, Session
from elastometer.model.errors import SpecError, WorldError
from elastometer.model.names import Names
from elastometer.model.spec import TestSpec, parse
from elastometer.model.status import ACCEPTED, Status, status_from, to_json
from elastometer.plan import TestPlan
from elastometer.world.cluster import Refused

RETRY_SECONDS = 3.0
# Watch lines come in bursts; one look serves a burst.
DEBOUNCE_SECONDS = 0.2
log = logging.getLogger(__name__)
Announce = Callable[[str, str, str], None]
Stopped = Callable[[float], Awaitable[bool]]


async def run_test(context: Context, body: Mapping[str, Any], stopped: Stopped, announce: Announce) -> Session | None:
    """Carries a test to its end and stays until it is deleted or the operator stops. Returns its session, if any."""
    status = status_from(body.get("status", {}))
    meta = body["metadata"]
    names = Names(meta["namespace"], meta["name"], meta["uid"])
    try:
        spec = parse(body)
    except SpecError as error:
        await _reject(context, names, status, error, announce)
        await _idle(stopped)
        return None
    session = await _open(context, spec, stopped)
    if session is None:
        return None
    try:
        await _drive(session, status, stopped, announce)
    finally:
        await session.__aexit__()
    return session


async def _open(context: Context, spec: TestSpec, stopped: Stopped) -> Session | None:
    """The session, however long the API server is away; None when the operator stops first."""
    while True:
        session = Session(context, TestPlan(spec, context.environment))
        try:
            return await session.__aenter__()
        except (WorldError, Refused) as error:
            log.warning("cannot begin yet", extra={"test": spec.names.test, "reason": str(error)})
            await session.__aexit__()
        if await stopped(RETRY_SECONDS):
            return None


async def _drive(session: Session, status: Status, stopped: Stopped, announce: Announce) -> None:
    published: dict[str, Any] | None = None
    while True:
        wait = RETRY_SECONDS
        try:
            cleaning = session.store.sealed and not status.finished
            seen = await session.look(session.context.clock.now(), cleaning)
            decision = decide(session.plan, status, seen, session.context.clock.now())
            published = await _publish(session, status, decision, published, announce)
            status, wait = decision.status, decision.wake_after
            if decision.action is not None:
                await act(session, decision.action)
        except (WorldError, Refused) as error:
            log.warning("will be tried again", extra={"test": session.plan.names.test, "reason": str(error)})
        if status.finished:
            await _idle(stopped)
            return
        if await _wait(session, stopped, wait):
            return


async def _publish(
    session: Session, before: Status, decision: Decision, published: dict[str, Any] | None, announce: Announce
) -> dict[str, Any]:
    """Patches the status when it differs from what was patched last; announces what changed its reason."""
    wanted = to_json(decision.status)
    if wanted != published:
        absent = {key: None for key in published or {} if key not in wanted}
        await session.context.cluster.patch_status(session.plan.names, {**wanted, **absent})
    for kind, condition in decision.status.conditions.items():
        old = before.conditions.get(kind)
        if old is None or old.reason != condition.reason:
            bad = condition.status == "False" and decision.status.failure is not None
            announce("Warning" if bad else "Normal", condition.reason, condition.message)
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
