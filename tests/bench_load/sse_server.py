"""The server of the benchmark: as cheap as Python allows, on one core, and it records the true times.

    python sse_server.py --tokens 100 --gap-ms 20 --wait-ms 50 --requests 400 --truth truth.json

No HTTP library and no event loop: epoll, and two queues of streams that are always in order of time. It prints
`listening PORT`, `first T` when the first request arrives and `last T` when the last of `--requests` answers has been
written (T in seconds of CLOCK_MONOTONIC). The instant of a request is the kernel's, so that a server that reads late
cannot make a client look late. When its standard input closes it writes what it recorded to `--truth`.
"""

import argparse
import json
import select
import socket
import sys
import time
from collections import deque
from pathlib import Path

from kernel_stamps import receive, stamp_reads

NAMES = b'"id":"chatcmpl-0123456789abcdef0123456789abcdef","object":"chat.completion.chunk","created":1790000000,'
MODEL = b'"model":"Qwen/Qwen2.5-0.5B-Instruct",'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
MODELS = b'{"object":"list","data":[{"id":"m","object":"model"}]}'
LISTING = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(MODELS), MODELS)
MAX_REQUEST_BYTES = 1024 * 1024
BACKLOG = 4096


def chunk(payload: bytes) -> bytes:
    """One event as one chunk of a chunked body, which is how vLLM's server sends it."""
    data = b"data: " + payload + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(data), data)


def token(finish: bytes) -> bytes:
    """An event of the size of vLLM's for one token."""
    choice = b'{"index":0,"delta":{"content":" token"},"logprobs":null,"finish_reason":%b}' % finish
    return chunk(b"{" + NAMES + MODEL + b'"choices":[%b]}' % choice)


def ending(tokens: int) -> bytes:
    """The last token, the usage and the end of the body."""
    usage = b'"usage":{"prompt_tokens":50,"total_tokens":%d,"completion_tokens":%d}' % (50 + tokens, tokens)
    last = chunk(b"{" + NAMES + MODEL + b'"choices":[],' + usage + b"}")
    return token(b'"length"') + last + chunk(b"[DONE]") + b"0\r\n\r\n"


class Stream:
    """One connection and the answer under way on it.

    `unsent` holds bytes that the kernel has not taken yet, and `is_blocked` says that epoll watches for room for them.
    """

    __slots__ = ("due", "is_blocked", "left", "read_at", "received", "sock", "unsent")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.received = b""
        self.unsent = b""
        self.is_blocked = False
        self.left = 0
        self.due = 0.0
        self.read_at = 0.0


