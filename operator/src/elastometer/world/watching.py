"""Follows one kind of object without ever pretending: what was not watched is told as a gap.

First a list (its items are LISTED: their time says nothing), then a watch from the list's version. After a loss the
watch goes on from the last version seen, so that no change is missed; but what it then catches up on happened within
the gap, at a time nobody saw. A fence, the version that was current when the connection was back, tells the two apart:
catching up comes as LISTED (or DELETED) with the gap's end as its time. An expired version (410) means to list again.
"""
from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from elastometer.world.api_reader import UNREACHABLE, ApiReader, Line, Unavailable
from elastometer.world.backoff import Backoff
from elastometer.world.clock import Clock
from elastometer.world.cluster import Refused, may_pass
from elastometer.world.watched import Json, Watched

PAGE = 500
WATCH_SECONDS = 290  # below the five minutes after which proxies cut
GRACE_SECONDS = 15  # a server that does not end the watch in time is gone
SETTLED_SECONDS = 5.0  # a watch that lived so long, or told anything, did work
UNNOTICED = timedelta(seconds=1)  # the API's own times are no finer: a shorter pause between two watches is no gap
EXPIRED = 410
MALFORMED = (orjson.JSONDecodeError, KeyError, TypeError, AttributeError)  # whatever answered, it is no API server


@dataclass(frozen=True, slots=True)
class Seen:
    """One object at one look. `received` is on the operator's clock; for LISTED it is the look's, not the change's."""

    type: str
    item: Json
    received: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """Between these instants (operator's clock) nothing was watched."""

    start: datetime
    end: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Watching:
    """From now on every change is seen as it comes."""

    since: datetime


@dataclass(frozen=True, slots=True)
class Broken:
    """The watch is down and will be tried again; `refused` when the API server forbids it."""

    reason: str
    refused: bool


News = Seen | Gap | Watching | Broken


