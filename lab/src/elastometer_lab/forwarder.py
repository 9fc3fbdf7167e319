"""Joins a port on the host's loopback to the API server inside the lab's network namespace.

Sockets belong to the namespace in which they were made: the listening one is made on the host, then the process
moves inside and every connection it makes starts there. One event loop carries any number of long watches.
"""
from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import socket
import sys
from pathlib import Path

CHUNK_BYTES = 65536
BACKLOG = 1024


def listen(port: int) -> socket.socket:
    """A listening socket on the host's loopback."""
    listener = socket.create_server(("127.0.0.1", port), backlog=BACKLOG, reuse_port=False)
    listener.setblocking(False)
    return listener


def move_into(namespace: Path) -> None:
    """The whole process (it has one thread) enters the network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with namespace.open("rb") as handle:
        if libc.setns(handle.fileno(), 0x40000000):
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copies until the end and hands the end on, so that half-closed streams stay half-closed."""
    with contextlib.suppress(ConnectionError, OSError):
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


def without_delay(writer: asyncio.StreamWriter) -> None:
    """Frames of HTTP/2 are small; waiting to fill a segment would add 40 ms to each."""
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: tuple[str, int]) -> None:
    """One connection, both ways; a target that is down closes it at once."""
    try:
        inner_reader, inner_writer = await asyncio.open_connection(*target)
    except OSError:
        writer.close()
        return
    without_delay(writer)
    without_delay(inner_writer)
    try:
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))
    finally:
        for each in (writer, inner_writer):
            each.close()


async def serve(listener: socket.socket, target: tuple[str, int]) -> None:
    """Runs until it is ended by a signal."""
    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> asyncio.Task[None]:
        return asyncio.ensure_future(forward(reader, writer, target))

    tasks: set[asyncio.Task[None]] = set()

    def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = accept(reader, writer)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(keep, sock=listener, backlog=BACKLOG)
    async with server:
        await server.serve_forever()


def main() -> int:
    """Listens first, so that a taken port is told before anything else."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--namespace", type=Path, required=True)
    parser.add_argument("--target-port", type=int, required=True)
    options = parser.parse_args()
    try:
        listener = listen(options.port)
    except OSError as error:
        print(f"port {options.port} of the host cannot be had ({error}): choose another with `up --port`", flush=True)
        return 1
    move_into(options.namespace)
    asyncio.run(serve(listener, ("127.0.0.1", options.target_port)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