class Server:
    """All streams have the same gap and the same wait, so both queues stay sorted by appending."""

    def __init__(self, tokens: int, gap: float, wait: float, requests: int) -> None:
        self._tokens, self._gap, self._wait, self._requests = tokens, gap, wait, requests
        self._token, self._ending = token(b"null"), ending(tokens)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self._listener.setblocking(False)
        stamp_reads(self._listener)
        self._poll = select.epoll()
        self._poll.register(self._listener.fileno(), select.EPOLLIN)
        self._poll.register(sys.stdin.fileno(), select.EPOLLIN)
        self._streams: dict[int, Stream] = {}
        self._waiting: deque[Stream] = deque()
        self._ticking: deque[Stream] = deque()
        self._answered = 0
        self.ttft: list[float] = []
        self.events = 0
        report("listening", self._listener.getsockname()[1])

    def serve(self) -> None:
        """Serve until the standard input closes."""
        while True:
            for descriptor, event in self._poll.poll(self._timeout()):
                if descriptor == self._listener.fileno():
                    self._accept()
                elif descriptor == sys.stdin.fileno():
                    return
                else:
                    self._handle_event(self._streams[descriptor], event)
            now = time.monotonic()
            self._advance(self._waiting, now)
            self._advance(self._ticking, now)

    def _timeout(self) -> float:
        due = min((queue[0].due for queue in (self._waiting, self._ticking) if queue), default=None)
        return -1 if due is None else max(due - time.monotonic(), 0.0)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except BlockingIOError:
                return
            sock.setblocking(False)
            # Each event must leave at once: Nagle's algorithm would merge them, and clients would look cheaper.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._streams[sock.fileno()] = Stream(sock)
            self._poll.register(sock.fileno(), select.EPOLLIN)

    def _handle_event(self, stream: Stream, event: int) -> None:
        if event & select.EPOLLOUT:
            self._catch_up(stream)
        if event & ~select.EPOLLOUT:
            try:
                data, at = receive(stream.sock)
            except OSError:
                data, at = b"", 0.0
            if data:
                self._read(stream, data, at)
            else:
                self._drop(stream)

    def _read(self, stream: Stream, data: bytes, at: float) -> None:
        stream.received += data
        head, end, body = stream.received.partition(b"\r\n\r\n")
        if not end or len(stream.received) > MAX_REQUEST_BYTES:
            return
        if head.startswith(b"GET"):
            stream.received = b""
            self._send(stream, LISTING)
        elif len(body) >= content_length(head):
            stream.received = b""
            stream.read_at = at
            # True for the very first request alone: later ones find tokens that were sent, or streams that wait.
            if not self.ttft and not self._waiting:
                report("first", stream.read_at)
            stream.left = self._tokens
            # From the kernel's instant, and later from due to due: the server's own delays do not add up.
            stream.due = stream.read_at + self._wait
            self._waiting.append(stream)

    def _advance(self, queue: deque[Stream], now: float) -> None:
        while queue and queue[0].due <= now:
            stream = queue.popleft()
            data = b""
            if stream.left == self._tokens:
                data = HEAD
                self.ttft.append(time.monotonic() - stream.read_at)
            stream.left -= 1
            self.events += 1
            self._send(stream, data + (self._token if stream.left else self._ending))
            if stream.left:
                stream.due += self._gap
                self._ticking.append(stream)
            else:
                self._count()

    def _count(self) -> None:
        self._answered += 1
        if self._answered == self._requests:
            report("last", time.monotonic())

    def _send(self, stream: Stream, data: bytes) -> None:
        stream.unsent += data
        self._catch_up(stream)

    def _catch_up(self, stream: Stream) -> None:
        """Send what there is; epoll reports when a slow reader can take more."""
        was_blocked = stream.is_blocked
        try:
            stream.unsent = stream.unsent[stream.sock.send(stream.unsent) :]
        except OSError as error:
            if not isinstance(error, BlockingIOError):
                stream.unsent = b""
        stream.is_blocked = bool(stream.unsent)
        if stream.is_blocked != was_blocked:
            self._poll.modify(stream.sock.fileno(), select.EPOLLIN | (select.EPOLLOUT if stream.is_blocked else 0))

    def _drop(self, stream: Stream) -> None:
        stream.is_blocked, stream.unsent = False, b""
        del self._streams[stream.sock.fileno()]
        self._poll.unregister(stream.sock.fileno())
        stream.sock.close()


def content_length(head: bytes) -> int:
    """The length of the body according to the headers; 0 where they state none."""
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0] or 0)


def report(what: str, value: float) -> None:
    """Print one line for the process that started the server."""
    print(what, value, flush=True)


def main() -> None:
    """Serves, and then writes the truth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, required=True, help="tokens of each answer")
    parser.add_argument("--gap-ms", type=float, required=True, help="time between two tokens")
    parser.add_argument("--wait-ms", type=float, required=True, help="time before the first token")
    parser.add_argument("--requests", type=int, required=True, help="number of requests after which `last` is printed")
    parser.add_argument("--truth", type=Path, required=True, help="file for what was recorded")
    options = parser.parse_args()
    server = Server(options.tokens, options.gap_ms / 1000, options.wait_ms / 1000, options.requests)
    server.serve()
    options.truth.write_text(json.dumps({"ttft": server.ttft, "events": server.events}))


if __name__ == "__main__":
    main()
