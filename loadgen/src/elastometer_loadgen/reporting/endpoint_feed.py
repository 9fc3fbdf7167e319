"""The addresses of a server's Pods, long-polled from the operator's receiver, which answers at each change."""

import asyncio
from collections.abc import Callable

from elastometer_loadgen.base.notes import note
from elastometer_loadgen.reporting.receiver_client import ReceiverClient, ReceiverError
from elastometer_loadgen.wire.endpoints import POLL_SECONDS, Address, parse_endpoints

# How long the receiver may wait with an answer that has nothing new (a long poll); calls time out after 30 s.
WAIT_SECONDS = 20
RETRY_SECONDS = 1.0


class EndpointFeed:
    """The addresses that the receiver gives; none before the first `refresh`."""

    def __init__(self, receiver: ReceiverClient) -> None:
        self._receiver = receiver
        self._tag: str | None = None
        self.addresses: tuple[Address, ...] = ()

    async def refresh(self, wait_seconds: int = 0) -> bool:
        """Asks once; True when the addresses are others than before. Raises ReceiverError."""
        before = self.addresses
        answer = await self._receiver.endpoints(self._tag, wait_seconds)
        if answer is not None:
            try:
                self.addresses = parse_endpoints(answer.text)
            except ValueError as error:
                raise ReceiverError(f"the answer to endpoints is not a valid list: {error}") from error
            self._tag = answer.tag
        return self.addresses != before

    async def follow(self, on_change: Callable[[tuple[Address, ...]], None]) -> None:
        """Calls `on_change` after every change, until cancelled."""
        failing = False
        while True:
            try:
                if await self.refresh(WAIT_SECONDS):
                    on_change(self.addresses)
                failing = False
                await asyncio.sleep(POLL_SECONDS)  # for a receiver that ignores `Prefer: wait` and answers at once
            except ReceiverError as error:
                if not failing:
                    note(f"the endpoints stay as they were: {error}")
                failing = True
                await asyncio.sleep(RETRY_SECONDS)
