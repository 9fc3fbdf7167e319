"""Passes bytes between the load generator and a server, keeps them, and reads them without any of our code.

A second reader of the very same bytes: `http.client` for the framing, `json` for each event. So what a record says
can be held against what was on the wire, to the chunk.
"""

from __future__ import annotations

import bisect
import contextlib
import http.client
import io
import json
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import Any

REQUEST_ID = re.compile(rb"\r\nx-request-id: [0-9a-f]{4}-(\d+)-", re.I)
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass
class Heard:
    """One answer as it was on the wire. `done`: `[DONE]` came; `given_up`: the client left before the server did."""

    status: int | None = None
    chunks: int = 0
    text: str = ""
    usage: dict[str, int] = field(default_factory=dict)
    finish_reason: str | None = None
    error: object = None
    done: bool = False
    given_up: bool = False
    first_text: bytes | None = None
    seconds_to_first_text: float | None = None

    def read(self, body: bytes) -> None:
        for event in body.split(b"\n\n"):
            payload = event.removeprefix(b"data: ")
            if payload == b"[DONE]":
                self.done = True
            elif event.startswith(b"data: "):
                self._read_event(json.loads(payload))
                if self.chunks and self.first_text is None:
                    self.first_text = payload

    def _read_event(self, event: dict[str, Any]) -> None:
        self.usage = event.get("usage") or self.usage
        self.error = event.get("error") or self.error
        for choice in event.get("choices", []):
            self.finish_reason = choice["finish_reason"] or self.finish_reason
            text = choice["delta"].get("content") if "delta" in choice else choice["text"]
            self.chunks += bool(text)
            self.text += text or ""


@dataclass
class Passed:
    """Bytes of one direction, and when each piece of them was read."""

    data: bytearray = field(default_factory=bytearray)
    ends: list[int] = field(default_factory=list)
    stamps: list[float] = field(default_factory=list)

    def keep(self, piece: bytes) -> None:
        self.stamps.append(time.monotonic())
        self.data += piece
        self.ends.append(len(self.data))

    def stamp(self, offset: int) -> float:
        """When the byte at this offset was read."""
        return self.stamps[bisect.bisect_right(self.ends, offset)]


@dataclass
class _Connection:
    """What went to and fro on one connection, and who left it first."""

    asked: Passed = field(default_factory=Passed)
    answered: Passed = field(default_factory=Passed)
    left_first: str | None = None

    def heard(self) -> dict[int, Heard]:
        """The answer to each request of this connection, in the order in which they were asked."""
        found, wire, begin = {}, _Kept(self.answered.data), 0
        for asked in REQUEST_ID.finditer(bytes(self.asked.data)):
            found[int(asked[1])] = heard = _next_answer(wire)
            heard.given_up = not heard.done and self.left_first == "client"
            if heard.first_text is not None:
                at = self.answered.stamp(self.answered.data.index(heard.first_text, begin))
                heard.seconds_to_first_text = at - self.asked.stamp(asked.start())
            begin = wire.tell()
        return found


class _Kept(io.BytesIO):
    """Bytes behind the face of a socket; the end of one answer does not close them."""

    def makefile(self, *_: object) -> _Kept:
        return self

    def close(self) -> None:
        return


class Relay:
    """Listens on loopback and passes everything on to a port."""

    def __init__(self, port: int) -> None:
        self._behind = port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._connections: list[_Connection] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *_: object) -> None:
        if self._listener.fileno() >= 0:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()

    def heard(self) -> dict[int, Heard]:
        """What was answered to each request, by the number in its `x-request-id`."""
        found: dict[int, Heard] = {}
        for connection in self._connections:
            found |= connection.heard()
        return found

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._behind))
            except OSError:
                # Nobody is behind it any more: from now on it refuses, as the server's own port does.
                self._listener.close()
                _reset(client)
                return
            connection = _Connection()
            self._connections.append(connection)
            for way in (("client", client, server), ("server", server, client)):
                threading.Thread(target=_pass_on, args=(connection, *way), daemon=True).start()


def _next_answer(wire: _Kept) -> Heard:
    answer, heard = http.client.HTTPResponse(wire), Heard()  # type: ignore[arg-type]
    try:
        answer.begin()
        heard.status = answer.status
        body = answer.read()
    except http.client.IncompleteRead as cut:
        body = cut.partial
    except (http.client.HTTPException, ConnectionError):
        body = b""
    if heard.status == 200:
        heard.read(body)
    return heard


def _pass_on(connection: _Connection, name: str, source: socket.socket, drain: socket.socket) -> None:
    """Ends as the source ended: by a FIN or by a reset. What comes after the other end has left is not kept."""
    kept = connection.asked if name == "client" else connection.answered
    while data := _read(source):
        if connection.left_first is not None:
            return
        kept.keep(data)
        try:
            drain.sendall(data)
        except OSError:
            # That end has left, which the other direction notes.
            return
    connection.left_first = connection.left_first or name
    if data is None:
        _reset(drain)
        return
    with contextlib.suppress(OSError):
        drain.shutdown(socket.SHUT_WR)


def _read(source: socket.socket) -> bytes | None:
    """Nothing at a FIN, None at a reset."""
    try:
        return source.recv(65536)
    except OSError:
        return None


def _reset(sock: socket.socket) -> None:
    """The kernel resets nothing while another thread still reads: the shutdown wakes that one."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        sock.shutdown(socket.SHUT_RD)
    except OSError:
        # The other direction was first, or the other end is gone.
        return
    finally:
        sock.close()
