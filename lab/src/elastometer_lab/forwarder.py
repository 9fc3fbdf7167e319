"""Forwards a port on the host's loopback interface to the API server inside the lab's network namespace.

A socket belongs to the network namespace in which it was made. So the listening socket is made on the host; then the
process enters the lab's namespace, and every connection it opens starts there. One event loop carries any number of
long watches.
"""
from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import socket
import sys
from pathlib import Path

CLONE_NEWNET = 0x40000000
"""Of linux/sched.h: the kind of namespace that setns(2) enters."""
CHUNK_BYTES = 65536
BACKLOG = 1024


def listen(port: int) -> socket.socket:
    """A listening socket on the host's loopback interface."""
    listener = socket.create_server(("127.0.0.1", port), backlog=BACKLOG, reuse_port=False)
    listener.setblocking(False)
    return listener


def move_into(namespace: Path) -> None:
    """Enter a network namespace. setns(2) moves the calling thread, and this process has no other."""
    libc = ctypes.CDLL(None, use_errno=True)
    with namespace.open("rb") as handle:
        if libc.setns(handle.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end of the stream, and pass the end on, so that half-closed streams stay half-closed."""
    with contextlib.suppress(ConnectionError, OSError):
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


def disable_delay(writer: asyncio.StreamWriter) -> None:
    """Set TCP_NODELAY: frames of HTTP/2 are small, and waiting to fill a segment would add 40 ms to each."""
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: tuple[str, int]) -> None:
    """Carry one connection in both directions; it is closed at once when the target is down."""
    try:
        inner_reader, inner_writer = await asyncio.open_connection(*target)
    except OSError:
        writer.close()
        return
    disable_delay(writer)
    disable_delay(inner_writer)
    try:
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))
    finally:
        for side in (writer, inner_writer):
            side.close()


async def serve(listener: socket.socket, target: tuple[str, int]) -> None:
    """Serve until a signal ends the process."""
    # The event loop has weak references to tasks only: without this set a connection could vanish in mid-stream.
    # https://docs.python.org/3/library/asyncio-task.html#asyncio.create_task
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(forward(reader, writer, target))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, sock=listener, backlog=BACKLOG)
    async with server:
        await server.serve_forever()


def main() -> int:
    """Listen first, so that a port that is taken is reported before anything else."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="port on the host's loopback interface")
    parser.add_argument("--namespace", type=Path, required=True, help="file of the network namespace to enter")
    parser.add_argument("--target-port", type=int, required=True, help="port of the API server in the namespace")
    options = parser.parse_args()
    try:
        listener = listen(options.port)
    except OSError as error:
        print(f"port {options.port} of the host is in use ({error}): choose another with `up --port`", flush=True)
        return 1
    move_into(options.namespace)
    asyncio.run(serve(listener, ("127.0.0.1", options.target_port)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
