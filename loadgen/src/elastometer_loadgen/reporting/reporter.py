"""Sends a worker's files to the receiver while the run lasts, and the rest at its end, even if the receiver restarts.

These are the spool and, where the profile asks for fingerprint lines, the file of those.

The receiver's count of stored bytes is authoritative: this side always continues from it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import TypeVar

from elastometer_loadgen.base.clock import monotonic
from elastometer_loadgen.journal.growing_file import GrowingFile
from elastometer_loadgen.journal.spool import Spool
from elastometer_loadgen.reporting.endpoint_feed import EndpointFeed
from elastometer_loadgen.reporting.receiver_client import Greeting, ReceiverClient, ReceiverError

MAX_PIECE_BYTES = 512 * 1024
Result = TypeVar("Result")


class Kind(Enum):
    """What a file holds."""

    RECORDS = auto()
    FINGERPRINTS = auto()


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
        self._stored = {Kind.RECORDS: 0, Kind.FINGERPRINTS: 0}
        self._quiet = asyncio.Event()

    async def wait_for_start(self, workers: int) -> Greeting:
        """Says hello until the common start is known; raises GaveUp.

        A worker that needs the Pods' addresses says hello only once it has them.
        """
        if self._feed is not None:
            await self._retry(self._feed.refresh)
        while True:
            greeting = await self._retry(lambda: self._receiver.hello(workers))
            self._stored = {Kind.RECORDS: greeting.stored, Kind.FINGERPRINTS: greeting.stored_lines}
            if greeting.start is not None:
                return greeting
            await asyncio.sleep(self._patience.poll_seconds)

    async def follow(self, spool: Spool, lines: GrowingFile | None = None) -> None:
        """Sends what is added to the files until `stop_following`; failures only delay it."""
        failing, push_seconds = False, self._patience.push_seconds
        while not self._quiet.is_set():
            try:
                for kind, file in _files(spool, lines):
                    await self._push_once(kind, file)
                wait = 0.0 if any(self._is_behind(*one) for one in _files(spool, lines)) else push_seconds
                if failing:
                    self._note("the receiver accepts records again")
                failing = False
            except ReceiverError as error:
                if not failing:
                    self._note(f"records wait in the spool: {error}")
                failing = True
                wait = min(10 * push_seconds, self._patience.max_retry_seconds)
            await self._pause(wait)

    def stop_following(self) -> None:
        """Ends `follow` after the current piece."""
        self._quiet.set()

    async def finish(self, spool: Spool, summary: bytes, lines: GrowingFile | None = None) -> None:
        """Sends everything that is left, then the summary; raises GaveUp."""
        for kind, file in _files(spool, lines):
            while self._is_behind(kind, file):
                await self._retry(partial(self._push_once, kind, file))
        await self._retry(lambda: self._receiver.finish(summary))

    def _is_behind(self, kind: Kind, file: GrowingFile) -> bool:
        return self._stored[kind] < file.size

    async def _push_once(self, kind: Kind, file: GrowingFile) -> None:
        before = self._stored[kind]
        if before < file.size:
            piece = file.read(before, MAX_PIECE_BYTES)
            send = self._receiver.records if kind is Kind.RECORDS else self._receiver.fingerprints
            stored = await send(before, piece)
            if stored > file.size:
                raise ReceiverError(f"it holds {stored} bytes of this incarnation, but {file.path} has {file.size}")
            if stored == before:
                raise ReceiverError(f"it took none of the {len(piece)} bytes at offset {stored}")
            self._stored[kind] = stored

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


def _files(spool: Spool, lines: GrowingFile | None) -> tuple[tuple[Kind, GrowingFile], ...]:
    return ((Kind.RECORDS, spool),) if lines is None else ((Kind.RECORDS, spool), (Kind.FINGERPRINTS, lines))
