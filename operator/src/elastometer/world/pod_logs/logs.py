"""Follows the server containers' logs from start to end, because a log vanishes with its Pod; `stored_log` says what of
it is kept.

Lines carry the kubelet's timestamp (nanoseconds, the node's clock). After a lost connection or a restart of the
operator, reading resumes one second before the last timestamp, and lines that are stored already are left out.
"""
from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta

from elastometer.model.names import COMPONENT_LABEL, SERVER
from elastometer.model.times import format_instant
from elastometer.world.api_reader import UNREACHABLE, ApiReader, Line
from elastometer.world.backoff import Backoff
from elastometer.world.clock import Clock
from elastometer.world.cluster import Refused
from elastometer.world.pod_logs.stored_log import MAX_LINES, MAX_NOTABLE_LINES, StoredLog
from elastometer.world.watched import Json

MAX_CHARACTERS = 1_000
COUNT_SECONDS = 30  # between two accounts of what was only counted: a killed operator loses no more
LINGER_SECONDS = 10  # the stream of a deleted Pod may still deliver its last lines
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")

Sink = Callable[[Json], None]


class PodLog:
    """The log of one Pod's server container, through all its restarts."""

    def __init__(self, reader: ApiReader, namespace: str, pod: str, clock: Clock, sink: Sink, known: StoredLog) -> None:
        self.restarts = 0
        self.gone = False
        self._path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        self._reader, self._pod, self._clock, self._sink, self._known = reader, pod, clock, sink, known
        self._read_restarts = 0
        self._cut_noted = known.other_lines > 0
        self._accounted, self._accounted_at = (known.access_lines, known.other_lines), clock.now()

    async def follow(self) -> None:
        """Stores line after line until the Pod is gone."""
        backoff = Backoff()
        try:
            while not self.gone:
                before = self._known.seen
                # The kubelet keeps the log of the previous container only: a crash must be read before the next one.
                if self.restarts > self._read_restarts:
                    self._read_restarts = self.restarts
                    await self._read({"previous": "true"})
                await self._read({"follow": "true"})
                if self.gone:
                    return
                if self._known.seen > before:
                    backoff.reset()
                await self._clock.sleep(backoff.next_seconds())
        finally:
            self._account()

    async def _read(self, how: dict[str, str]) -> None:
        query = {"container": SERVER, "timestamps": "true", **how, **self._known.since()}
        try:
            async with self._reader.lines(self._path, query, None) as lines:
                async for line in lines:
                    self._store(line)
        except (Refused, *UNREACHABLE):
            return  # not started yet, gone, or the kubelet is unreachable: `follow` tries again

    def _store(self, line: Line) -> None:
        stamp, _, text = line.content.decode(errors="replace").partition(" ")
        if not STAMP.fullmatch(stamp):
            return  # a message of the kubelet itself, e.g. that the log was not found
        # A progress bar rewrites its line; what a terminal would show in the end is kept, and what follows the bar.
        text = text.rstrip("\r").rpartition("\r")[2][:MAX_CHARACTERS]
        if self._known.is_stored(stamp, text):
            self._sink({"kind": "Log", "receivedTime": format_instant(line.received), "pod": self._pod,
                        "container": SERVER, "time": stamp, "line": text})
        elif self._known.other_lines and not self._cut_noted:
            self._note_cut()
        if self._clock.now() - self._accounted_at >= timedelta(seconds=COUNT_SECONDS):
            self._account()

    def _note_cut(self) -> None:
        self._cut_noted = True
        self._sink({"kind": "Note", "receivedTime": format_instant(self._clock.now()), "reason": "LogTruncated",
                    "message": f"of the log of Pod {self._pod} only the first {MAX_LINES:,} lines, and the first "
                               f"{MAX_NOTABLE_LINES:,} of warnings and errors, are kept"})

    def _account(self) -> None:
        """Writes how many lines were counted only, if there are more than at the last time."""
        self._accounted_at = self._clock.now()
        counted = self._known.access_lines, self._known.other_lines
        if counted == self._accounted or self._known.last is None:
            return
        self._accounted = counted
        self._sink({"kind": "LogCount", "receivedTime": format_instant(self._accounted_at), "pod": self._pod,
                    "container": SERVER, "time": format_instant(self._known.last), "accessLines": counted[0],
                    "otherLines": counted[1]})


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
