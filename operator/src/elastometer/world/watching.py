"""Follows one kind of object, and reports as a gap every time in which it was not watched.

First a list (its items are LISTED: their time does not say when they changed), then a watch from the list's version.
After a loss the watch resumes from the last version seen, so that no change is missed; but the changes that it then
catches up on happened within the gap, at an unknown time. A fence, the version that was current when the connection was
back, separates the two: what comes before it is LISTED (or DELETED), dated with the end of the gap. An expired version
(410) means to list again: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
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

PAGE = 500  # objects per answer of a list, as kubectl asks for
WATCH_SECONDS = 290  # below the five minutes after which many proxies cut a connection
GRACE_SECONDS = 15  # a server that has not ended the watch by then is gone
SETTLED_SECONDS = 5.0  # a watch that lasted this long, or delivered a line, worked: its end is not a failure
# The API's own times are whole seconds, so a shorter pause between two watches hides nothing and is not a gap.
UNNOTICED = timedelta(seconds=1)
EXPIRED = 410
MALFORMED = (orjson.JSONDecodeError, KeyError, TypeError, AttributeError)  # what answered is not an API server


@dataclass(frozen=True, slots=True)
class Observed:
    """One object as it was at one instant. `received` is on the operator's clock; for LISTED it is the time of the
    list or of the end of a gap, not that of the change."""

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
    """From now on every change is seen when it happens."""

    since: datetime


@dataclass(frozen=True, slots=True)
class Broken:
    """The watch is down and will be opened again; `refused` when the API server does not allow or know it."""

    reason: str
    refused: bool


News = Observed | Gap | Watching | Broken


class ResourceWatch:
    """One watch and what it knows: `items` holds the newest of each object by name."""

    def __init__(self, reader: ApiReader, watched: Watched, clock: Clock) -> None:
        self.watched = watched
        self.items: dict[str, Json] = {}
        self._reader = reader
        self._clock = clock
        self._backoff = Backoff()
        self._version: str | None = None
        self._alive: datetime | None = None  # until when everything is known to have been seen
        # The same before the current connection. The API server accepts a watch from an expired version with 200 and
        # sends the 410 as its first line: until a line proves otherwise, this connection may never have watched.
        self._unproven: datetime | None = None
        self._lost: str | None = None  # why nothing is watched; None while a watch is open
        self._fence: tuple[str, datetime] | None = None  # (version, end of the gap)

    async def news(self) -> AsyncIterator[News]:
        """Everything that is seen or missed, until cancelled."""
        while True:
            try:
                async for piece in self._connection():
                    yield piece
            except (Refused, *MALFORMED, *UNREACHABLE) as error:
                self._lost = f"{type(error).__name__}: {error}"[:300].rstrip(": ")
                status = error.status if isinstance(error, Refused) else None
                if status == EXPIRED:
                    self._version, self._alive = None, self._unproven or self._alive
                yield Broken(self._lost, status in (401, 403, 404))
                await self._clock.sleep(self._backoff.next_seconds())

    async def _connection(self) -> AsyncIterator[News]:
        """One connection: catches up, then watches until the stream ends."""
        if self._version is None:
            async for piece in self._list():
                yield piece
        elif self._lost is not None:
            yield await self._resume()
        opened = self._clock.monotonic()
        # Bookmarks keep the version fresh where nothing changes, so that a resumed watch seldom meets a 410.
        query = {**self.watched.selector, "watch": "1", "resourceVersion": str(self._version),
                 "allowWatchBookmarks": "true", "timeoutSeconds": str(WATCH_SECONDS)}
        async with self._reader.lines(self.watched.path, query, WATCH_SECONDS + GRACE_SECONDS) as lines:
            self._unproven = before = self._alive
            self._alive, self._lost = self._clock.now(), None
            if before and self._alive - before > UNNOTICED:
                yield Gap(before, self._alive, "the API server was slow to open the watch")
                self._unproven = self._alive
                self._fence = self._fence and (self._fence[0], self._alive)
            yield Watching(self._alive)
            lines_read = 0
            async for line in lines:
                lines_read += 1
                self._backoff.reset()
                if (seen := self._decode(line)) is not None:
                    yield seen
        if not lines_read and self._clock.monotonic() - opened < SETTLED_SECONDS:
            raise Unavailable("the watch ended as soon as it began")
        self._alive = self._clock.now()
        self._backoff.reset()

    async def _resume(self) -> Gap:
        """Reports the gap, and sets the fence between what happened in it and what is seen from now on."""
        # A list of one item is the least expensive way to read the current version of the collection.
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
        # Another uid under the same name is another object: the old one was deleted while nothing was watched.
        for name in [name for name in self.items if _uid(found.get(name)) != _uid(self.items[name])]:
            yield Observed("DELETED", self.items.pop(name), received)
        for name, item in found.items():
            if not _same(item, self.items.get(name)):
                self.items[name] = item
                yield Observed("LISTED", item, received)

    async def _pages(self) -> tuple[dict[str, Json], str, datetime]:
        """All objects by name, the version of the list, and when its last page was received."""
        found: dict[str, Json] = {}
        query = {**self.watched.selector, "limit": str(PAGE)}
        while True:
            answer = await self._reader.get(self.watched.path, query)
            for item in answer.document.get("items") or []:
                if self._keeps(item):
                    found[item["metadata"]["name"]] = self.watched.kept(item)
            metadata = answer.document["metadata"]
            if not metadata.get("continue"):
                return found, metadata["resourceVersion"], answer.received
            query["continue"] = metadata["continue"]

    def _decode(self, line: Line) -> Observed | None:
        """The object on a line; None for a bookmark, an object that is not kept, or one that is known already."""
        event: dict[str, Any] = orjson.loads(line.content)
        item = event["object"]
        if event["type"] == "ERROR":
            # A Status object instead of an answer's status: the stream had begun with 200. 410 is the common one.
            code, said = int(item.get("code", 500)), str(item.get("message", item))
            raise Unavailable(said) if may_pass(code) else Refused(code, said)
        self._version, self._alive, self._unproven = item["metadata"]["resourceVersion"], line.received, None
        if event["type"] == "BOOKMARK" or not self._keeps(item):
            return None
        kind, received = self._date(event["type"], line)
        kept = self.watched.kept(item)
        name = item["metadata"]["name"]
        if kind == "DELETED":
            self.items.pop(name, None)
        elif _same(kept, self.items.get(name)):
            return None
        else:
            self.items[name] = kept
        return Observed(kind, kept, received)

    def _keeps(self, item: Json) -> bool:
        return item["metadata"]["name"] in self.items or self.watched.keeps(item)

    def _date(self, kind: str, line: Line) -> tuple[str, datetime]:
        """The type and time of a line: up to the fence those of the gap, beyond it the line's own."""
        if self._fence is None:
            return kind, line.received
        version, gap_end = self._fence
        if _is_after(self._version, version):
            self._fence = None
            return kind, line.received
        return "DELETED" if kind == "DELETED" else "LISTED", gap_end


def _is_after(version: str | None, other: str) -> bool:
    """Versions are compared as numbers, as Kubernetes documents since 1.35 and etcd has always numbered them."""
    return not (version or "").isdigit() or not other.isdigit() or int(version or 0) > int(other)


def _uid(item: Json | None) -> Any:
    return item["metadata"].get("uid") if item else None


def _same(item: Json, known: Json | None) -> bool:
    """Whether nothing changed, by the version or, where none is kept (nodes), by the rest of the object."""
    if known is None:
        return False
    version = item["metadata"].get("resourceVersion")
    if version is None:
        return item == known
    return bool(version == known["metadata"].get("resourceVersion") and _uid(item) == _uid(known))
