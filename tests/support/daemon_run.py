"""One daemon of one test on the fake API server: it writes to what the server lists, and its waiting moves time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from elastometer.controller.daemon import run_test
from elastometer.controller.session import Context
from elastometer.plan import Environment
from elastometer.world.cluster import Cluster, Refused
from elastometer.world.receiver import Receiver
from support.fake_api import FakeApi
from support.recorded_world import World

ENVIRONMENT = Environment("elastometer", "elastometer", "http://elastometer:8081", 8081, "http://127.0.0.1:9", "load:1")


class MemoryCluster(Cluster):
    """Writes go into the objects that the fake API server lists and watches; statuses are kept in order."""

    def __init__(self, api: FakeApi) -> None:
        self.api = api
        self.statuses: list[dict[str, Any]] = []
        self.items: list[dict[str, Any]] = []

    # The decorator of the original, which retries, hides its parameters from the type checker.
    async def request(  # type: ignore[override]
            self, method: str, path: str, body: Any = None, *, query: Mapping[str, str] | None = None,
            content_type: str = "application/json") -> dict[str, Any]:
        if path.endswith("/status"):
            self.statuses.append(body["status"])
            return {}
        if method == "POST":
            return await self._post(path, body, dry=bool(query and "dryRun" in query))
        if path.endswith("elasticitytests"):
            return {"items": self.items}
        if path.endswith("/pods") or path == "/version":
            return {"items": list(self.api.objects.get(path, {}).values())}
        collection, _, name = path.rpartition("/")
        if name not in self.api.objects.get(collection, {}):
            raise Refused(404, "not found")
        if method == "DELETE":
            if body["preconditions"]["uid"] != self.api.objects[collection][name]["metadata"]["uid"]:
                raise Refused(409, "the UID in the precondition does not match the UID in record")
            await self.api.remove(collection, name)
            return {}
        return self.api.objects[collection][name]

    async def _post(self, path: str, body: Any, dry: bool) -> dict[str, Any]:
        if body["metadata"]["name"] in self.api.objects.get(path, {}):
            raise Refused(409, "already exists")
        if not dry:
            body["metadata"].update(uid=f"uid-{path}", creationTimestamp="2026-11-21T05:00:00Z")
            body["data"] = {"token": "YWJj"} if body["kind"] == "Secret" else body.get("data", {})
            await self.api.put(path, body)
        return {}


class Daemon:
    """One daemon of one object; its time moves as fast as it waits."""

    def __init__(self, world: World, directory: Path, body: dict[str, Any], cluster: MemoryCluster) -> None:
        self.world, self.body, self.letting_go = world, body, False
        self.context = Context(world.client, cluster, Receiver(world.clock), world.clock, directory, ENVIRONMENT)
        self.statuses = cluster.statuses
        self.announced: list[tuple[str, str, str]] = []

    async def carry_out(self) -> None:
        """Until the daemon is let go."""
        raise NotImplementedError

    def announce(self, kind: str, reason: str, message: str) -> None:
        """Keeps an event."""
        self.announced.append((kind, reason, message))

    async def stopped(self, seconds: float) -> bool:
        """Moves the time on instead of waiting."""
        for _ in range(20):
            await asyncio.sleep(0.001)
        self.world.clock.advance(min(seconds, 5.0))
        return self.letting_go

    async def until(self, condition: Callable[[], object]) -> None:
        """Runs the daemon until the condition holds, and lets it go."""
        self.letting_go = False
        task = asyncio.create_task(self.carry_out())
        async with asyncio.timeout(30):
            while not condition() and not task.done():
                await asyncio.sleep(0.002)
        self.letting_go = True
        await task

    @property
    def last(self) -> dict[str, Any]:
        """The status as it was patched last."""
        return self.statuses[-1] if self.statuses else {}

    def condition(self, kind: str) -> dict[str, Any]:
        """A condition of the last status."""
        return next((one for one in self.last.get("conditions", ()) if one["type"] == kind), {})


class Run(Daemon):
    """The daemon of a test."""

    def __init__(self, world: World, directory: Path, body: dict[str, Any]) -> None:
        self.cluster = MemoryCluster(world.api)
        super().__init__(world, directory, body, self.cluster)

    async def carry_out(self) -> None:
        await run_test(self.context, self.body, self.stopped, self.announce)
