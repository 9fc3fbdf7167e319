"""Calls to the receiver of records: small HTTP/1.1 requests, one connection each, separate from the measured client."""

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
MAX_ANSWER_BYTES = 1024 * 1024
OK, NOT_MODIFIED, CONFLICT = 200, 304, 409


class ReceiverError(Exception):
    """The receiver could not be reached, or its answer cannot be used; the call may be repeated."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """The answer to hello. `start` is in microseconds since 1970, None until all workers are ready."""

    start: int | None
    stored: int
    stored_lines: int = 0
    """The bytes of fingerprint lines that it holds."""


@dataclass(frozen=True, slots=True)
class EndpointList:
    """The answer to endpoints: one address per line, and the tag by which the receiver recognises this list."""

    text: str
    tag: str | None


class ReceiverClient:
    """One worker's calls to the receiver; each of them raises ReceiverError."""

    def __init__(self, run: Target, token: str, worker: int, incarnation: str) -> None:
        self._run = run
        self._token = token
        self._worker = worker
        self._incarnation = incarnation

    async def hello(self, workers: int) -> Greeting:
        """Says that this worker is ready; the answer has the start, and the byte from which to send records."""
        body = {"incarnation": self._incarnation, "workers": workers}
        answer = await self._call("hello", orjson.dumps(body))
        start, stored, lines = (answer.get(name) for name in ("startTime", "next", "nextFingerprint"))
        if not isinstance(stored, int):
            raise ReceiverError("the answer to hello lacks `next`")
        try:
            instant = None if start is None else parse_instant(start)
            return Greeting(instant, stored, lines if isinstance(lines, int) else 0)
        except (ValueError, TypeError) as error:
            raise ReceiverError(f"the answer to hello has an invalid startTime: {error}") from error

    async def records(self, offset: int, data: bytes) -> int:
        """Sends bytes of the spool; the result is the offset to continue from, whether they were taken or not."""
        return await self._append("records", offset, data)

    async def fingerprints(self, offset: int, data: bytes) -> int:
        """The same for bytes of the file of fingerprint lines."""
        return await self._append("fingerprints", offset, data)

    async def finish(self, summary: bytes) -> None:
        """Sends the worker's summary; may be repeated."""
        await self._call(f"finish?{self._query()}", summary)

    async def endpoints(self, known: str | None, wait_seconds: int) -> EndpointList | None:
        """The addresses of the server's Pods; None when they are still those with the known tag.

        The receiver may wait this long for a change before it says so.
        """
        # RFC 7240, section 4.3: https://www.rfc-editor.org/rfc/rfc7240#section-4.3
        headers = {"Prefer": f"wait={wait_seconds}", **({} if known is None else {"If-None-Match": known})}
        answer = await self._answer("GET", f"{self._run.path}/endpoints", b"", headers)
        if answer.status == NOT_MODIFIED and known is not None:
            return None
        if answer.status != OK:
            raise ReceiverError(f"the request for endpoints was answered with status {answer.status}")
        try:
            return EndpointList(answer.body.decode("ascii"), answer.tag)
        except UnicodeDecodeError as error:
            raise ReceiverError("the answer to endpoints is not ASCII text") from error

    async def _append(self, name: str, offset: int, data: bytes) -> int:
        answer = await self._call(f"{name}?{self._query()}&offset={offset}", data, conflict=True)
        stored = answer.get("next")
        if not isinstance(stored, int):
            raise ReceiverError(f"the answer to {name} lacks `next`")
        return stored

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
                 "Content-Length": str(len(body))}
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await _exchanged(self._run, head.encode() + b"\r\n" + body)
        except (OSError, httptools.HttpParserError) as error:
            reason = str(error) or type(error).__name__
            raise ReceiverError(f"{self._run.authority} cannot be reached: {reason}") from error


class _Answer:
    """One response, filled in by httptools."""

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
            if len(answer.body) > MAX_ANSWER_BYTES:
                raise OSError("the answer is longer than 1 MiB")
        if not answer.complete:
            raise OSError("connection closed before the answer was complete")
        answer.status = parser.get_status_code()
        return answer
    finally:
        writer.close()
