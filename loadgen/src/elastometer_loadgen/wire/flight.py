"""What the client holds for one exchange in flight besides the exchange itself."""

import asyncio
from dataclasses import dataclass

from elastometer_loadgen.wire.connection import Connection
from elastometer_loadgen.wire.pool import Backend


@dataclass(slots=True)
class Flight:
    """`tick` is when its time-out is checked, `timer` ends what is waited for otherwise: a pause, an open body."""

    tick: int = 0
    timer: asyncio.TimerHandle | None = None
    opening: asyncio.Task[None] | None = None
    connection: Connection | None = None
    backend: Backend | None = None

    def drop(self) -> None:
        """Gives up the exchange and closes its connection."""
        if self.timer is not None:
            self.timer.cancel()
        if self.connection is not None:
            self.connection.abandon()
        elif self.opening is not None:
            self.opening.cancel()
