"""One daemon of one study on the fake API server: its writes go into what the server lists, its waiting moves time."""
from __future__ import annotations

import asyncio
import itertools
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from elastometer.controller.study.daemon import run_study
from elastometer.model.names import Names
from elastometer.world.cluster import Refused
from support.daemon_run import Daemon, MemoryCluster
from support.fake_api import FakeApi
from support.recorded_world import World

ROOT = Path(__file__).parents[2]
TESTS = "/apis/elastometer.dev/v1alpha1/namespaces/staging/elasticitytests"
MAPS = "/api/v1/namespaces/staging/configmaps"
FACT = {"compared": 2, "verdict": "Pass", "message": "queue meets all objectives", "best": "queue",
        "sentence": "queue is best."}
ANSWER = {"files": {"report.md": "# so far", "report.json": "{}", "report.html": "<html>", "junit.xml": "<x/>"},
          "fact": FACT}


def answering(answer: Any) -> Callable[[Path, int | None], list[str]]:
    """A program that answers at once."""
    return lambda directory, most: [sys.executable, "-S", "-c", f"print({orjson.dumps(answer).decode()!r})"]


class StudyCluster(MemoryCluster):
    """As the cluster of a test, with a uid for each object, dry runs that can be refused, and data that is replaced."""

    def __init__(self, api: FakeApi) -> None:
        super().__init__(api)
        self.refused: dict[str, Refused] = {}
        self.dry_runs: list[str] = []
        self.created: list[str] = []
        self.published: list[dict[str, str]] = []
        self.studies_there: list[dict[str, Any]] = []
        self._numbers = itertools.count(1)

    async def request(  # type: ignore[override]
            self, method: str, path: str, body: Any = None, *, query: Mapping[str, str] | None = None,
            content_type: str = "application/json") -> dict[str, Any]:
        if method == "GET" and path.endswith("elasticitytests"):
            return {"items": list(self.api.objects.get(path, {}).values())}
        if path.endswith("elasticitystudies"):
            return {"items": self.studies_there}
        if method == "PATCH" and path.startswith(MAPS):
            self._take(path)
            self.api.objects[MAPS][path.rpartition("/")[2]]["data"] = body["data"]
            self.published.append(body["data"])
            return {}
        return await super().request(method, path, body, query=query, content_type=content_type)

    async def _post(self, path: str, body: Any, dry: bool) -> dict[str, Any]:
        name = body["metadata"]["name"]
        if dry:
            self.dry_runs.append(name)
        if name in self.api.objects.get(path, {}):
            raise Refused(409, "already exists")
        self._take(name)
        number = next(self._numbers)
        made = orjson.loads(orjson.dumps(body))
        made["metadata"] |= {"uid": f"{number:08}-0000", "generation": 1, "creationTimestamp": "2026-11-21T05:00:00Z"}
        if not dry:
            await self.api.put(path, made)
            if path == TESTS:
                self.created.append(name)
            else:
                self.published.append(made["data"])
        return dict(made)

    def _take(self, name: str) -> None:
        if name in self.refused:
            raise self.refused[name]


class StudyDaemon(Daemon):
    """The daemon of a study; `restart_and` loses what only the process knew."""

    def __init__(self, world: World, directory: Path, body: dict[str, Any]) -> None:
        self.cluster, self.generation = StudyCluster(world.api), 1
        super().__init__(world, directory, body, self.cluster)

    async def carry_out(self) -> None:
        await run_study(self.context, self.body, lambda: self.generation, self.stopped, self.announce)

    async def restart_and(self, condition: Callable[[], object]) -> None:
        """Another process with the status as served, until the condition holds."""
        self.body = {**self.body, "status": {key: value for key, value in self.last.items() if value is not None}}
        await self.until(condition)

    async def to_the_end(self, verdicts: Mapping[str, str | None] | None = None) -> None:
        """Ends each run as soon as it was created, with a Pass or as `verdicts` say, until the study has ended."""
        playing = asyncio.create_task(self._play(verdicts or {}))
        try:
            await self.until(self.has_ended)
        finally:
            playing.cancel()

    async def _play(self, verdicts: Mapping[str, str | None]) -> None:
        while True:
            for name in self.tests:
                if "status" not in self.tests[name]:
                    await self.end(name, verdicts.get(name, "Pass"))
            await asyncio.sleep(0.002)

    async def end(self, name: str, verdict: str | None = "Pass") -> None:
        """A run ends as the daemon of its test ends it, with the report of the golden run."""
        test = self.tests[name]
        state, reason = ("True", "RunCompleted") if verdict else ("False", "LoadJobFailed")
        if verdict:
            directory = self.context.data / Names("staging", name, test["metadata"]["uid"]).run_directory
            directory.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / "tests/golden/report.json", directory / "report.json")
            (directory / "spec.json").write_bytes(orjson.dumps({"metadata": test["metadata"], "spec": test["spec"]}))
        at = "2026-11-21T05:00:00Z"
        succeeded = {"type": "Succeeded", "status": state, "reason": reason, "message": "so it ended",
                     "lastTransitionTime": at}
        status = {"conditions": [succeeded], "startTime": at, "completionTime": at,
                  "verdict": verdict or "Inconclusive"}
        await self.world.api.put(TESTS, {**test, "status": status})

    @property
    def tests(self) -> dict[str, Any]:
        """The tests in the cluster."""
        return dict(self.world.api.objects.get(TESTS, {}))

    def has_ended(self) -> bool:
        """Whether the study is over."""
        return "completionTime" in self.last

    def states(self) -> dict[str, str]:
        """How far each run is."""
        return {run["name"]: run["state"] for run in self.last.get("runs", ())}
