"""A connection of the load generator without a socket: what tests of its reading share."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from elastometer_loadgen.wire.connection import Connection, Result
from elastometer_loadgen.wire.exchange import Exchange


class Wire(asyncio.Transport):
    """A transport that leads nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def write(self, data: Any) -> None:
        """Nobody reads it."""

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close


@dataclass
class Ends:
    """Settles exchanges as a client does, and notes the results."""

    results: list[Result] = field(default_factory=list)

    def ended(self, _: Connection, exchange: Exchange, result: Result) -> None:
        assert exchange.settle(result.ending, result.at, result.error)
        self.results.append(result)

    def over(self, _: Exchange) -> None:
        """Nothing is awaited here: a test ends the connection."""

    def forget(self, connection: Connection) -> None:
        """There is no pool."""
