"""A run of one worker against a server of known pace, in virtual time."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from elastometer_loadgen.base.clock import Clock
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.drive.share import WorkerShare
from elastometer_loadgen.drive.stage_runner import StageRunner
from elastometer_loadgen.drive.timers import Timers
from elastometer_loadgen.journal.journal import Journal
from elastometer_loadgen.plan.prompts import Prompt
from elastometer_loadgen.plan.schedule import Arrival, compute_schedule
from elastometer_loadgen.profile.profile import parse_profile
from elastometer_loadgen.wire.exchange import Exchange

Answer = Callable[[Exchange, int], tuple[float, Outcome]]


def read_virtual_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every part of the load that reads a clock reads the loop's."""
    for module in ("drive.timers", "drive.stage_runner", "drive.users", "drive.knee_search", "drive.pacer"):
        monkeypatch.setattr(
            f"elastometer_loadgen.{module}.monotonic", lambda: asyncio.get_running_loop().time()
        )


class Play:
    """A run against a server that answers by `answer(exchange, in flight)`: seconds and outcome. Instants from 0."""

    def __init__(self, stages: list[dict[str, Any]], answer: Answer, place: tuple[int, int] = (0, 1),
                 done: frozenset[int] = frozenset(), seed: int = 7, **profile_fields: Any) -> None:
        self.loop = asyncio.get_running_loop()
        self.answer = answer
        self.sent: list[tuple[float, str, int]] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.begin = self.loop.time()
        profile = parse_profile({"seed": seed, "stages": stages, **profile_fields})
        worker, workers = place
        share = WorkerShare(
            profile=profile, schedule=compute_schedule(profile), worker=worker, workers=workers, done=done,
            turns=lambda _: 1,
        )
        journal = Journal(Path(), None, Clock())
        self.runner = StageRunner(share, self.send, journal=journal, timers=Timers(self.loop))

    async def run(self) -> bool:
        complete = await self.runner.run(self.begin, self.begin)
        self.took = self.loop.time() - self.begin
        while self.in_flight:
            await asyncio.sleep(0.01)
        return complete

    def send(self, arrival: Arrival, intended_at: float) -> None:
        now = self.loop.time()
        assert now - intended_at < 0.002, "sent late"
        assert now >= intended_at, "sent early"
        self.sent.append((round(intended_at - self.begin, 6), arrival.stage, arrival.id))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        exchange = Exchange(arrival, Prompt("t", "0000", b""), intended_at, now)
        seconds, outcome = self.answer(exchange, self.in_flight)
        self.loop.call_later(seconds, self.end, exchange, now + seconds, outcome)

    def end(self, exchange: Exchange, at: float, outcome: Outcome) -> None:
        exchange.end_at, exchange.outcome = at, outcome
        self.in_flight -= 1
        self.runner.ended(exchange)

    def times(self, stage: str) -> list[float]:
        return [at for at, name, _ in self.sent if name == stage]


def steady(seconds: float) -> Answer:
    return lambda exchange, in_flight: (seconds, Outcome.SUCCESS)


def users(name: str, count: int, seconds: int, **fields: Any) -> dict[str, Any]:
    return {"name": name, "type": "Users", "users": count, "durationSeconds": seconds, **fields}


def rate(name: str, seconds: int, value: str = "2") -> dict[str, Any]:
    return {"name": name, "type": "Rate", "durationSeconds": seconds, "endRequestsPerSecond": value,
            "arrivals": "Constant"}
