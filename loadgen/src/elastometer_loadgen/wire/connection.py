"""One HTTP/1.1 connection to the server under test: a protocol of its own on the event loop.

A general client costs several times the CPU per event and adds its own delay to every time to first token.
The read stamp is taken as the bytes reach the process.
"""

import asyncio
import re
from typing import NamedTuple, Protocol

import httptools

from elastometer_loadgen.base.clock import monotonic
from elastometer_loadgen.wire.answer import EVENT_AND_CHUNK_END
from elastometer_loadgen.wire.ending import Ending
from elastometer_loadgen.wire.exchange import Exchange
from elastometer_loadgen.wire.sse import EVENT_END

# What is read of an answer's headers: how it is to be read, and who gave it, under the names that servers have for it.
HEADERS = frozenset({b"content-type", b"keep-alive", b"x-elastometer-pod", b"x-inference-pod"})
KEEP_ALIVE = re.compile(rb"timeout=([0-9]{1,9})(?![0-9])")
LONGEST_HEADER_VALUE = 200
# Bytes in a row without any of a body: heads, trailers, chunk extensions. Proxies take at most 64 KB of headers.
LONGEST_HEAD = 256 * 1024


class Owner(Protocol):
    """Who hears what became of a connection."""

    def ended(self, connection: "Connection", exchange: Exchange, result: "Result") -> None:
        """The connection is through with its exchange."""

    def forget(self, connection: "Connection") -> None:
        """The connection is gone."""


class Result(NamedTuple):
    """How an exchange of bytes ended; `reusable` when another request may follow on the connection."""

    ending: Ending
    at: float
    error: str | None
    reusable: bool


class Connection(asyncio.Protocol):
    """One connection and the exchange that it carries, if any."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._read_at = 0.0
        self._head_bytes = 0
        self._answered = False
        self._keep_alive = False
        # The parser is through with a chunk and has seen nothing of the next one.
        self._between_chunks = False
        # What one read holds of the body; the parser fills it without a call of ours.
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append
        # How many of them there were when the answer was whole.
        self._whole = 0
        self.address: str | None = None
        self.opened_at = 0.0
        self.idle_since = 0.0
        # How long the server says that it keeps an idle connection, in seconds.
        self.server_patience: int | None = None
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self.opened_at = monotonic()
        peer = transport.get_extra_info("peername")
        self.address = f"{peer[0]}:{peer[1]}" if peer else None

    @property
    def is_open(self) -> bool:
        """False once either side has begun to close it."""
        return self._transport is not None and not self._transport.is_closing()

    def begin(self, exchange: Exchange, request: bytes) -> None:
        """Sends a request; the connection must be idle."""
        self._exchange = exchange
        exchange.address = self.address
        if self._transport is None or not self.is_open:
            self._end(Ending.LOST, monotonic(), "connection closed before the request was sent")
            return
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        now = self._read_at = monotonic()
        exchange = self._exchange
        if exchange is None:
            self.close()
            return
        if self._between_chunks and exchange.answer.take_chunk(data, now):
            exchange.last_body_at = now
            return
        if exchange.first_byte_at is None:
            exchange.first_byte_at = now
        error = None
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as fault:
            error = f"answer is not HTTP/1.1: {fault}"
        self._take_pieces(exchange, data, now)
        if exchange.answer.malformed is not None and not self._answered:
            self._end(Ending.MALFORMED, now)
        elif error is not None:
            self._go_wrong(error)
        elif self._answered:
            self._end(Ending.COMPLETE, now)
        elif exchange.last_body_at == now:
            self._head_bytes = 0
        else:
            self._head_bytes += len(data)
            if self._head_bytes > LONGEST_HEAD:
                self._go_wrong(f"answer has more than {LONGEST_HEAD} bytes of headers")

    def _take_pieces(self, exchange: Exchange, data: bytes, now: float) -> None:
        """Hands on what this read held of the answer's body."""
        pieces = self._pieces
        if not pieces:
            self._between_chunks = False
            return
        # Only a chunk's own end can follow an event's within the read, and nothing of the next chunk follows that.
        self._between_chunks = data.endswith(EVENT_AND_CHUNK_END) and pieces[-1].endswith(EVENT_END)
        whole = self._whole if self._answered else len(pieces)
        if whole:
            exchange.take_body(pieces[0] if whole == 1 else b"".join(pieces[:whole]), now)
        pieces.clear()

    def _go_wrong(self, error: str) -> None:
        """What follows a whole answer does not belong to it, and takes nothing from it."""
        self._keep_alive = False
        if self._answered:
            self._end(Ending.COMPLETE, self._read_at)
        else:
            self._end(Ending.MALFORMED, self._read_at, error)

    def on_message_begin(self) -> None:
        if self._answered:
            # One request, two answers: the second is nobody's, and there is no telling whose the next would be.
            self._keep_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        lower, exchange = name.lower(), self._exchange
        # Trailers, and whatever follows the answer, say nothing of it.
        if lower in HEADERS and exchange is not None and exchange.status is None:
            self._note(exchange, lower, value)

    def _note(self, exchange: Exchange, name: bytes, value: bytes) -> None:
        if name == b"content-type":
            exchange.content_type = value.decode("latin-1").lower()
        elif name == b"keep-alive":
            if patience := KEEP_ALIVE.search(value):
                self.server_patience = int(patience[1])
        elif exchange.pod is None:
            exchange.pod = value.decode("latin-1")[:LONGEST_HEADER_VALUE]

    def on_headers_complete(self) -> None:
        exchange, status = self._exchange, self._parser.get_status_code()
        if exchange is None or self._answered:
            return
        if status >= 200:
            exchange.status = status
        else:
            # An interim answer (100 Continue, 103 Early Hints) describes nothing of the real one, still to come.
            exchange.content_type = exchange.pod = None

    def on_message_complete(self) -> None:
        if self._answered:
            return
        # An interim answer completes too.
        self._answered = self._exchange is not None and self._exchange.status is not None
        self._whole = len(self._pieces)
        # Asked here, since the parser forgets the answer with the message.
        self._keep_alive = self._parser.should_keep_alive()

    def connection_lost(self, error: Exception | None) -> None:
        self._owner.forget(self)
        self._end(Ending.LOST, monotonic(), str(error) if error else "connection closed by the server")

    def close(self) -> None:
        """Closes an idle connection."""
        if self._transport is not None:
            self._transport.close()

    def abandon(self) -> None:
        """Lets go of the exchange in flight, which somebody else settles, and drops the connection."""
        self._exchange = None
        if self._transport is not None:
            self._transport.abort()

    def _end(self, ending: Ending, at: float, error: str | None = None) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is None:
            return
        reusable = ending is Ending.COMPLETE and self._keep_alive
        self._answered = self._between_chunks = False
        self._head_bytes = 0
        self.idle_since = at
        self._owner.ended(self, exchange, Result(ending, at, error, reusable))
