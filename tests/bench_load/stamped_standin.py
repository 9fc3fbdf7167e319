"""The stand-in with timestamps: one when each request reached its socket, one when its first token was handed over.

    python stamped_standin.py TRUTH.json ARGUMENTS OF THE STAND-IN...

Only its sockets differ: they are read with the kernel's timestamps. And it runs on asyncio's loop instead of uvloop's,
because that one calls our `send` at once when it is given data, so that the timestamp is that of the write.
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
    """A socket of the stand-in that handles one request at a time."""

    asked_at: float | None = None

    def accept(self) -> tuple[socket.socket, object]:
        """As socket.accept, which would make plain sockets."""
        descriptor, address = self._accept()  # type: ignore[attr-defined]
        sock = StampedSocket(self.family, self.type, self.proto, fileno=descriptor)
        sock.setblocking(False)
        return sock, address

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Read, and note when the request arrived."""
        data, at = receive(self, size)
        if data.startswith(b"POST"):
            self.asked_at = at
        return data

    def send(self, data: bytes, flags: int = 0) -> int:  # type: ignore[override]
        """Write, and note when the first text left; the role chunk before it has empty content and does not count."""
        if self.asked_at is not None and TEXT in data and NO_TEXT not in data:
            TTFT.append(time.monotonic() - self.asked_at)
            self.asked_at = None
        return super().send(data, flags)


def stamped_bind(settings: standin.Settings) -> socket.socket:
    """The stand-in's listening socket, as one that makes stamped sockets."""
    sock = plain_bind(settings)
    stamp_reads(sock)
    return StampedSocket(sock.family, sock.type, sock.proto, fileno=sock.detach())


def main() -> int:
    """Runs the stand-in, and writes what was recorded when it ends."""
    truth = Path(sys.argv.pop(1))
    standin.bind = stamped_bind
    standin.uvloop = asyncio  # type: ignore[attr-defined]
    try:
        return standin.main()
    finally:
        truth.write_text(json.dumps({"ttft": TTFT}))


if __name__ == "__main__":
    sys.exit(main())
