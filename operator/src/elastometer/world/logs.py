"""Follows the server containers' logs from their start, because a log vanishes with its Pod.

Lines carry the kubelet's timestamp (nanoseconds, the node's clock). After a lost connection or a restart of the
operator, reading resumes one second before the last timestamp, and lines that are stored already are left out.
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

MAX_LINES = 5_000  # per Pod: the start of vLLM takes hundreds, the rest is its access log
MAX_CHARACTERS = 1_000
# The API cuts `sinceTime` to whole seconds, and the lines of stdout and stderr may come out of order.
OVERLAP = timedelta(seconds=2)
LINGER_SECONDS = 10  # the stream of a deleted Pod may still deliver its last lines
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")

Sink = Callable[[Json], None]


class StoredLog:
    """What is stored of one Pod's log: the number of lines, and the last seconds of them to recognize repetitions."""

    def __init__(self) -> None:
        self.count = 0
        self.last: datetime | None = None
        self._recent: dict[tuple[str, str], datetime] = {}

    def is_new(self, stamp: str, line: str) -> bool:
        """Remembers the line; False when it is stored already, or is too old to be anything but a repetition."""
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
        """The query for the rest of the log, with an overlap; the whole log when nothing is stored."""
        if self.last is None:
            return {}
        return {"sinceTime": format_seconds(self.last - OVERLAP / 2)}


def stored_logs(observations: Path) -> dict[str, StoredLog]:
    """What was stored before a restart of the operator, by Pod."""
    known: dict[str, StoredLog] = {}
    for record in _stored(observations):
        if "time" in record:
            known.setdefault(record["pod"], StoredLog()).is_new(record["time"], record["line"])
    return known


def _stored(observations: Path) -> Iterator[Json]:
    if observations.exists():
        with observations.open("rb") as file:
            # Only what the recorder itself wrote, with its order of keys: the other lines need not be decoded.
            yield from (orjson.loads(line) for line in file if line.startswith(b'{"kind":"Log"'))


class PodLog:
    """The log of one Pod's server container, through all its restarts."""

    def __init__(self, reader: ApiReader, namespace: str, pod: str, clock: Clock, sink: Sink, known: StoredLog) -> None:
        self.restarts = 0
        self.gone = False
        self._path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        self._reader, self._pod, self._clock, self._sink, self._known = reader, pod, clock, sink, known
        self._read_restarts = 0

    async def follow(self) -> None:
        """Stores line after line until the Pod is gone or the limit is reached."""
        backoff = Backoff()
        while self._known.count < MAX_LINES:
            before = self._known.count
            # The kubelet keeps the log of the previous container only: a crash must be read before the next one.
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
                    "message": f"only the first {MAX_LINES} lines of the log of Pod {self._pod} are kept"})

    async def _read(self, how: dict[str, str]) -> None:
        query = {"container": SERVER, "timestamps": "true", **how, **self._known.since()}
        try:
            async with self._reader.lines(self._path, query, None) as lines:
                async for line in lines:
                    self._store(line)
                    if self._known.count >= MAX_LINES:
                        return
        except (Refused, *UNREACHABLE):
            return  # not started yet, gone, or the kubelet is unreachable: `follow` tries again

    def _store(self, line: Line) -> None:
        stamp, _, text = line.content.decode(errors="replace").partition(" ")
        if not STAMP.fullmatch(stamp):
            return  # a message of the kubelet itself, e.g. that the log was not found
        # A progress bar rewrites its line; what a terminal would show in the end is kept, and what follows the bar.
        text = text.rstrip("\r").rpartition("\r")[2][:MAX_CHARACTERS]
        if self._known.is_new(stamp, text):
            self._sink({"kind": "Log", "receivedTime": format_instant(line.received), "pod": self._pod,
                        "container": SERVER, "time": stamp, "line": text})


class PodLogs:
    """A follower for each server Pod whose container has started, for as long as the Pod exists."""

    def __init__(self, reader: ApiReader, namespace: str, clock: Clock, sink: Sink) -> None:
        self._reader, self._namespace, self._clock, self._sink = reader, namespace, clock, sink
        self._known: dict[str, StoredLog] = {}
        self._followed: dict[str, tuple[PodLog, asyncio.Task[None]]] = {}

    def resume(self, known: dict[str, StoredLog]) -> None:
        """Continues where the operator stopped before its restart."""
        self._known = known

    def saw(self, kind: str, pod: Json, group: asyncio.TaskGroup) -> None:
        """Takes one state of a Pod: starts its follower when its container has started, ends it with the Pod."""
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        if uid not in self._followed:
            if kind == "DELETED" or not _server_started(pod):
                return
            log = PodLog(self._reader, self._namespace, name, self._clock, self._sink,
                         self._known.setdefault(name, StoredLog()))
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
    return next((status for status in statuses if status.get("name") == SERVER), {})