class ResourceWatch:
    """One watch and what it knows: `items` holds the newest of each object by name."""

    def __init__(self, reader: ApiReader, watched: Watched, clock: Clock) -> None:
        self.watched = watched
        self.items: dict[str, Json] = {}
        self._reader = reader
        self._clock = clock
        self._backoff = Backoff()
        self._version: str | None = None
        self._alive: datetime | None = None  # when this watch last told something
        self._unproven: datetime | None = None  # the same before this connection, which may turn out to be expired
        self._lost: str | None = None  # why it is not watching, while it is not
        self._fence: tuple[str, datetime] | None = None

    async def news(self) -> AsyncIterator[News]:
        """Everything there is to tell, until cancelled."""
        while True:
            try:
                async for piece in self._life():
                    yield piece
            except (Refused, *MALFORMED, *UNREACHABLE) as error:
                self._lost = f"{type(error).__name__}: {error}"[:300].rstrip(": ")
                status = error.status if isinstance(error, Refused) else None
                if status == EXPIRED:
                    self._version, self._alive = None, self._unproven or self._alive
                yield Broken(self._lost, status in (401, 403, 404))
                await self._clock.sleep(self._backoff.next_seconds())

    async def _life(self) -> AsyncIterator[News]:
        """One connection: catches up, then watches until the stream ends."""
        if self._version is None:
            async for piece in self._list():
                yield piece
        elif self._lost is not None:
            yield await self._resume()
        opened = self._clock.monotonic()
        query = {**self.watched.selector, "watch": "1", "resourceVersion": str(self._version),
                 "allowWatchBookmarks": "true", "timeoutSeconds": str(WATCH_SECONDS)}
        async with self._reader.lines(self.watched.path, query, WATCH_SECONDS + GRACE_SECONDS) as lines:
            self._unproven = before = self._alive
            self._alive, self._lost = self._clock.now(), None
            if before and self._alive - before > UNNOTICED:
                yield Gap(before, self._alive, "the API server took long to open the watch")
                self._unproven = self._alive
                self._fence = self._fence and (self._fence[0], self._alive)
            yield Watching(self._alive)
            told = 0
            async for line in lines:
                told += 1
                self._backoff.reset()
                if (seen := self._take(line)) is not None:
                    yield seen
        if not told and self._clock.monotonic() - opened < SETTLED_SECONDS:
            raise Unavailable("the watch ended as soon as it began")
        self._alive = self._clock.now()
        self._backoff.reset()

    async def _resume(self) -> Gap:
        """Names the gap, and sets the fence between what happened in it and what is seen from now on."""
        answer = await self._reader.get(self.watched.path, {**self.watched.selector, "limit": "1"})
        gap = Gap(self._alive or answer.received, answer.received, self._lost or "")
        self._fence = (answer.document["metadata"]["resourceVersion"], answer.received)
        self._alive = answer.received
        return gap

    async def _list(self) -> AsyncIterator[News]:
        found, version, received = await self._pages()
        if self._alive is not None:
            yield Gap(self._alive, received, self._lost or "the watch had to list again")
        self._version, self._alive, self._fence = version, received, None
        for name in [name for name in self.items if _uid(found.get(name)) != _uid(self.items[name])]:
            yield Seen("DELETED", self.items.pop(name), received)
        for name, item in found.items():
            if not _same(item, self.items.get(name)):
                self.items[name] = item
                yield Seen("LISTED", item, received)

    async def _pages(self) -> tuple[dict[str, Json], str, datetime]:
        """All objects by name, the version they are of, and when the last of them came."""
        found: dict[str, Json] = {}
        query = {**self.watched.selector, "limit": str(PAGE)}
        while True:
            answer = await self._reader.get(self.watched.path, query)
            for item in answer.document.get("items") or []:
                if self.watched.keeps(item):
                    found[item["metadata"]["name"]] = self.watched.kept(item)
            metadata = answer.document["metadata"]
            if not metadata.get("continue"):
                return found, metadata["resourceVersion"], answer.received
            query["continue"] = metadata["continue"]

    def _take(self, line: Line) -> Seen | None:
        """What a line says, if it says anything new."""
        event: dict[str, Any] = orjson.loads(line.content)
        item = event["object"]
        if event["type"] == "ERROR":
            # A Status object instead of an answer's status: the stream had begun with 200. 410 is the common one.
            code, said = int(item.get("code", 500)), str(item.get("message", item))
            raise Unavailable(said) if may_pass(code) else Refused(code, said)
        self._version, self._alive, self._unproven = item["metadata"]["resourceVersion"], line.received, None
        if event["type"] == "BOOKMARK" or not self.watched.keeps(item):
            return None
        kind, received = self._dated(event["type"], line)
        kept = self.watched.kept(item)
        name = item["metadata"]["name"]
        if kind == "DELETED":
            self.items.pop(name, None)
        elif _same(kept, self.items.get(name)):
            return None
        else:
            self.items[name] = kept
        return Seen(kind, kept, received)

    def _dated(self, kind: str, line: Line) -> tuple[str, datetime]:
        """The type and time of a line: within the fence they are the gap's, beyond it the line's own."""
        if self._fence is None:
            return kind, line.received
        version, gap_end = self._fence
        if _is_after(self._version, version):
            self._fence = None
            return kind, line.received
        return "DELETED" if kind == "DELETED" else "LISTED", gap_end


def _is_after(version: str | None, other: str) -> bool:
    """Versions are numbers of one sequence (Kubernetes 1.35 promises it, etcd always kept it)."""
    return not (version or "").isdigit() or not other.isdigit() or int(version or 0) > int(other)


def _uid(item: Json | None) -> Any:
    return item["metadata"].get("uid") if item else None


def _same(item: Json, known: Json | None) -> bool:
    """Whether nothing changed: the version says so, and where none was kept, the rest of the object."""
    if known is None:
        return False
    version = item["metadata"].get("resourceVersion")
    if version is None:
        return item == known
    return bool(version == known["metadata"].get("resourceVersion") and _uid(item) == _uid(known))
