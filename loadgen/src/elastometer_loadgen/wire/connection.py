"""One HTTP/1.1 connection to the server under test, as a protocol on the event loop.

A general-purpose client costs several times the CPU per event and adds its own delay to every time to first token
(docs/bench.md). The timestamp of a read is taken as soon as the bytes reach the process. Requests leave without delay:
uvloop and asyncio set TCP_NODELAY on every TCP connection, which turns Nagle's algorithm off.
"""

import asyncio
import re
from typing import NamedTuple, Protocol

import httptools

from elastometer_loadgen.base.clock import monotonic
from elastometer_loadgen.base.retries import RETRY_HEADERS
from elastometer_loadgen.wire.answer import EVENT_AND_CHUNK_END
from elastometer_loadgen.wire.ending import Ending
from elastometer_loadgen.wire.exchange import Exchange
from elastometer_loadgen.wire.sse import EVENT_END

# The headers that are read: how to read the answer, and which Pod gave it, under the names that servers use for that.
# Of an error also when to send the request again.
HEADERS = frozenset({
    b"content-type", b"content-encoding", b"keep-alive", b"x-elastometer-pod", b"x-inference-pod",
})
UNCOMPRESSED = frozenset({b"", b"identity"})
# Up to nine digits: a longer number is not a time, and costs time to parse.
KEEP_ALIVE = re.compile(rb"timeout=([0-9]{1,9})(?![0-9])")
MAX_HEADER_VALUE_CHARACTERS = 200
# Bytes in a row without any body: heads, trailers, chunk extensions. Proxies accept at most about 64 KB of headers.
MAX_HEAD_BYTES = 256 * 1024


class Owner(Protocol):
    """What a connection reports to."""

    def ended(self, connection: "Connection", exchange: Exchange, result: "Result") -> None:
        """The connection has finished its exchange."""

    def over(self, exchange: Exchange) -> None:
        """The answer is over by its own account, and its body has not ended yet; may be called again."""

    def forget(self, connection: "Connection") -> None:
        """The connection is gone."""


class Result(NamedTuple):
    """How an exchange of bytes ended; `reusable` when another request may follow on the connection."""

    ending: Ending
    at: float
    error: str | None
    reusable: bool


class Connection(asyncio.Protocol):
    """One connection and the exchange that it carries, if any.

    Its state is in these fields, plain ones for speed; `_end` clears `_exchange`, `_answered` and `_between_chunks`:

    | field             | is set                                      | meaning                                        |
    |-------------------|---------------------------------------------|------------------------------------------------|
    | `_exchange`       | from `begin` to `_end` or `abandon`         | busy; None: idle, so any byte is unexpected    |
    | `_answered`       | when the final response is complete         | what follows does not belong to it             |
    | `_answer_pieces`  | together with `_answered`                   | how many pieces of this read belong to it      |
    | `_keep_alive`     | together with `_answered`; unset by a fault | the connection may carry another request       |
    | `_between_chunks` | after each read                             | the next read may be one whole chunk           |
    """

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._read_at = 0.0
        self._head_bytes = 0
        self._answered = False
        self._keep_alive = False
        # The parser has finished a chunk and has seen nothing of the next one: only then may a read bypass it, or it
        # would lose its place in the middle of a size line.
        self._between_chunks = False
        # The body's pieces in one read. The parser calls `append` itself, which spares a Python call per piece.
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append
        self._answer_pieces = 0
        self.address: str | None = None
        self.opened_at = 0.0
        self.idle_since = 0.0
        # How long the server announces that it keeps an idle connection open, in seconds.
        self.server_idle_seconds: int | None = None
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
            # Bytes without a request, such as a 408 for an idle connection: nothing sent after them could be trusted.
            self.close()
            return
        exchange.received += len(data)
        # After the first token nearly every read ends here: one chunk with one event, known but for its text.
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
            self._fail(error)
        elif self._answered:
            self._end(Ending.COMPLETE, now)
        elif exchange.answer.over_at is not None:
            self._owner.over(exchange)
        elif exchange.last_body_at == now:
            self._head_bytes = 0
        else:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._fail(f"answer has more than {MAX_HEAD_BYTES} bytes of headers")

    def _take_pieces(self, exchange: Exchange, data: bytes, now: float) -> None:
        """Passes on the part of the answer's body that was in this read."""
        pieces = self._pieces
        if not pieces:
            self._between_chunks = False
            return
        # The body's last piece ends with an event, and the read with that event's chunk: nothing of the next chunk was
        # read yet.
        self._between_chunks = data.endswith(EVENT_AND_CHUNK_END) and pieces[-1].endswith(EVENT_END)
        whole = self._answer_pieces if self._answered else len(pieces)
        if whole:
            exchange.take_body(pieces[0] if whole == 1 else b"".join(pieces[:whole]), now)
        pieces.clear()

    def _fail(self, error: str) -> None:
        """Ends the exchange on a protocol error; one after the complete answer does not change that answer."""
        self._keep_alive = False
        if self._answered:
            self._end(Ending.COMPLETE, self._read_at)
        else:
            self._end(Ending.MALFORMED, self._read_at, error)

    def on_message_begin(self) -> None:
        if self._answered:
            # A second answer to one request: it belongs to none, and the next one could not be trusted either.
            self._keep_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        lower, exchange = name.lower(), self._exchange
        # Trailers, and anything after the answer, do not describe it.
        if exchange is None or exchange.status is not None:
            return
        if lower in HEADERS:
            self._note(exchange, lower, value)
        elif lower in RETRY_HEADERS and self._parser.get_status_code() >= 400:
            exchange.retry_headers = {**exchange.retry_headers, lower: value}

    def _note(self, exchange: Exchange, name: bytes, value: bytes) -> None:
        if name == b"content-type":
            exchange.content_type = value.decode("latin-1").lower()
        elif name == b"content-encoding":
            if value.strip().lower() not in UNCOMPRESSED:
                exchange.encoding = value.decode("latin-1")[:MAX_HEADER_VALUE_CHARACTERS]
        elif name == b"keep-alive":
            if patience := KEEP_ALIVE.search(value):
                self.server_idle_seconds = int(patience[1])
        elif exchange.pod is None:
            exchange.pod = value.decode("latin-1")[:MAX_HEADER_VALUE_CHARACTERS]

    def on_headers_complete(self) -> None:
        exchange, status = self._exchange, self._parser.get_status_code()
        if exchange is None or self._answered:
            return
        if status >= 200:
            exchange.status = status
        else:
            # The headers of an interim response (100 Continue, 103 Early Hints) do not describe the final one:
            # https://www.rfc-editor.org/rfc/rfc9110#section-15.2
            exchange.content_type = exchange.encoding = exchange.pod = None

    def on_message_complete(self) -> None:
        if self._answered:
            return
        # An interim response completes too, without a status here.
        self._answered = self._exchange is not None and self._exchange.status is not None
        self._answer_pieces = len(self._pieces)
        # Read here, since the parser resets it with the next message.
        self._keep_alive = self._parser.should_keep_alive()

    def connection_lost(self, error: Exception | None) -> None:
        self._owner.forget(self)
        self._end(Ending.LOST, monotonic(), str(error) if error else "connection closed by the server")

    def close(self) -> None:
        """Closes an idle connection."""
        if self._transport is not None:
            self._transport.close()

    def abandon(self) -> None:
        """Gives up the exchange in flight, which the caller settles, and drops the connection."""
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
