"""The text of HTTP/1.1: what a request consists of, and the head of a reply. No socket here."""

import time
from dataclasses import dataclass
from email.utils import formatdate

REASONS = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed",
    408: "Request Timeout", 413: "Payload Too Large", 431: "Request Header Fields Too Large",
    500: "Internal Server Error", 503: "Service Unavailable",
}

LAST_CHUNK = b"0\r\n\r\n"


@dataclass(slots=True)
class Request:
    """One request as it arrived. Header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    keep_alive: bool
    chunked_replies: bool
    """True for HTTP/1.1. An HTTP/1.0 client knows no chunks: the end of the connection ends its stream."""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


_date_second = 0
_date_header = b""


def _date() -> bytes:
    """The `date` header's value, rendered once a second: every reply has one."""
    global _date_second, _date_header
    now = int(time.time())
    if now != _date_second:
        _date_second, _date_header = now, formatdate(now, usegmt=True).encode()
    return _date_header


def head(status: int, headers: list[tuple[str, str]]) -> bytes:
    """Status line and headers, with the `server` of vLLM's HTTP server.

    Line breaks in values become spaces, so that a request id cannot add headers.
    """
    lines = [b"HTTP/1.1 %d %b" % (status, REASONS[status].encode()), b"date: " + _date(), b"server: uvicorn"]
    for name, value in headers:
        lines.append(f"{name}: {value}".replace("\r", " ").replace("\n", " ").encode("latin-1", "replace"))
    return b"\r\n".join(lines) + b"\r\n\r\n"
