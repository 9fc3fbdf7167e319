"""When bytes reached a socket, by the kernel's timestamp (Linux), however late the program reads them."""

import socket
import struct
import time

# SO_TIMESTAMPNS of asm-generic/socket.h; Python has no name for it.
SO_TIMESTAMPNS = 35
TIMESPEC = struct.Struct("qq")
ROOM = socket.CMSG_SPACE(TIMESPEC.size)
# The kernel stamps with CLOCK_REALTIME; all other instants of the benchmark are CLOCK_MONOTONIC.
WALL_TO_MONOTONIC = time.monotonic() - time.time()


def stamp_reads(listener: socket.socket) -> None:
    """Ask for timestamps on every connection that the listener accepts from now on."""
    listener.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)


def receive(sock: socket.socket, size: int = 65536) -> tuple[bytes, float]:
    """Read bytes, and the instant at which they arrived in seconds of CLOCK_MONOTONIC. Raises OSError."""
    data, extra, _, _ = sock.recvmsg(size, ROOM)
    for _, kind, value in extra:
        if kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = TIMESPEC.unpack(value)
            return data, seconds + nanoseconds / 1e9 + WALL_TO_MONOTONIC
    return data, time.monotonic()
