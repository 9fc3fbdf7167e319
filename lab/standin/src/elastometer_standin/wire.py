"""The text of HTTP/1.1: what a request is, and the head of a reply. No socket here."""

import time
from dataclasses import dataclass
from email.utils import formatdate

REASONS = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed",
    408: "Request Timeout", 413: "Payload Too Large", 431: "Request Header Fields Too Large",
    500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip

LAST_CHUNK = b"0\r\n\r\n"


@dataclass(slots=True)
class Request:
    """One request as it came. Header names are lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    keep_alive: bool
    chunked_replies: bool
    """HTTP/1.1; an HTTP/1.0 client gets its stream ended by the connection's end."""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


_date_second = 0
_date_header = b""


def _date() -> bytes:
    global _date_second, _date_header
    now = int(time.time())
    if now != _date_second:
        _date_second, _date_header = now, formatdate(now, usegmt=True).encode()
    return _date_header


def head(status: int, headers: list[tuple[str, str]]) -> bytes:
    """Status line and headers; header values lose their line breaks."""
    lines = [b"HTTP/1.1 %d %b" % (status, REASONS[status].encode()), b"date: " + _date(), b"server: uvicorn"]
    for name, value in headers:
        lines.append(f"{name}: {value}".replace("\r", " ").replace("\n", " ").encode("latin-1", "replace"))
    return b"\r\n".join(lines) + b"\r\n\r\n"
