"""HTTP/1.1 on one socket: parsing by httptools, limits, keep-alive, pipelining, chunked streams.

It knows nothing of models: a `Handler` is called once per request and replies through the connection. Written here and
not taken from uvicorn because faults need the raw socket: RST, silence, and half a reply.
"""

import asyncio
import socket
import struct
from collections import deque
from typing import Protocol

import httptools

from elastometer_standin.wire import LAST_CHUNK, Request, head

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 16 * 1024 * 1024
"""Far more than the default context holds (32768 tokens are 128 KiB here), and little beside a Pod's memory."""
MAX_PIPELINED = 16
WRITE_BUFFER_BYTES = 64 * 1024
"""Beyond this a reader counts as slow, and its tokens are merged into fewer events until it catches up."""
KEEP_ALIVE_SECONDS = 5.0
"""vLLM's VLLM_HTTP_TIMEOUT_KEEP_ALIVE."""
RECEIVE_SECONDS = 30.0
"""How long one request may take to arrive. uvicorn has no such limit; here half a request must not stay forever."""


class Handler(Protocol):
    """Replies to requests, through the connection they came on, at once or later."""

    def handle(self, connection: "Connection", request: Request) -> None: ...


class Listener(Protocol):
    """The reply under way on a connection, which must know when its client leaves or reads again."""

    def client_gone(self) -> None: ...
    def client_reads_again(self) -> None: ...


class Connection(asyncio.Protocol):
    """One client. At most one reply is under way; further requests wait in arrival order."""

    def __init__(self, handler: Handler, connections: set["Connection"], loop: asyncio.AbstractEventLoop) -> None:
        self._handler = handler
        self._connections = connections
        self._loop = loop
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[Request] = deque()
        self._current: Request | None = None
        self._reset_head()
        self._receiving_since: float | None = None
        self.transport: asyncio.Transport | None = None
        self.listener: Listener | None = None
        self.write_paused = False
        self.idle_since: float | None = None

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have asyncio.Transport's methods without being instances of it.
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self.transport = transport  # type: ignore[assignment]
        transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)  # type: ignore[attr-defined]
        self._connections.add(self)
        self.idle_since = self._loop.time()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._connections.discard(self)
        self.transport = None
        self._queue.clear()
        listener, self.listener = self.listener, None
        if listener is not None:
            listener.client_gone()

    def pause_writing(self) -> None:
        self.write_paused = True

    def resume_writing(self) -> None:
        self.write_paused = False
        if self.listener is not None:
            self.listener.client_reads_again()

    def data_received(self, data: bytes) -> None:
        if self._receiving_since is None:
            self._receiving_since = self._loop.time()
        self.idle_since = None
        if not self._head_done:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # upgrades are ignored, as HTTP allows: the request was passed on when it was complete
        except httptools.HttpParserError:
            self._reject(400, "Invalid HTTP request received.")  # uvicorn's words
            return
        # A head without end never reaches on_headers_complete, so its size is checked here as well.
        if not self._head_done and self._head_bytes > MAX_HEAD_BYTES:
            self._reject(431, "Request header fields are too large.")

    # httptools callbacks

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._head_done = True
        size = sum(len(name) + len(value) for name, value in self._headers.items()) + len(self._url)
        if size > MAX_HEAD_BYTES:
            self._reject(431, "Request header fields are too large.")
        elif self._headers.get("expect", "").lower() == "100-continue" and self.transport is not None:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > MAX_BODY_BYTES:
            self._reject(413, f"Request body must not exceed {MAX_BODY_BYTES} bytes.")
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        self._receiving_since = None
        request = Request(
            method=self._parser.get_method().decode("latin-1"),
            target=self._url.decode("latin-1"),
            headers=self._headers,
            body=b"".join(self._body),
            keep_alive=self._parser.should_keep_alive(),
            chunked_replies=self._parser.get_http_version() == "1.1",
        )
        self._reset_head()
        self._queue.append(request)
        if len(self._queue) > MAX_PIPELINED:
            self._reject(400, f"More than {MAX_PIPELINED} pipelined requests.")
        elif self._current is None:
            self._start_next()

    # replies

    def respond(self, status: int, body: bytes, headers: list[tuple[str, str]]) -> None:
        """Send the whole reply to the open request."""
        keep = self._current is not None and self._current.keep_alive
        extra = [("content-length", str(len(body))), *headers, *([] if keep else [("connection", "close")])]
        content = b"" if self._current is not None and self._current.method == "HEAD" else body
        if self.transport is not None:
            self.transport.write(head(status, extra) + content)
        self._finish_reply()

    def start_stream(self, headers: list[tuple[str, str]]) -> bool:
        """Send the head of a stream; True when what follows must be framed as chunks."""
        request = self._current
        chunked = request is not None and request.chunked_replies
        extra = [("transfer-encoding", "chunked")] if chunked else []
        if not chunked or (request is not None and not request.keep_alive):
            extra.append(("connection", "close"))
        if self.transport is not None:
            self.transport.write(head(200, [*headers, *extra]))
        return chunked

    def end_stream(self, chunked: bool) -> None:
        """End the body: with the last chunk, or by closing the connection where the client knows no chunks."""
        if chunked and self.transport is not None:
            self.transport.write(LAST_CHUNK)
        elif self._current is not None:
            self._current.keep_alive = False
        self._finish_reply()

    def cut(self, *, reset: bool) -> None:
        """Close in the middle of a reply: with a FIN after what was written, or with an RST."""
        transport = self.transport
        self.listener = None  # the reply is not to hear of a client that left: it is the server that leaves
        if transport is None:
            return
        if not reset:
            transport.close()
            return
        raw = transport.get_extra_info("socket")
        if raw is not None:
            # Lingering for 0 s makes close() discard unsent bytes and send an RST.
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    def expire(self, now: float) -> None:
        """Close when idle for longer than the keep-alive time, or when a request takes too long to arrive."""
        if self.transport is None or self._current is not None:
            return
        if self._receiving_since is not None and now - self._receiving_since > RECEIVE_SECONDS:
            self._reject(408, "The request took too long to arrive.")
        elif self.idle_since is not None and now - self.idle_since > KEEP_ALIVE_SECONDS:
            self.transport.close()

    @property
    def busy(self) -> bool:
        """Whether a reply is under way."""
        return self._current is not None

    def close_after_reply(self) -> None:
        """Take no further request: close now when idle, otherwise once the reply has been sent."""
        if self._current is not None:
            self._current.keep_alive = False
        elif self.transport is not None:
            self.transport.close()

    def _start_next(self) -> None:
        self._current = self._queue.popleft()
        self._handler.handle(self, self._current)

    def _finish_reply(self) -> None:
        keep = self._current is not None and self._current.keep_alive
        self._current = self.listener = None
        if self.transport is None:
            return
        if not keep:
            self.transport.close()
        elif self._queue:
            # Not a direct call, which would nest the next request's reply inside this one's.
            self._loop.call_soon(self._resume)
        else:
            self.idle_since = self._loop.time()

    def _resume(self) -> None:
        if self._current is None and self._queue and self.transport is not None:
            self._start_next()

    def _reject(self, status: int, message: str) -> None:
        """Answer what is not a valid request with an error, and close; a reply under way is cut off."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if self._current is None:
            text = message.encode()
            headers = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(text)))]
            transport.write(head(status, [*headers, ("connection", "close")]) + text)
        transport.close()

    def _reset_head(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._head_done = False
        self._head_bytes = 0
        self._body_bytes = 0
