"""What the daemons of tests and of studies have in common: turn after turn, publishing what changed, waiting."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

from elastometer.model.errors import SpecError, WorldError
from elastometer.model.status import Condition
from elastometer.world.cluster import Refused

Json = dict[str, Any]
T = TypeVar("T")
RETRY_SECONDS = 3.0
MAX_FAILURES = 5  # in a row; a bug does not pass by itself
# Watch lines come in bursts, e.g. a Pod, its Deployment and its HPA: one turn serves a burst.
DEBOUNCE_SECONDS = 0.2
# Type, reason and message of an event.
Announce = Callable[[str, str, str], None]
Stopped = Callable[[float], Awaitable[bool]]
log = logging.getLogger(__name__)


class Turns(Protocol):
    """One object that is carried out. `changed` is set by its watches; None where nothing is watched."""

    @property
    def over(self) -> bool:
        """Whether nothing is left to do."""

    @property
    def changed(self) -> asyncio.Event | None:
        """Set when something that was watched has changed."""

    def fields(self, **facts: Any) -> Json:
        """The `extra` of a log record about the object."""

    async def take(self) -> float:
        """One turn; seconds until the next at the latest."""

    async def give_up(self, error: Exception) -> None:
        """Ends the object that the operator cannot carry out."""


async def carry_out(turns: Turns, stopped: Stopped) -> None:
    """Turn after turn until the object is over. WorldError and Refused are retried; anything else is a bug of the
    operator, which is reported and ends the object when it persists."""
    failures = 0
    while not turns.over:
        wait = RETRY_SECONDS
        try:
            wait = await turns.take()
            failures = 0
        except (WorldError, Refused) as error:
            log.warning("the turn failed and will be repeated", extra=turns.fields(reason=str(error)))
        except Exception as error:
            failures += 1
            log.exception("the operator failed", extra=turns.fields(failures=failures))
            if failures >= MAX_FAILURES:
                await turns.give_up(error)
                return
        if await _wait(turns.changed, stopped, wait):
            return


async def _wait(changed: asyncio.Event | None, stopped: Stopped, seconds: float) -> bool:
    """Waits for a change of a watched object, at most `seconds`; True when the daemon has to stop."""
    if changed is None:
        return await stopped(seconds)
    woken = asyncio.create_task(changed.wait())
    ending = asyncio.ensure_future(stopped(seconds))
    try:
        await asyncio.wait({woken, ending}, return_when=asyncio.FIRST_COMPLETED)
        # The end counts more than a change: a deleted object must not begin another turn.
        if ending.done():
            return ending.result()
        changed.clear()
    finally:
        woken.cancel()
        ending.cancel()
    return await stopped(DEBOUNCE_SECONDS)


def parsed(parse: Callable[[Mapping[str, Any]], T], body: Mapping[str, Any], what: str) -> T:
    """The spec of an object as served. Raises SpecError with every flaw, also where its shape is not the schema's."""
    try:
        return parse(body)
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise SpecError(f"spec: must match the schema of the CRD, does not ({error!r}); apply the current CRD, and the "
                        f"{what} again") from error


async def idle(stopped: Stopped) -> None:
    """Nothing is left to do: waits until the daemon has to stop."""
    while not await stopped(3600.0):
        pass


class Publisher:
    """Patches a status when it differs from the last patch."""

    def __init__(self, patch: Callable[[Json], Awaitable[None]]) -> None:
        self._patch = patch
        self._published: Json | None = None

    async def publish(self, wanted: Json) -> None:
        """Patches the status, unless that was done already."""
        if wanted == self._published:
            return
        # A merge patch deletes a field only by an explicit null.
        absent = {key: None for key in self._published or {} if key not in wanted}
        await self._patch({**wanted, **absent})
        self._published = wanted


def news(before: Mapping[str, Condition], after: Mapping[str, Condition]) -> Iterator[Condition]:
    """Each condition whose reason changed."""
    for kind, condition in after.items():
        old = before.get(kind)
        if old is None or old.reason != condition.reason:
            yield condition


def announce_news(
    before: Mapping[str, Condition], after: Mapping[str, Condition], failure: str | None, announce: Announce,
    fields: Callable[..., Json],
) -> None:
    """An event and a line of the log for each condition whose reason changed."""
    for condition in news(before, after):
        bad = condition.status == "False" and failure is not None
        announce("Warning" if bad else "Normal", condition.reason, condition.message)
        log.info("condition changed", extra=fields(
            condition=condition.type, status=condition.status, reason=condition.reason, detail=condition.message))
