"""Calls to the receiver of records: small HTTP/1.1 requests, one connection each, apart from the measured
client.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httptools
import orjson

from elastometer_loadgen.base.record import parse_instant
from elastometer_loadgen.base.secret import TOKEN_HEADER
from elastometer_loadgen.base.target import Target

CALL_SECONDS = 30.0
LONGEST_ANSWER = 1024 * 1024
OK, NOT_MODIFIED, CONFLICT = 200, 304, 409


class ReceiverError(Exception):
    """The receiver could not be reached or gave an answer that cannot be used; worth another try."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """Answer to hello. `start` is in microseconds since 1970, None while not all are there."""

    start: int | None
    stored: int


@dataclass(frozen=True, slots=True)
class EndpointList:
    """Answer to endpoints: one address a line, and the tag by which the receiver knows this list again."""

    text: str
    tag: str | None


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

    async def endpoints(self, known: str | None, held_back_seconds: int) -> EndpointList | None:
        """Where the server's pods are; None when that is the list with the known tag. An answer that would say so may
        be held back for a while, until there is another list."""
        headers = {"Prefer": f"wait={held_back_seconds}", **({} if known is None else {"If-None-Match": known})}
        answer = await self._answer("GET", f"{self._run.path}/endpoints", b"", headers)
        if answer.status == NOT_MODIFIED and known is not None:
            return None
        if answer.status != OK:
            raise ReceiverError(f"endpoints was answered with status {answer.status}")
        try:
            return EndpointList(answer.body.decode("ascii"), answer.tag)
        except UnicodeDecodeError as error:
            raise ReceiverError("endpoints was answered with something that is no ASCII text") from error

    def _query(self) -> str:
        return f"incarnation={quote(self._incarnation, safe='')}"

    async def _call(self, name: str, body: bytes, *, conflict: bool = False) -> dict[str, Any]:
        path = f"{self._run.path}/workers/{self._worker}/{name}"
        answer = await self._answer("POST", path, body, {"Content-Type": "application/octet-stream"})
        if answer.status != OK and not (conflict and answer.status == CONFLICT):
            raise ReceiverError(f"{name.partition('?')[0]} was answered with status {answer.status}")
        try:
            document = orjson.loads(answer.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise ReceiverError(f"an answer is not JSON: {error}") from error
        return document if isinstance(document, dict) else {}

    async def _answer(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> "_Answer":
        lines = {"Host": self._run.authority, TOKEN_HEADER: self._token, "Connection": "close", **headers,
                 "Content-Length": str(len(body))}  # fmt: skip
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await _exchanged(self._run, head.encode() + b"\r\n" + body)
        except (OSError, httptools.HttpParserError) as error:
            reason = str(error) or type(error).__name__
            raise ReceiverError(f"{self._run.authority} cannot be reached: {reason}") from error


class _Answer:
    """One response as httptools tells of it."""

    def __init__(self) -> None:
        self.status = 0
        self.body = b""
        self.tag: str | None = None
        self.complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"etag":
            self.tag = value.decode("latin-1")

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.complete = True


async def _exchanged(run: Target, request: bytes) -> _Answer:
    reader, writer = await asyncio.open_connection(run.host, run.port, ssl=run.tls)
    try:
        writer.write(request)
        answer = _Answer()
        parser = httptools.HttpResponseParser(answer)
        while not answer.complete and (data := await reader.read(65536)):
            parser.feed_data(data)
            if len(answer.body) > LONGEST_ANSWER:
                raise OSError("the answer is longer than 1 MiB")
        if not answer.complete:
            raise OSError("connection closed before the answer was whole")
        answer.status = parser.get_status_code()
        return answer
    finally:
        writer.close()
