"""What the controller's tests share: a clock that only the test moves, and an API server on loopback."""
import asyncio
import heapq
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import ApiClient, Configuration

from elastometer.model.names import Names
from elastometer.world.recorder import Recorder
from elastometer.world.run_store import RunStore

NAMES = Names("team", "shop", "12345678-9")
START = datetime(2026, 11, 21, 5, tzinfo=UTC)


class SteppedClock:
    """Time that only the test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future]] = []

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    @property
    def sleeping(self) -> int:
        return len(self._sleepers)

    async def sleep(self, seconds: float) -> None:
        waker = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.seconds + seconds, id(waker), waker))
        await waker

    def advance(self, seconds: float) -> None:
        self.seconds += seconds
        while self._sleepers and self._sleepers[0][0] <= self.seconds:
            waker = heapq.heappop(self._sleepers)[2]
            if not waker.done():
                waker.set_result(None)


class FakeApi:
    """Enough of an API server: versions of one sequence, lists, watches over a history, logs that can be followed."""

    def __init__(self) -> None:
        self.version = 100
        self.oldest = 0
        self.ending = ""
        self.objects: dict[str, dict[str, dict]] = {}
        self.history: list[tuple[int, str, dict]] = []  # version, path, event
        self.changed = asyncio.Condition()
        self.streams: list[web.StreamResponse] = []
        self.refused: dict[str, int] = {}
        self.answering = asyncio.Event()  # cleared: requests of /version hang, as those of a frozen server
        self.answering.set()
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.logs: dict[str, list[str]] = {}
        self.previous_logs: dict[str, list[str]] = {}

    async def put(self, path: str, item: dict) -> None:
        known = self.objects.setdefault(path, {})
        name = item["metadata"]["name"]
        await self._tell(path, "MODIFIED" if name in known else "ADDED", item)
        known[name] = item

    async def remove(self, path: str, name: str) -> None:
        await self._tell(path, "DELETED", self.objects[path].pop(name))

    async def _tell(self, path: str, kind: str, item: dict) -> None:
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
        for stream in [one for one in self.streams if one.path.startswith(path)]:
            if stream.peer.transport:
                stream.peer.transport.abort()

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
        stream.path, stream.peer = request.path, request
        self.streams.append(stream)
        return stream


class World:
    """One recorder on one fake API server, with what it stored so far."""

    def __init__(self, api: FakeApi, clock: SteppedClock, client: ApiClient, directory: Path) -> None:
        self.api, self.clock, self.client, self.directory = api, clock, client, directory
        self.names = NAMES

    @asynccontextmanager
    async def recording(self, **options: bool) -> AsyncIterator[Recorder]:
        store = RunStore(self.directory)
        recorder = Recorder(self.client, NAMES, store, self.clock, **options)
        task = asyncio.create_task(recorder.run())
        try:
            yield recorder
        finally:
            task.cancel()
            await asyncio.wait([task])
            store.close()

    def seen(self, kind: str) -> list[dict]:
        content = (self.directory / "observations.jsonl").read_bytes()
        lines = [orjson.loads(line) for line in content.splitlines()]
        return [line for line in lines if line["kind"] == kind]

    def types(self, kind: str) -> list[tuple[str, str]]:
        return [(one["type"], one["object"]["metadata"]["name"]) for one in self.seen(kind)]

    async def until(self, condition: Callable[[], object], step: float = 0.0) -> None:
        """Lets the loop run until the condition holds, moving the clock by `step` seconds at each turn.

        A request takes a few dozen turns: steps must be small beside the second that a watch may take to open.
        """
        async with asyncio.timeout(10):
            while not condition():
                self.clock.advance(step)
                await asyncio.sleep(0)


@pytest.fixture
async def world(tmp_path) -> AsyncIterator[World]:
    api, clock = FakeApi(), SteppedClock()
    app = web.Application()
    app.router.add_route("GET", "/{path:.*}", api.serve)
    async with TestServer(app, shutdown_timeout=0) as server:
        address = str(server.make_url("")).rstrip("/")
        async with ApiClient(Configuration(host=address, connection_pool_maxsize=0)) as client:
            yield World(api, clock, client, tmp_path / "run")
        api.drop()


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()
