"""Answers GET /metrics while the load runs: one small answer per connection, on the loop that sends the load."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

REQUEST_SECONDS = 5.0
MAX_HEAD_BYTES = 16 * 1024
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class ListenError(Exception):
    """The address cannot be listened on."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; without a host, on every address of this machine."""

    host: str | None
    port: int


def parse_address(text: str) -> Address:
    """PORT (this machine only), :PORT (all addresses) or HOST:PORT; raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not port.isdecimal() or not 0 <= int(port) <= 65_535:
        raise ValueError(f"must be PORT, :PORT or HOST:PORT with a port up to 65535; got {text!r}")
    return Address((host.strip("[]") or None) if colon else "127.0.0.1", int(port))


@asynccontextmanager
async def serving_metrics(address: Address | None, text: Callable[[], str]) -> AsyncIterator[int | None]:
    """Serves inside the context; its value is the port. Raises ListenError."""
    if address is None:
        yield None
        return

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_answer(head, text))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            # A client that sends nothing in time, sends too much or goes away gets no answer; the load continues.
            return
        finally:
            writer.close()

    try:
        server = await asyncio.start_server(answer, address.host, address.port, limit=MAX_HEAD_BYTES)
    except OSError as error:
        raise ListenError(f"--metrics must be a free address: {error}; nothing was sent") from error
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def _answer(head: bytes, text: Callable[[], str]) -> bytes:
    method, _, rest = head.partition(b" ")
    path = rest.partition(b" ")[0].partition(b"?")[0]
    if path != b"/metrics":
        return _response("404 Not Found", b"the only path is /metrics\n")
    if method not in (b"GET", b"HEAD"):
        return _response("405 Method Not Allowed", b"the only methods are GET and HEAD\n")
    return _response("200 OK", text().encode(), with_body=method == b"GET")


def _response(status: str, body: bytes, *, with_body: bool = True) -> bytes:
    kind = f"Content-Type: {CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\nConnection: close"
    return f"HTTP/1.1 {status}\r\n{kind}\r\n\r\n".encode() + (body if with_body else b"")
