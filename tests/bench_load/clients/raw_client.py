"""The least a Python client can cost: uvloop and httptools; it counts events, times first tokens, records no more."""

import asyncio
import time

import httptools
from asking import PATH, Order, Seen, carry_out, spread

EVENT = b'"content":"'


class Connection(asyncio.Protocol):
    """One connection, used for one request at a time."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._parser = httptools.HttpResponseParser(self)
        self._ended: asyncio.Future[None] | None = None
        self._sent_at = 0.0
        self._read_at = 0.0
        self._is_first = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def ask(self, request: bytes, sent_at: float) -> "asyncio.Future[None]":
        """Send a request; the future is done when its answer has ended."""
        self._ended = asyncio.get_running_loop().create_future()
        self._sent_at, self._is_first = sent_at, True
        self._transport.write(request)  # type: ignore[attr-defined]
        return self._ended

    def data_received(self, data: bytes) -> None:
        self._read_at = time.monotonic()
        self._parser.feed_data(data)

    def on_body(self, data: bytes) -> None:
        self._seen.events += data.count(EVENT)
        if self._is_first:
            self._is_first = False
            self._seen.ttft.append(self._read_at - self._sent_at)

    def on_message_complete(self) -> None:
        if self._ended is not None:
            self._ended.set_result(None)


async def client(given: Order, seen: Seen) -> None:
    """Carries out the order, reusing connections that are idle."""
    loop = asyncio.get_running_loop()
    idle: list[Connection] = []
    head = f"POST {PATH} HTTP/1.1\r\nhost: {given.host}\r\ncontent-type: application/json\r\ncontent-length: "
    request = head.encode() + b"%d\r\n\r\n%b" % (len(given.body), given.body)

    async def ask() -> None:
        sent_at = time.monotonic()
        if idle:
            connection = idle.pop()
        else:
            _, connection = await loop.create_connection(lambda: Connection(seen), given.host, given.port)
        await connection.ask(request, sent_at)
        idle.append(connection)

    await spread(given, ask)


if __name__ == "__main__":
    carry_out(client)
