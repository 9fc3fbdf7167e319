"""A Knee at work: step by step upwards until an objective fails, then the last good step for as long as asked.

One worker decides by what it alone sees, so a Knee is run by one worker.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from elastometer_loadgen.clock import Clock, monotonic
from elastometer_loadgen.crowd import Crowd, Shift, request_id
from elastometer_loadgen.exchange import Exchange
from elastometer_loadgen.knee import Sample, failing
from elastometer_loadgen.pacer import Pacer
from elastometer_loadgen.progress import note
from elastometer_loadgen.record import Outcome, format_instant
from elastometer_loadgen.schedule import Arrival, instants
from elastometer_loadgen.stages import Arrivals, KneeOf, KneeStage, RateStage

MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class Step:
    """One step; instants are monotonic. `failed` is the objective that did not hold, in words."""

    value: int
    begin: float
    end: float
    failed: str | None


@dataclass(frozen=True, slots=True)
class Climb:
    """What a Knee found: `good` is the last step that held, None when the first did not."""

    stage: str
    of: KneeOf
    steps: tuple[Step, ...]
    good: int | None
    soak: Step | None


def climb_document(climb: Climb, clock: Clock) -> dict[str, Any]:
    """As it stands in a summary."""
    steps = [climb.steps, () if climb.soak is None else (climb.soak,)]
    tried, soak = ([_step_document(step, clock) for step in some] for some in steps)
    return {"stage": climb.stage, "of": climb.of, "good": climb.good, "steps": tried, "soak": soak[0] if soak else None}


def _step_document(step: Step, clock: Clock) -> dict[str, Any]:
    times = {"startTime": format_instant(clock.instant(step.begin)), "endTime": format_instant(clock.instant(step.end))}
    return {"value": step.value, **times, "failed": step.failed}


class Ascent:
    """Carries out one Knee from `begin` on, monotonic."""

    def __init__(
        self,
        stage: KneeStage,
        index: int,
        seed: int,
        crowd: Crowd,
        send: Callable[[Arrival, float], None],
        begin: float,
    ) -> None:
        self.name = stage.name
        self._stage = stage
        self._index = index
        self._seed = seed
        self._crowd = crowd
        self._send = send
        self._begin = begin
        self._sent = 0
        self._step_begin = math.inf
        self._samples: list[Sample] = []
        self._flying: dict[int, float] = {}
        self._shift: Shift | None = None
        self._pacer: Pacer | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> Climb:
        """Returns when the soak is over, no step was good, or it was stopped."""
        stage, at = self._stage, self._begin
        await self._pause_until(at)
        steps: list[Step] = []
        good, soak = None, None
        for value in stage.steps:
            step = await self._hold(value, at, stage.step_seconds)
            if self._stopping.is_set():
                break
            steps.append(step)
            note(f"{stage.name}: {stage.of} {value} " + (f"fails: {step.failed}" if step.failed else "holds"))
            at = step.end
            if step.failed is not None:
                break
            good = value
        if good is not None and stage.soak_seconds and not self._stopping.is_set():
            soak = await self._hold(good, at, stage.soak_seconds)
        if self._shift is not None:
            self._shift.end = monotonic()
        return Climb(stage.name, stage.of, tuple(steps), good, soak)

    def sending(self, arrival: Arrival, intended_at: float) -> None:
        """A request of this stage is about to be sent."""
        if intended_at >= self._step_begin:
            self._flying[arrival.id] = intended_at

    def ended(self, exchange: Exchange) -> None:
        """A request is over; what was wanted in an earlier step says nothing of this one."""
        if self._flying.pop(exchange.arrival.id, None) is not None:
            self._samples.append(_sample(exchange))

    def stop(self) -> None:
        """Nothing more is sent."""
        self._stopping.set()
        if self._pacer is not None:
            self._pacer.stop()

    async def _hold(self, value: int, at: float, seconds: int) -> Step:
        self._step_begin, self._samples = at, []
        self._flying.clear()
        if self._stage.of is KneeOf.USERS:
            self._crew(value, at)
        else:
            await self._pace(value, at, seconds)
        await self._pause_until(at + seconds)
        now = monotonic()
        ages = [Sample(age=(now - since) * MILLISECONDS) for since in self._flying.values()]
        return Step(value, at, at + seconds, failing(self._stage.objectives, [*self._samples, *ages]))

    def _crew(self, users: int, at: float) -> None:
        stage = self._stage
        if self._shift is None:
            each = max(stage.most_requests // stage.maximum, 1)
            self._shift = Shift(self._index, stage.name, at, math.inf, users, stage.think, each, told=self.sending)
            self._crowd.open(self._shift)
        else:
            self._shift.users = users
            self._crowd.grow(self._shift, users, at)

    async def _pace(self, rate: int, at: float, seconds: int) -> None:
        stage = RateStage(self._stage.name, seconds, Fraction(rate), Fraction(rate), Arrivals.POISSON)
        times = instants(stage, f"{self._seed}/stages/{self._index}/{self._sent}")
        first, self._sent = self._sent, self._sent + len(times)
        arrivals = (
            Arrival(request_id(self._index, 0, first + number), offset, stage.name)
            for number, offset in enumerate(times)
        )
        self._pacer = Pacer(arrivals, at, self._tell)
        await self._pacer.run()

    def _tell(self, arrival: Arrival, intended_at: float) -> None:
        self.sending(arrival, intended_at)
        self._send(arrival, intended_at)

    async def _pause_until(self, at: float) -> None:
        try:
            async with asyncio.timeout(max(at - monotonic(), 0.0)):
                await self._stopping.wait()
        except TimeoutError:
            return


def _sample(exchange: Exchange) -> Sample:
    answer, wanted = exchange.answer, exchange.intended_at
    first, last, tokens = answer.first_token_at, answer.last_token_at, answer.completion_tokens
    per_token = None
    if first is not None and last is not None and tokens is not None and tokens > 1:
        per_token = (last - first) * MILLISECONDS / (tokens - 1)
    return Sample(
        succeeded=exchange.outcome is Outcome.SUCCESS,
        first_token=None if first is None else (first - wanted) * MILLISECONDS,
        per_token=per_token,
        latency=None if exchange.end_at is None else (exchange.end_at - wanted) * MILLISECONDS,
    )
