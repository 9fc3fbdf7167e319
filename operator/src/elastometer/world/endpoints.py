"""The addresses of one run's Ready Pods, for load workers that spread their requests themselves.

Told by the recorder's own watch, so that they cost the API server nothing. A worker asks with the tag of the list that
it has, and is answered as soon as there is another one (RFC 7240, `Prefer: wait`).
"""
from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterable

from aiohttp import web

LONGEST_WAIT_SECONDS = 25.0  # workers and proxies cut a call after 30
WAIT = re.compile(r"wait=([0-9]{1,3})")


class Endpoints:
    """The newest list, and who waits for it."""

    def __init__(self) -> None:
        self._text: str | None = None
        self._news = asyncio.Event()

    def tell(self, addresses: Iterable[str]) -> None:
        """From now on these are the addresses, `host:port` each."""
        text = "".join(f"{address}\n" for address in addresses)
        if text != self._text:
            self._text = text
            self._news.set()
            self._news = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        """The list as text, one address a line; 304 when it stays as it is, 503 while it is not known."""
        wait = WAIT.search(request.headers.get("Prefer", ""))
        seconds = min(float(wait[1]), LONGEST_WAIT_SECONDS) if wait else 0.0
        known = request.headers.get("If-None-Match")
        if self._text is None or _tag(self._text) == known:
            await self._changed(seconds)
        if self._text is None:
            return web.json_response({"error": "no endpoint was seen yet"}, status=503, headers={"Retry-After": "1"})
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
    """The same list has the same tag whichever life of the operator says it."""
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'
