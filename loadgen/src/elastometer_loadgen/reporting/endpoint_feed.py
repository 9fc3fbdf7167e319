"""The addresses of a server's Pods, long-polled from the operator's receiver, which answers at each change."""

import asyncio
from collections.abc import Callable

from elastometer_loadgen.base.notes import note
from elastometer_loadgen.reporting.receiver_client import Receiver, ReceiverError
from elastometer_loadgen.wire.endpoints import LOOK_SECONDS, Address, parse_endpoints

# How long a receiver may hold back an answer that would say nothing new; its calls are cut after 30 s.
HELD_BACK_SECONDS = 20
RETRY_SECONDS = 1.0


class EndpointFeed:
    """Those that a receiver tells of; none before the first `refresh`."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._tag: str | None = None
        self.addresses: tuple[Address, ...] = ()

    async def refresh(self, held_back_seconds: int = 0) -> bool:
        """Asks once; True when there are other addresses than before. Raises ReceiverError."""
        before = self.addresses
        answer = await self._receiver.endpoints(self._tag, held_back_seconds)
        if answer is not None:
            try:
                self.addresses = parse_endpoints(answer.text)
            except ValueError as error:
                raise ReceiverError(f"endpoints were answered with a list that is none: {error}") from error
            self._tag = answer.tag
        return self.addresses != before

    async def follow(self, tell: Callable[[tuple[Address, ...]], None]) -> None:
        """Tells of every change until cancelled."""
        failing = False
        while True:
            try:
                if await self.refresh(HELD_BACK_SECONDS):
                    tell(self.addresses)
                failing = False
                await asyncio.sleep(LOOK_SECONDS)  # whatever a receiver makes of the wish to be held back
            except ReceiverError as error:
                if not failing:
                    note(f"the endpoints stay as they were: {error}")
                failing = True
                await asyncio.sleep(RETRY_SECONDS)
