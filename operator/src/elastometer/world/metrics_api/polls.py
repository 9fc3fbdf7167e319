"""Polls the metrics APIs with the autoscaler's own queries, at about the instants of its syncs.

The HPA publishes the mean that it acted on, but not which Pods had a sample. A write of its status ends a sync: the
poll follows within milliseconds and mostly gets the answer that the controller had. A sync that changes nothing writes
nothing, so a poll is also made where the next sync is due.
"""
from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from elastometer.model.times import format_instant
from elastometer.plan import HPA_SYNC_SECONDS
from elastometer.world.api_reader import UNREACHABLE, ApiReader, Unavailable
from elastometer.world.clock import Clock
from elastometer.world.cluster import Refused
from elastometer.world.metrics_api.queries import MetricsQuery, queries_of, samples_of
from elastometer.world.watched import Json
from elastometer.world.watching import MALFORMED

# A sync that changes something is written within this time; after it, the sync is taken to have changed nothing.
SETTLE_SECONDS = 0.3
# The controller starts its period when a sync has ended. Adding what a sync takes keeps the polls in step with an
# autoscaler that writes nothing for an hour.
WORK_SECONDS = 0.02
# On average between two queries: at most eight a minute, however short the sync period is. The metrics adapter may
# have to query Prometheus for each.
SECONDS_PER_QUERY = 7.5


class AutoscalerPolls:
    """The polls of one run. `latest` gives the autoscaler under test and its target, None while one of the two is
    missing; `sink` takes observations."""

    def __init__(self, reader: ApiReader, latest: Callable[[], tuple[Json, Json] | None], clock: Clock,
                 sink: Callable[[Json], None]) -> None:
        self._reader, self._latest, self._clock, self._sink = reader, latest, clock, sink
        self._status: Any = None
        self._written = asyncio.Event()
        self._free_at = 0.0  # on the monotonic clock: when the next query may be made

    def saw(self, autoscaler: Json) -> None:
        """Takes each line of the autoscaler's watch."""
        # Metadata change too, e.g. by kubectl apply; only a new status marks the end of a sync.
        if autoscaler.get("status") != self._status:
            self._status = autoscaler.get("status")
            self._written.set()

    async def run(self) -> None:
        """Polls until cancelled; makes no query while the autoscaler has no metric of Pods."""
        due: float | None = None
        while True:
            await self._until(due)
            queries = self._queries()
            if self._written.is_set() or due is None:
                due = self._clock.monotonic() + HPA_SYNC_SECONDS + SETTLE_SECONDS
            else:
                due += HPA_SYNC_SECONDS + WORK_SECONDS
            self._written.clear()
            if not queries:
                due = None
            elif self._has_synced and self._clock.monotonic() >= self._free_at:
                self._free_at = self._clock.monotonic() + SECONDS_PER_QUERY * len(queries)
                await asyncio.gather(*(self._poll(query) for query in queries))

    async def _until(self, due: float | None) -> None:
        """Returns at the next write of the status, or when one is overdue."""
        if due is None:
            await self._written.wait()
            return
        sleeping = asyncio.ensure_future(self._clock.sleep(max(0.0, due - self._clock.monotonic())))
        waiting = asyncio.ensure_future(self._written.wait())
        try:
            await asyncio.wait({sleeping, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            waiting.cancel()

    @property
    def _has_synced(self) -> bool:
        """Whether the controller has synced at least once: before that the status has no conditions."""
        return bool((self._status or {}).get("conditions"))

    def _queries(self) -> tuple[MetricsQuery, ...]:
        latest = self._latest()
        return () if latest is None else queries_of(*latest)

    async def _poll(self, query: MetricsQuery) -> None:
        """Stores the answer, or the error that came instead: the autoscaler may have received the same."""
        line: Json = {"kind": "MetricsSeen", "receivedTime": "", "sentTime": format_instant(self._clock.now()),
                      "group": query.group, "names": list(query.names)}
        received: datetime | None = None
        try:
            answer = await self._reader.get(query.path, query.parameters)
            received, line["samples"] = answer.received, samples_of(query, answer.document)
        except (Refused, Unavailable) as error:
            line["error"] = str(error)
        except (*MALFORMED, *UNREACHABLE) as error:
            line["error"] = f"{type(error).__name__}: {error}"[:300].rstrip(": ")
        line["receivedTime"] = format_instant(received or self._clock.now())
        self._sink(line)
