"""A Kubernetes API server on loopback: enough of lists, watches and logs for what the operator reads.

The state is in memory and the test changes it; the operator under test talks real HTTP to it.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from aiohttp import web


class FakeApi:
    """Enough of an API server: versions of one sequence, lists, watches over a history, logs that can be followed."""

    def __init__(self) -> None:
        self.version = 100
        self.oldest = 0
        self.ending = ""
        self.objects: dict[str, dict[str, dict[str, Any]]] = {}
        self.history: list[tuple[int, str, dict[str, Any]]] = []  # version, path, event
        self.changed = asyncio.Condition()
        self.streams: list[web.Request] = []
        self.refused: dict[str, int] = {}
        self.answering = asyncio.Event()  # cleared: requests of /version hang, as those of a frozen server
        self.answering.set()
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.logs: dict[str, list[str]] = {}
        self.previous_logs: dict[str, list[str]] = {}

    async def put(self, path: str, item: dict[str, Any]) -> None:
        known = self.objects.setdefault(path, {})
        name = item["metadata"]["name"]
        await self._tell(path, "MODIFIED" if name in known else "ADDED", item)
        known[name] = item

    async def remove(self, path: str, name: str) -> None:
        await self._tell(path, "DELETED", self.objects[path].pop(name))

    async def _tell(self, path: str, kind: str, item: dict[str, Any]) -> None:
        self.version += 1
        item["metadata"]["resourceVersion"] = str(self.version)
        self.history.append((self.version, path, {"type": kind, "object": orjson.loads(orjson.dumps(item))}))
        async with self.changed:
            self.changed.notify_all()

    async def log(self, pod: str, *lines: str) -> None:
        self.logs.setdefault(pod, []).extend(lines)
        async with self.changed:
            self.changed.notify_all()

    def drop(self, path: str = "/") -> None:
        """Cuts every open stream below the path, without a word."""
        for request in self.streams:
            if request.path.startswith(path) and request.transport:
                request.transport.abort()

    async def end(self, path: str) -> None:
        """Ends the watches of the path in good order, as the server does when their time is up."""
        async with self.changed:
            self.ending = path
            self.changed.notify_all()

    def expire(self) -> None:
        self.oldest = self.version

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, dict(request.query)))
        if request.path in self.refused:
            return web.json_response({"message": "no"}, status=self.refused[request.path])
        if request.path == "/version":
            await self.answering.wait()
            return web.json_response({"gitVersion": "v1.35.0"}, headers={"Date": "Sat, 21 Nov 2026 05:00:00 GMT"})
        if request.path.endswith("/log"):
            return await self._log(request)
        if "watch" in request.query:
            return await self._watch(request)
        items = list(self.objects.get(request.path, {}).values())
        return web.json_response({"metadata": {"resourceVersion": str(self.version)}, "items": items})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        stream = await self._opened(request)
        sent = int(request.query["resourceVersion"])
        if sent < self.oldest:
            await stream.write(b'{"type":"ERROR","object":{"code":410,"message":"too old resource version"}}\n')
            return stream
        while True:
            for version, path, event in list(self.history):
                if version > sent and path == request.path:
                    sent = version
                    await stream.write(orjson.dumps(event) + b"\n")
            async with self.changed:
                await self.changed.wait()
            if self.ending == request.path:
                self.ending = ""
                return stream

    async def _log(self, request: web.Request) -> web.StreamResponse:
        pod = request.path.split("/")[-2]
        lines = self.previous_logs.get(pod, []) if "previous" in request.query else self.logs.setdefault(pod, [])
        since = request.query.get("sinceTime", "")[:19]
        stream = await self._opened(request)
        sent = 0
        while True:
            for line in lines[sent:]:
                sent += 1
                if line[:19] >= since:
                    await stream.write(line.encode() + b"\n")
            if "follow" not in request.query:
                return stream
            async with self.changed:
                await self.changed.wait()

    async def _opened(self, request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"Content-Type": "application/json"})
        await stream.prepare(request)
        self.streams.append(request)
        return stream
