"""The stand-in, with a stamp where each request reached its socket and one where its first token was handed over.

    python stamped_standin.py TRUTH.json ARGUMENTS OF THE STAND-IN...

Only its sockets differ: they are read with the kernel's stamps, and asyncio's loop writes at once what it is given,
so that the stamp of a write is the write's.
"""

import asyncio
import json
import socket
import sys
import time
from pathlib import Path

from kernel_stamps import receive, stamp_reads

import elastometer_standin.__main__ as standin

TEXT, NO_TEXT = b'"content":"', b'"content":""'
TTFT: list[float] = []
plain_bind = standin.bind


class StampedSocket(socket.socket):
    """A socket of the stand-in; one request at a time."""

    asked_at: float | None = None

    def accept(self) -> tuple[socket.socket, object]:
        descriptor, address = self._accept()  # type: ignore[attr-defined]
        sock = StampedSocket(self.family, self.type, self.proto, fileno=descriptor)
        sock.setblocking(False)
        return sock, address

    def recv(self, size: int, flags: int = 0) -> bytes:
        data, at = receive(self, size)
        if data.startswith(b"POST"):
            self.asked_at = at
        return data

    def send(self, data: bytes, flags: int = 0) -> int:  # type: ignore[override]
        if self.asked_at is not None and TEXT in data and NO_TEXT not in data:
            TTFT.append(time.monotonic() - self.asked_at)
            self.asked_at = None
        return super().send(data, flags)


def stamped_bind(settings: standin.Settings) -> socket.socket:
    sock = plain_bind(settings)
    stamp_reads(sock)
    return StampedSocket(sock.family, sock.type, sock.proto, fileno=sock.detach())


def main() -> int:
    truth = Path(sys.argv.pop(1))
    standin.bind = stamped_bind
    standin.uvloop = asyncio  # type: ignore[attr-defined]
    try:
        return standin.main()
    finally:
        truth.write_text(json.dumps({"ttft": TTFT}))


if __name__ == "__main__":
    sys.exit(main())
