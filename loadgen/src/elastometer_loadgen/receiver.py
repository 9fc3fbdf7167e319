"""Calls to the receiver of records: small HTTP/1.1 requests, one connection each, apart from the measured
client.
"""

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httptools
import orjson

from elastometer_loadgen.record import parse_instant
from elastometer_loadgen.target import Target

CALL_SECONDS = 30.0
LONGEST_ANSWER = 1024 * 1024
TOKEN_HEADER = "X-Elastometer-Token"


class ReceiverError(Exception):
    """The receiver could not be reached or gave an answer that cannot be used; worth another try."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """Answer to hello. `start` is in microseconds since 1970, None while not all are there."""

    start: int | None
    stored: int


class Receiver:
    """One worker's view of the receiver; raises ReceiverError from every call."""

    def __init__(self, run: Target, token: str, worker: int, incarnation: str) -> None:
        self._run = run
        self._token = token
        self._worker = worker
        self._incarnation = incarnation

    async def hello(self, workers: int) -> Greeting:
        """Says that this worker is there; the answer tells when to start and from which byte to send."""
        body = {"incarnation": self._incarnation, "workers": workers}
        answer = await self._call("hello", orjson.dumps(body))
        start, stored = answer.get("startTime"), answer.get("next")
        if not isinstance(stored, int):
            raise ReceiverError("hello was answered without `next`")
        try:
            return Greeting(None if start is None else parse_instant(start), stored)
        except (ValueError, TypeError) as error:
            raise ReceiverError(f"hello was answered with a startTime that is none: {error}") from error

    async def records(self, offset: int, data: bytes) -> int:
        """Sends bytes of the spool; the answer is the offset to go on from, whether they were taken or not."""
        answer = await self._call(f"records?{self._query()}&offset={offset}", data, conflict=True)
        stored = answer.get("next")
        if not isinstance(stored, int):
            raise ReceiverError("records were answered without `next`")
        return stored

    async def finish(self, summary: bytes) -> None:
        """Sends the worker's summary; may be repeated."""
        await self._call(f"finish?{self._query()}", summary)

    def _query(self) -> str:
        return f"incarnation={quote(self._incarnation, safe='')}"

    async def _call(self, name: str, body: bytes, *, conflict: bool = False) -> dict[str, Any]:
        path = f"{self._run.path}/workers/{self._worker}/{name}"
        try:
            async with asyncio.timeout(CALL_SECONDS):
                status, answer = await _post(self._run, path, self._token, body)
        except (OSError, httptools.HttpParserError) as error:
            reason = str(error) or type(error).__name__
            raise ReceiverError(f"{self._run.authority} cannot be reached: {reason}") from error
        if status != 200 and not (conflict and status == 409):
            raise ReceiverError(f"{name.partition('?')[0]} was answered with status {status}")
        try:
            document = orjson.loads(answer or b"{}")
        except orjson.JSONDecodeError as error:
            raise ReceiverError(f"an answer is not JSON: {error}") from error
        return document if isinstance(document, dict) else {}


class _Gathered:
    """What httptools tells about one response."""

    def __init__(self) -> None:
        self.body = b""
        self.complete = False

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.complete = True


async def _post(run: Target, path: str, token: str, body: bytes) -> tuple[int, bytes]:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {run.authority}\r\n{TOKEN_HEADER}: {token}\r\nConnection: close\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(run.host, run.port, ssl=run.tls)
    try:
        writer.write(head.encode() + body)
        gathered = _Gathered()
        parser = httptools.HttpResponseParser(gathered)
        while not gathered.complete and (data := await reader.read(65536)):
            parser.feed_data(data)
            if len(gathered.body) > LONGEST_ANSWER:
                raise OSError("the answer is longer than 1 MiB")
        if not gathered.complete:
            raise OSError("connection closed before the answer was whole")
        return parser.get_status_code(), gathered.body
    finally:
        writer.close()
