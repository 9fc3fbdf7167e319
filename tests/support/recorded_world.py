"""One recorder of the operator on the fake API server: what a test puts into the world, and what was stored of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from kubernetes.aio.client import ApiClient

from elastometer.model.names import Names
from elastometer.world.recorder import Recorder
from elastometer.world.run_store import RunStore
from support.clocks import SteppedClock
from support.fake_api import FakeApi

NAMES = Names("team", "shop", "12345678-9")


class World:
    """One recorder on one fake API server, with what it stored so far."""

    def __init__(self, api: FakeApi, clock: SteppedClock, client: ApiClient, directory: Path) -> None:
        self.api, self.clock, self.client, self.directory = api, clock, client, directory
        self.names = NAMES

    @asynccontextmanager
    async def recording(self, **options: Any) -> AsyncIterator[Recorder]:
        store = RunStore(self.directory)
        recorder = Recorder(self.client, NAMES, store, self.clock, **options)
        task = asyncio.create_task(recorder.run())
        try:
            yield recorder
        finally:
            task.cancel()
            await asyncio.wait([task])
            store.close()

    def seen(self, kind: str) -> list[dict[str, Any]]:
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
