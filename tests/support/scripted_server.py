"""A server on loopback that says what a test scripts, and the load generator's own client in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson

from elastometer_loadgen.base.clock import Clock, monotonic
from elastometer_loadgen.base.record import RequestRecord
from elastometer_loadgen.base.target import parse_target
from elastometer_loadgen.plan.prompts import Prompt
from elastometer_loadgen.plan.schedule import Arrival
from elastometer_loadgen.profile.profile import ConnectionPolicy, ConnectionRule
from elastometer_loadgen.wire.client import Client, Limits, Route
from elastometer_loadgen.wire.exchange import Exchange

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-inference-pod: pod-1\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
END = b"0\r\n\r\n"
SHORT = Limits(total_seconds=0.08, idle_seconds=5.0)
LONG = Limits(total_seconds=5.0, idle_seconds=5.0)
REUSE = ConnectionRule(ConnectionPolicy.REUSE)


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def said(payload: bytes) -> bytes:
    """A chunk with one event."""
    return chunk(b"data: " + payload + b"\n\n")


def event(content: object = "", finish: str | None = None, **more: object) -> bytes:
    """A chunk with one event of a stream, as vLLM writes it."""
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
    return said(orjson.dumps({"choices": [choice], **more}))


def usage(prompt: int, completion: int) -> bytes:
    """A chunk with the counts of tokens."""
    counts = {"prompt_tokens": prompt, "completion_tokens": completion}
    return said(orjson.dumps({"choices": [], "usage": counts}))


DONE = said(b"[DONE]")
GOOD = HEAD + event() + event("a") + event("b") + event(finish="stop") + usage(4, 2) + DONE + END


@dataclass
class Server:
    """A scripted server; `script` runs once per request."""

    port: int = 0
    script: Script | None = None
    requests: int = 0
    connections: int = 0
    last_head: bytes = b""
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers the requests of one connection."""
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                self.last_head = head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
                await reader.readexactly(int(length.split(b":")[1]))
                self.requests += 1
                assert self.script is not None
                await self.script(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()


@asynccontextmanager
async def scripted_server() -> AsyncIterator[Server]:
    """A server without a script yet."""
    state = Server()
    running = await asyncio.start_server(state.handle, "127.0.0.1", 0)
    state.port = running.sockets[0].getsockname()[1]
    yield state
    running.close()
    for writer in state.writers:
        writer.close()


def says(*pieces: bytes | float, close: bool = False) -> Script:
    """Writes these bytes one after another; a number is a pause in seconds."""
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            if isinstance(piece, float):
                await asyncio.sleep(piece)
                continue
            writer.write(piece)
            await writer.drain()
        if close:
            writer.close()

    return script


def resets() -> Script:
    """Breaks the connection without an answer."""
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    return script


class Sender:
    """Sends requests one after another through one client."""

    def __init__(
        self, port: int, limits: Limits = LONG, rule: ConnectionRule = REUSE, *, retries: int = 0,
        keeps_text: bool = False,
    ) -> None:
        self.clock = Clock()
        self.ended: asyncio.Queue[Exchange] = asyncio.Queue()
        self.keeps_text = keeps_text
        self.text: str | None = None
        route = Route(parse_target(f"http://127.0.0.1:{port}"), "/v1/chat/completions", rule, retries=retries)
        self.client = Client(route, limits, self.ended.put_nowait)

    async def send(self) -> RequestRecord:
        """The record of one more request; `text` is its answer."""
        now = monotonic()
        prompt = Prompt("t", "00ff", b"{}", keeps_text=self.keeps_text)
        self.client.send(Exchange(Arrival(3, 0.0, "s"), prompt, now, now))
        async with asyncio.timeout(5):
            exchange = await self.ended.get()
        assert self.client.in_flight == 0
        self.text = exchange.answer.text
        return exchange.record(self.clock, 0)


async def outcome_of(server: Server, script: Script, limits: Limits = LONG) -> RequestRecord:
    """The record of one request to a server with this script."""
    server.script = script
    sender = Sender(server.port, limits)
    record = await sender.send()
    sender.client.close()
    return record
