"""Reads from the API server as it is on the wire: JSON answers, and streams of raw lines with the instant of receipt.

The typed client decodes a line before it hands it over, which would add the decoding to every instant. So only its
connections and credentials are used.
"""
from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson
from kubernetes.aio.client import ApiClient
from kubernetes.aio.client.exceptions import ApiException

from elastometer.world.clock import Clock
from elastometer.world.cluster import Refused, may_pass

CONNECT_SECONDS = 10
ANSWER_SECONDS = 30
MAX_LINE_BYTES = 64 << 20  # etcd refuses objects beyond 1.5 MiB; a longer line is a broken stream
# A watch may be silent for minutes without being broken. With 3 TCP probes 5 s apart, a peer that vanished without
# closing the connection (a node that lost power, a NAT entry that expired) is noticed within 25 s.
KEEPALIVE_IDLE_SECONDS = 10
KEEPALIVE_INTERVAL_SECONDS = 5
KEEPALIVE_PROBES = 3



class Unavailable(aiohttp.ClientError):
    """The API server answered that it cannot do it now (5xx, 429), or ended a watch at once; asking again may help."""


UNREACHABLE = (aiohttp.ClientError, asyncio.TimeoutError, OSError, ApiException)


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON answer. `sent` and `received` are on the operator's clock, `date` is the server's own, to the second."""

    document: dict[str, Any]
    sent: datetime
    received: datetime
    date: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a stream, without its end; `received` is when its last byte came (operator's clock)."""

    content: bytes
    received: datetime


class ApiReader:
    """GET only. Raises `Refused` for a 4xx, and one of UNREACHABLE for what may pass: `Unavailable`, or no answer."""

    def __init__(self, api: ApiClient, clock: Clock) -> None:
        self._api = api
        self._clock = clock

    async def get(self, path: str, query: Mapping[str, str]) -> Answer:
        """One JSON document."""
        sent = self._clock.now()
        response = await self._open(path, query, aiohttp.ClientTimeout(total=ANSWER_SECONDS))
        try:
            body = await response.read()
        finally:
            response.release()
        return Answer(orjson.loads(body), sent, self._clock.now(), response.headers.get("Date"))

    @asynccontextmanager
    async def lines(self, path: str, query: Mapping[str, str], silence_seconds: float | None) \
            -> AsyncIterator[AsyncIterator[Line]]:
        """A stream of lines; it fails after `silence_seconds` without data. None waits indefinitely."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=silence_seconds)
        response = await self._open(path, query, timeout)
        try:
            _keep_alive(response)
            yield self._split(response)
        finally:
            response.close()

    async def _open(self, path: str, query: Mapping[str, str], timeout: aiohttp.ClientTimeout) \
            -> aiohttp.ClientResponse:
        url = f"{path}?{urlencode(query)}" if query else path
        method, url, headers, _, _ = await self._api.param_serialize("GET", url, auth_settings=["BearerToken"])
        headers["Accept"] = "application/json"
        answer = await self._api.call_api(method, url, headers, _request_timeout=timeout)
        response: aiohttp.ClientResponse = answer.response
        if response.status != 200:
            body = await response.text(errors="replace")
            response.release()
            said = f"HTTP {response.status}: {_reason(body)[:300]}"
            raise Unavailable(said) if may_pass(response.status) else Refused(response.status, said)
        return response

    async def _split(self, response: aiohttp.ClientResponse) -> AsyncIterator[Line]:
        # Not aiohttp's own line reader, which raises for a line longer than its buffer: an object may be longer.
        # `searched` keeps a line of many chunks from being searched again from its beginning each time.
        rest = bytearray()
        async for chunk in response.content.iter_any():
            received = self._clock.now()
            searched = len(rest)
            rest += chunk
            start = 0
            while (end := rest.find(b"\n", max(start, searched))) >= 0:
                yield Line(bytes(rest[start:end]), received)
                start = end + 1
            del rest[:start]
            if len(rest) > MAX_LINE_BYTES:
                raise aiohttp.ClientPayloadError(f"a line of the stream must end within {MAX_LINE_BYTES} bytes")


def _reason(body: str) -> str:
    """The message of a Status object, else the body's beginning."""
    try:
        return str(orjson.loads(body).get("message", body))
    except (orjson.JSONDecodeError, AttributeError):
        return body


def _keep_alive(response: aiohttp.ClientResponse) -> None:
    """Makes the kernel notice a peer that vanished without closing the connection."""
    transport = response.connection.transport if response.connection else None
    connected = transport.get_extra_info("socket") if transport else None
    if connected is None or connected.family not in (socket.AF_INET, socket.AF_INET6):
        return
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_SECONDS)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL_SECONDS)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)
