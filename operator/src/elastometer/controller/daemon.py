"""The turns of one test: take a snapshot, decide, publish, act. The only place where all of these meet."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any

from elastometer.controller.act import act
from elastometer.controller.decide import decide
from elastometer.controller.decision import Action
from elastometer.controller.ending import given_up, rejected
from elastometer.controller.loop import Announce, Publisher, Stopped, announce_news, carry_out, idle, parsed
from elastometer.controller.orphans import names_of
from elastometer.controller.session import Context, Session
from elastometer.model import reasons
from elastometer.model.errors import SpecError, WorldError
from elastometer.model.names import Names
from elastometer.model.spec import CleanupPolicy
from elastometer.model.status import ACCEPTED, SUCCEEDED, Condition, Status, status_from, to_json, with_condition
from elastometer.plan import TestPlan
from elastometer.twin.accepted import accepted_test
from elastometer.world.cluster import Refused

log = logging.getLogger(__name__)


async def run_test(context: Context, body: Mapping[str, Any], stopped: Stopped, announce: Announce) -> None:
    """Carries out a test, then waits until it is deleted or the operator stops."""
    status = status_from(body.get("status", {}))
    try:
        spec = parsed(accepted_test, body, "test")
    except SpecError as error:
        await _reject(context, names_of(body["metadata"]), status, error, announce)
    else:
        session = Session(context, TestPlan(spec, context.environment))
        try:
            await carry_out(_Turns(session, status, announce), stopped)
        finally:
            await session.close()
    await idle(stopped)


class _Turns:
    """Turn after turn: snapshot, decide, publish, act. Holds what one turn leaves to the next."""

    def __init__(self, session: Session, status: Status, announce: Announce) -> None:
        self.session, self.status, self.opened = session, status, False
        self._announce = announce
        self._publisher = Publisher(lambda wanted: session.context.cluster.patch_status(session.plan.names, wanted))
        self._action: Action | None = None

    @property
    def over(self) -> bool:
        """Whether the run has ended. A session is opened even then: its bundle is still to be served."""
        return self.status.finished and self.opened

    @property
    def changed(self) -> asyncio.Event | None:
        """Set when an object of the run has changed."""
        return None if self.session.recorder is None else self.session.recorder.changed

    def fields(self, **facts: Any) -> dict[str, Any]:
        """The `extra` of a log record about the test."""
        return self.session.fields(**facts)

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
        await self._publisher.publish(to_json(status))
        announce_news(self.status.conditions, status.conditions, status.failure, self._announce, self.session.fields)
        self.status = status

    async def give_up(self, error: Exception) -> None:
        """Ends a test that the operator cannot carry out, and deletes what it created as far as possible."""
        session = self.session
        ended = given_up(self.status, "test", error, session.context.clock.now())
        await session.context.cluster.patch_status(session.plan.names, to_json(ended))
        self._announce("Warning", reasons.OPERATOR_FAILED, ended.conditions[SUCCEEDED].message)
        if session.plan.spec.cleanup is CleanupPolicy.DELETE:
            with contextlib.suppress(WorldError):
                await act(session, Action.CLEAN_UP)


async def _reject(context: Context, names: Names, status: Status, error: SpecError, announce: Announce) -> None:
    """Ends a test whose spec cannot be carried out, with the reason. Nothing was created."""
    if status.finished:
        return
    ended = rejected(status, error, context.clock.now())
    await context.cluster.patch_status(names, to_json(ended))
    announce("Warning", reasons.SPEC_INVALID, ended.conditions[ACCEPTED].message)
