"""The addresses of one run's Ready Pods, for load workers that spread their requests over the Pods themselves.

They come from the recorder's own watch and so cost the API server nothing. A worker asks with the tag of the list that
it has, and is answered as soon as there is another one (long polling with `Prefer: wait`, RFC 7240).
"""
from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterable

from aiohttp import web

MAX_WAIT_SECONDS = 25.0  # workers and proxies cut a call after 30
# RFC 7240, section 4.3: the preference `wait`, in whole seconds. Other preferences may stand next to it.
WAIT = re.compile(r"wait=([0-9]{1,3})")


class Endpoints:
    """The newest list, and the requests that wait for another one."""

    def __init__(self) -> None:
        self._text: str | None = None
        self._news = asyncio.Event()

    def publish(self, addresses: Iterable[str]) -> None:
        """Replaces the list with these addresses, `host:port` each."""
        text = "".join(f"{address}\n" for address in addresses)
        if text != self._text:
            self._text = text
            # A new event each time: what waits on the old one is woken, what comes later waits for the next list.
            self._news.set()
            self._news = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        """The list as text, one address per line; 304 when it has not changed, 503 while it is not known."""
        wait = WAIT.search(request.headers.get("Prefer", ""))
        seconds = min(float(wait[1]), MAX_WAIT_SECONDS) if wait else 0.0
        known = request.headers.get("If-None-Match")
        if self._text is None or _tag(self._text) == known:
            await self._changed(seconds)
        if self._text is None:
            unknown = {"error": "no endpoint has been seen yet"}
            return web.json_response(unknown, status=503, headers={"Retry-After": "1"})
        headers = {"ETag": _tag(self._text), "Cache-Control": "no-store"}
        if headers["ETag"] == known:
            return web.Response(status=304, headers=headers)
        return web.Response(text=self._text, headers=headers)

    async def _changed(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return


def _tag(text: str) -> str:
    """A hash of the list, so that it has the same tag after a restart of the operator."""
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'
