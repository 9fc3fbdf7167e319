"""The turns of one study: take a snapshot, decide, publish, act. The only place where all of these meet."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from elastometer.controller.ending import given_up, rejected
from elastometer.controller.loop import Announce, Publisher, Stopped, announce_news, carry_out, idle, parsed
from elastometer.controller.orphans import study_names
from elastometer.controller.session import Context
from elastometer.controller.study.act import act_on_study
from elastometer.controller.study.decide import decide_study
from elastometer.controller.study.decision import StudyDecision
from elastometer.controller.study.session import StudySession
from elastometer.model import reasons
from elastometer.model.errors import SpecError, WorldError
from elastometer.model.status import ACCEPTED, SUCCEEDED, Condition, with_condition
from elastometer.model.study_document import RunState
from elastometer.model.study_names import StudyNames
from elastometer.model.study_status import StudyStatus, study_status_from, study_status_json
from elastometer.study.variants.accepted import accepted_study
from elastometer.world.cluster import Refused

# Type and reason of the event when a run ends. Those left out are announced once, by the condition RunsCompleted.
RUN_EVENTS = {
    RunState.JUDGED: ("Normal", reasons.RUN_JUDGED),
    RunState.NOT_CARRIED_OUT: ("Warning", reasons.RUN_NOT_CARRIED_OUT),
}
log = logging.getLogger(__name__)


async def run_study(
    context: Context, body: Mapping[str, Any], generation: Callable[[], int], stopped: Stopped, announce: Announce,
) -> None:
    """Carries out a study, then waits until it is deleted or the operator stops. `generation` is the present one."""
    status = study_status_from(body.get("status", {}))
    if not status.finished:
        try:
            study = parsed(accepted_study, body, "study")
        except SpecError as error:
            await _reject(context, study_names(body["metadata"]), status, error, announce)
        else:
            session = StudySession(context, study, generation)
            try:
                await carry_out(_Turns(session, status, announce), stopped)
            finally:
                await session.close()
    await idle(stopped)


class _Turns:
    """Turn after turn: snapshot, decide, publish, act. Holds what one turn leaves to the next."""

    def __init__(self, session: StudySession, status: StudyStatus, announce: Announce) -> None:
        self.session, self.status, self._opened = session, status, False
        self._announce = announce
        names, cluster = session.study.names, session.context.cluster
        self._publisher = Publisher(lambda wanted: cluster.patch_study_status(names, wanted))
        self._last: tuple[Any, str] | None = None

    @property
    def over(self) -> bool:
        """Whether the study has ended."""
        return self.status.finished

    @property
    def changed(self) -> asyncio.Event | None:
        """Set when one of its tests has changed."""
        return self.session.changed

    def fields(self, **facts: Any) -> dict[str, Any]:
        """The `extra` of a log record about the study."""
        return self.session.fields(**facts)

    async def take(self) -> float:
        """One turn; seconds until the next at the latest."""
        if not self._opened:
            await self._open()
        session, now = self.session, self.session.context.clock.now
        seen = await session.snapshot(self.status)
        decision = decide_study(session.study, self.status, seen, now())
        # Before the action: what was found or created is in the status before anything is made of it.
        await self._publish(decision.status)
        self._log(decision)
        await act_on_study(session, decision)
        return decision.wake_after

    def _log(self, decision: StudyDecision) -> None:
        """Whatever is refused is repeated: only its first time is news."""
        acting = (decision.action, decision.run)
        if decision.action is not None:
            log.log(logging.INFO if acting != self._last else logging.DEBUG, "acting",
                    extra=self.session.fields(action=decision.action.value, run=decision.run))
        self._last = acting

    async def _open(self) -> None:
        """Opens the session. While that fails, the status of a study that has not begun says why."""
        try:
            await self.session.open()
        except (WorldError, Refused) as error:
            if not self.status.is_true(ACCEPTED) and self.status.failure is None:
                waiting = Condition(ACCEPTED, "Unknown", reasons.NOT_BEGUN, str(error))
                await self._publish(with_condition(self.status, waiting, self.session.context.clock.now()))
            raise
        self._opened = True

    async def _publish(self, status: StudyStatus) -> None:
        await self._publisher.publish(study_status_json(status))
        announce_news(self.status.conditions, status.conditions, status.failure, self._announce, self.session.fields)
        before = {run.name: run.state for run in self.status.runs}
        for run in status.in_state(*RUN_EVENTS):
            if before.get(run.name) is not run.state:
                said = ": ".join(filter(None, (run.name, run.entry.verdict, run.entry.reason, run.entry.message)))
                self._announce(*RUN_EVENTS[run.state], said)
        self.status = status

    async def give_up(self, error: Exception) -> None:
        """Ends a study that the operator cannot carry out. Runs that are under way end by themselves."""
        session = self.session
        ended = given_up(self.status, "study", error, session.context.clock.now())
        await session.context.cluster.patch_study_status(session.study.names, study_status_json(ended))
        self._announce("Warning", reasons.OPERATOR_FAILED, ended.conditions[SUCCEEDED].message)


async def _reject(
    context: Context, names: StudyNames, status: StudyStatus, error: SpecError, announce: Announce,
) -> None:
    """Ends a study whose spec cannot be carried out, with the reason. Nothing was created."""
    ended = rejected(status, error, context.clock.now())
    await context.cluster.patch_study_status(names, study_status_json(ended))
    announce("Warning", reasons.SPEC_INVALID, ended.conditions[ACCEPTED].message)
