"""Asks the metrics APIs what the autoscaler asks them, at about the moments at which it looks.

A write of the autoscaler's status is the end of a look: the answer is then read within milliseconds, mostly the same
that the controller had. Where a look changes nothing nothing is written, so one is read where the next is due.
"""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from elastometer.model.times import format_instant
from elastometer.plan import HPA_SYNC_SECONDS
from elastometer.world.api_reader import UNREACHABLE, ApiReader, Unavailable
from elastometer.world.clock import Clock
from elastometer.world.cluster import Refused
from elastometer.world.metrics_queries import Question, questions_of, samples_of
from elastometer.world.watched import Json
from elastometer.world.watching import MALFORMED

# A look that changes something is written within this; later, it is taken for one that changed nothing.
SETTLE_SECONDS = 0.3
# What a look costs the controller beyond its period, so that quiet looks are read in step for an hour.
WORK_SECONDS = 0.02
# Between two questions, on average: at most eight a minute, however often the controller looks.
SECONDS_PER_QUESTION = 7.5

log = logging.getLogger(__name__)


class AutoscalerLooks:
    """The readings of one run. `latest` gives the newest objects of a kind by name, `sink` takes observations."""

    def __init__(self, reader: ApiReader, latest: Callable[[str], Mapping[str, Json]], clock: Clock,
                 sink: Callable[[Json], None]) -> None:
        self._reader, self._latest, self._clock, self._sink = reader, latest, clock, sink
        self._status: Any = None
        self._written = asyncio.Event()
        self._free_at = 0.0  # on the monotonic clock: when the next question may be asked

    def saw(self, autoscaler: Json) -> None:
        """Told of each line of the autoscaler's watch."""
        if autoscaler.get("status") != self._status:
            self._status = autoscaler.get("status")
            self._written.set()

    async def run(self) -> None:
        """Reads until cancelled; asks nothing while the autoscaler has no metric of Pods."""
        due: float | None = None
        while True:
            await self._until(due)
            questions = self._questions()
            if self._written.is_set() or due is None:
                due = self._clock.monotonic() + HPA_SYNC_SECONDS + SETTLE_SECONDS
            else:
                due += HPA_SYNC_SECONDS + WORK_SECONDS
            self._written.clear()
            if not questions:
                due = None
            elif self._has_looked and self._clock.monotonic() >= self._free_at:
                self._free_at = self._clock.monotonic() + SECONDS_PER_QUESTION * len(questions)
                await asyncio.gather(*(self._ask(question) for question in questions))

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
    def _has_looked(self) -> bool:
        """An autoscaler that was just made has no conditions before its first look."""
        return bool((self._status or {}).get("conditions"))

    def _questions(self) -> tuple[Question, ...]:
        autoscalers = list(self._latest("HorizontalPodAutoscaler").values())
        targets = list(self._latest("Deployment").values())
        return questions_of(autoscalers[0], targets[0]) if autoscalers and targets else ()

    async def _ask(self, question: Question) -> None:
        """Stores the answer, or what came instead of one: the autoscaler may have had no better."""
        line: Json = {"kind": "MetricsSeen", "receivedTime": "", "sentTime": format_instant(self._clock.now()),
                      "group": question.group, "names": list(question.names)}
        received: datetime | None = None
        try:
            answer = await self._reader.get(question.path, question.query)
            received, line["samples"] = answer.received, samples_of(question, answer.document)
        except (Refused, Unavailable) as error:
            line["error"] = str(error)
        except (*MALFORMED, *UNREACHABLE) as error:
            line["error"] = f"{type(error).__name__}: {error}"[:300].rstrip(": ")
        line["receivedTime"] = format_instant(received or self._clock.now())
        self._sink(line)
