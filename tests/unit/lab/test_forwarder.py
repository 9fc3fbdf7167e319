"""The forwarder carries many streams at once, keeps half-closed ones, and lets go of those without a target."""
from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from elastometer_lab.forwarder import listen, serve

CONNECTIONS = 200


@pytest.fixture
async def echo_port() -> AsyncIterator[int]:
    """A server that answers only once the other side has said all it had to say."""
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = await reader.read()
        writer.write(said.upper())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def forwarding_to(port: int) -> tuple[int, asyncio.Task[None]]:
    listener = listen(0)
    task = asyncio.create_task(serve(listener, ("127.0.0.1", port)))
    return listener.getsockname()[1], task


async def ask(port: int, text: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


async def test_many_half_closed_streams_get_their_own_answers(echo_port: int) -> None:
    port, task = await forwarding_to(echo_port)
    answers = await asyncio.gather(*(ask(port, f"watch {n}".encode()) for n in range(CONNECTIONS)))
    assert answers == [f"WATCH {n}".encode() for n in range(CONNECTIONS)]
    task.cancel()


async def test_a_large_answer_arrives_whole(echo_port: int) -> None:
    port, task = await forwarding_to(echo_port)
    assert await ask(port, b"x" * 3_000_000) == b"X" * 3_000_000
    task.cancel()


async def test_a_target_that_is_down_ends_the_connection_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        closed_port = unused.getsockname()[1]
    port, task = await forwarding_to(closed_port)
    async with asyncio.timeout(5):
        assert await ask(port, b"anyone there?") == b""
    task.cancel()
