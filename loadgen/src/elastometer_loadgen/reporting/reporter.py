"""Sends the spool to the receiver while the run lasts, and the rest at its end, even if the receiver restarts.

The receiver's count of stored bytes is authoritative: this side always continues from it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from elastometer_loadgen.base.clock import monotonic
from elastometer_loadgen.journal.spool import Spool
from elastometer_loadgen.reporting.endpoint_feed import EndpointFeed
from elastometer_loadgen.reporting.receiver_client import Greeting, ReceiverClient, ReceiverError

MAX_PIECE_BYTES = 512 * 1024
Result = TypeVar("Result")


class GaveUp(Exception):
    """The receiver could not be used for too long."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds between calls and between retries, and how long to retry without success."""

    poll_seconds: float = 0.3
    push_seconds: float = 0.5
    first_retry_seconds: float = 0.3
    max_retry_seconds: float = 10.0
    give_up_seconds: float = 900.0


class Reporter:
    """One worker's reporting to the receiver."""

    def __init__(
        self,
        receiver: ReceiverClient,
        patience: Patience,
        note: Callable[[str], None],
        feed: EndpointFeed | None = None,
    ) -> None:
        self._receiver = receiver
        self._feed = feed
        self._patience = patience
        self._note = note
        self._stored = 0
        self._quiet = asyncio.Event()

    async def wait_for_start(self, workers: int) -> Greeting:
        """Says hello until the common start is known; raises GaveUp.

        A worker that needs the Pods' addresses says hello only once it has them.
        """
        if self._feed is not None:
            await self._retry(self._feed.refresh)
        while True:
            greeting = await self._retry(lambda: self._receiver.hello(workers))
            self._stored = greeting.stored
            if greeting.start is not None:
                return greeting
            await asyncio.sleep(self._patience.poll_seconds)

    async def follow(self, spool: Spool) -> None:
        """Sends what is added to the spool until `stop_following`; failures only delay it."""
        failing = False
        while not self._quiet.is_set():
            try:
                await self._push_once(spool)
                wait = self._patience.push_seconds if self._stored >= spool.size else 0.0
                if failing:
                    self._note("the receiver accepts records again")
                failing = False
            except ReceiverError as error:
                if not failing:
                    self._note(f"records wait in the spool: {error}")
                failing = True
                wait = min(10 * self._patience.push_seconds, self._patience.max_retry_seconds)
            await self._pause(wait)

    def stop_following(self) -> None:
        """Ends `follow` after the current piece."""
        self._quiet.set()

    async def finish(self, spool: Spool, summary: bytes) -> None:
        """Sends everything that is left, then the summary; raises GaveUp."""
        while self._stored < spool.size:
            await self._retry(lambda: self._push_once(spool))
        await self._retry(lambda: self._receiver.finish(summary))

    async def _push_once(self, spool: Spool) -> None:
        if self._stored < spool.size:
            piece = spool.read(self._stored, MAX_PIECE_BYTES)
            stored = await self._receiver.records(self._stored, piece)
            if stored > spool.size:
                raise ReceiverError(f"it holds {stored} bytes of this incarnation, but the spool has {spool.size}")
            if stored == self._stored:
                raise ReceiverError(f"it took none of the {len(piece)} bytes at offset {stored}")
            self._stored = stored

    async def _retry(self, attempt: Callable[[], Awaitable[Result]]) -> Result:
        began = monotonic()
        wait = self._patience.first_retry_seconds
        while True:
            try:
                return await attempt()
            except ReceiverError as error:
                if monotonic() - began + wait > self._patience.give_up_seconds:
                    limit = self._patience.give_up_seconds
                    raise GaveUp(f"the receiver could not be used for {limit:g} s: {error}") from error
                self._note(f"trying again in {wait:.1f} s: {error}")
            await asyncio.sleep(wait)
            wait = min(2 * wait, self._patience.max_retry_seconds)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._quiet.wait()
        except TimeoutError:
            return
