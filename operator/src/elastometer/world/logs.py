"""Follows the server containers' logs from their start, since a log vanishes with its pod.

Lines carry the kubelet's stamp (nanoseconds, the node's clock). Reading starts again a second before the last stamp,
after a lost connection as after a restart of the operator, and what is known already is left out.
"""
from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import orjson

from elastometer.model.names import COMPONENT_LABEL, SERVER
from elastometer.model.times import format_instant, format_seconds, parse_instant
from elastometer.world.api_reader import UNREACHABLE, ApiReader, Line
from elastometer.world.backoff import Backoff
from elastometer.world.clock import Clock
from elastometer.world.cluster import Refused
from elastometer.world.watched import Json

CONTAINER = "server"
MAXIMUM_LINES = 5_000  # of one pod: a start takes hundreds, the rest is access log
MAXIMUM_CHARACTERS = 1_000
OVERLAP = timedelta(seconds=2)  # the API cuts `sinceTime` to seconds; a container's two streams may be out of order
LINGER_SECONDS = 10  # what a deleted pod's stream may still hold
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")

Sink = Callable[[Json], None]


class Known:
    """What is stored of one pod's log: how many lines, and the last two seconds of them to tell repetition by."""

    def __init__(self) -> None:
        self.count = 0
        self.last: datetime | None = None
        self._recent: dict[tuple[str, str], datetime] = {}

    def is_new(self, stamp: str, line: str) -> bool:
        """Remembers the line; False when it was there already, or is older than anything a repetition is asked for."""
        instant = parse_instant(stamp)
        if (stamp, line) in self._recent or (self.last and instant < self.last - OVERLAP):
            return False
        self._recent[stamp, line] = instant
        self.count += 1
        if self.last is None or instant > self.last:
            if self.last and int(instant.timestamp()) > int(self.last.timestamp()):
                self._recent = {key: at for key, at in self._recent.items() if at >= instant - 2 * OVERLAP}
            self.last = instant
        return True

    def since(self) -> dict[str, str]:
        """The query that asks for the rest, with an overlap; everything when nothing is known."""
        if self.last is None:
            return {}
        return {"sinceTime": format_seconds(self.last - OVERLAP / 2)}


def known_of(observations: Path) -> dict[str, Known]:
    """What an earlier life of the operator stored, by pod."""
    known: dict[str, Known] = {}
    for record in _stored(observations):
        if "time" in record:
            known.setdefault(record["pod"], Known()).is_new(record["time"], record["line"])
    return known


def _stored(observations: Path) -> Iterator[Json]:
    if observations.exists():
        with observations.open("rb") as file:
            yield from (orjson.loads(line) for line in file if line.startswith(b'{"kind":"Log"'))


class PodLog:
    """The log of one pod's server container, through all its restarts."""

    def __init__(self, reader: ApiReader, namespace: str, pod: str, clock: Clock, sink: Sink, known: Known) -> None:
        self.restarts = 0
        self.gone = False
        self._path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        self._reader, self._pod, self._clock, self._sink, self._known = reader, pod, clock, sink, known
        self._read_restarts = 0

    async def follow(self) -> None:
        """Stores line after line until the pod is gone or the limit is reached."""
        backoff = Backoff()
        while self._known.count < MAXIMUM_LINES:
            before = self._known.count
            if self.restarts > self._read_restarts:
                self._read_restarts = self.restarts
                await self._read({"previous": "true"})
            await self._read({"follow": "true"})
            if self.gone:
                return
            if self._known.count > before:
                backoff.reset()
            await self._clock.sleep(backoff.next_seconds())
        self._sink({"kind": "Note", "receivedTime": format_instant(self._clock.now()), "reason": "LogTruncated",
                    "message": f"of the log of pod {self._pod} only the first {MAXIMUM_LINES} lines are kept"})

    async def _read(self, how: dict[str, str]) -> None:
        query = {"container": CONTAINER, "timestamps": "true", **how, **self._known.since()}
        try:
            async with self._reader.lines(self._path, query, None) as lines:
                async for line in lines:
                    self._store(line)
                    if self._known.count >= MAXIMUM_LINES:
                        return
        except (Refused, *UNREACHABLE):
            return  # not started yet, gone, or the kubelet is away: the follower comes back

    def _store(self, line: Line) -> None:
        stamp, _, text = line.content.decode(errors="replace").partition(" ")
        if not STAMP.fullmatch(stamp):
            return  # the kubelet's own words, e.g. that the log was not found
        text = text[:MAXIMUM_CHARACTERS]
        if self._known.is_new(stamp, text):
            self._sink({"kind": "Log", "receivedTime": format_instant(line.received), "pod": self._pod,
                        "container": CONTAINER, "time": stamp, "line": text})


class PodLogs:
    """A follower for each server pod whose container has started, for as long as the pod is there."""

    def __init__(self, reader: ApiReader, namespace: str, clock: Clock, sink: Sink) -> None:
        self._reader, self._namespace, self._clock, self._sink = reader, namespace, clock, sink
        self._known: dict[str, Known] = {}
        self._followed: dict[str, tuple[PodLog, asyncio.Task[None]]] = {}

    def resume(self, known: dict[str, Known]) -> None:
        """Goes on where an earlier life of the operator stopped."""
        self._known = known

    def saw(self, kind: str, pod: Json, group: asyncio.TaskGroup) -> None:
        """Looks at one state of a pod; starts its follower when its container has started, ends it when it is gone."""
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        if uid not in self._followed:
            if kind == "DELETED" or not _server_started(pod):
                return
            log = PodLog(self._reader, self._namespace, name, self._clock, self._sink,
                         self._known.setdefault(name, Known()))
            self._followed[uid] = log, group.create_task(log.follow(), name=f"log of {name}")
        log, following = self._followed[uid]
        log.restarts = max(log.restarts, _restarts(pod))
        if kind == "DELETED" and not log.gone:
            log.gone = True
            group.create_task(self._end(following), name=f"end of the log of {name}")

    async def _end(self, following: asyncio.Task[None]) -> None:
        await self._clock.sleep(LINGER_SECONDS)
        following.cancel()


def _server_started(pod: Json) -> bool:
    if (pod["metadata"].get("labels") or {}).get(COMPONENT_LABEL) != SERVER:
        return False
    status = _status(pod)
    return bool(status and ({"running", "terminated"} & set(status.get("state") or {}) or status.get("restartCount")))


def _restarts(pod: Json) -> int:
    return int(_status(pod).get("restartCount") or 0)


def _status(pod: Json) -> Json:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return next((status for status in statuses if status.get("name") == CONTAINER), {})
