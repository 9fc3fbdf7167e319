"""A Knee at work: step by step upwards until an objective fails, then the last good step for as long as asked.

One worker decides by what it alone sees, so a Knee is run by one worker. A step that could not be judged ends the climb
too: what lies beyond it would be no better known.
"""

import asyncio
import math
from array import array
from collections.abc import Callable
from fractions import Fraction

from elastometer_loadgen.base.clock import monotonic
from elastometer_loadgen.base.notes import note
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.drive.pacer import Pacer
from elastometer_loadgen.drive.timers import Alarms
from elastometer_loadgen.drive.users import Crowd, Shift, request_id
from elastometer_loadgen.journal.journal import ClimbNotes, Journal
from elastometer_loadgen.journal.knee_record import Climb, Step
from elastometer_loadgen.plan.schedule import Arrival, instants
from elastometer_loadgen.profile.knee import Sample, StepVerdict, judge
from elastometer_loadgen.profile.stages import Arrivals, KneeOf, KneeStage, RateStage
from elastometer_loadgen.wire.exchange import Exchange

MILLISECONDS = 1000


class Ascent:
    """Carries out one Knee from `begin` on, monotonic."""

    def __init__(
        self, stage: KneeStage, index: int, crowd: Crowd, send: Callable[[Arrival, float], None],
        *, seed: int, journal: Journal, begin: float, alarms: Alarms,
    ) -> None:  # fmt: skip
        self.name = stage.name
        self._stage = stage
        self._index = index
        self._seed = seed
        self._crowd = crowd
        self._send = send
        self._journal = journal
        self._alarms = alarms
        self._notes = journal.climb(stage.name)
        self._begin = begin
        self._step_begin = math.inf
        self._samples: list[Sample] = []
        self._flying: dict[int, float] = {}
        self._shift: Shift | None = None
        self._pacer: Pacer | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> Climb:
        """Returns when the soak is over, no step was good, or it was stopped. Steps of an earlier life are not held
        again, but for the one that was interrupted."""
        stage, steps, at = self._stage, self._notes.steps, self._begin
        if steps or self._notes.interrupted:
            at = max(at, monotonic())
        await self._pause_until(at)
        while (value := self._next_value()) is not None and not self._stopping.is_set():
            step = await self._hold(value, at, stage.step_seconds)
            if step is not None:
                note(f"{stage.name}: {stage.of} {value} {_words(step)}")
                at = step.end
        good = climb_of(stage, self._notes).good
        if good is not None and stage.soak_seconds and self._notes.soak is None and not self._stopping.is_set():
            await self._hold(good, at, stage.soak_seconds, is_soak=True)
        if self._shift is not None:
            self._shift.end = monotonic()
        return climb_of(stage, self._notes)

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

    def _next_value(self) -> int | None:
        """What is to be held next; None when a step failed or could not be judged, or all held."""
        steps, values = self._notes.steps, self._stage.steps
        is_over = len(steps) == len(values) or (steps and not steps[-1].is_good)
        return None if is_over else values[len(steps)]

    async def _hold(self, value: int, at: float, seconds: int, *, is_soak: bool = False) -> Step | None:
        """The step, noted; None when it was stopped before its end."""
        self._step_begin, self._samples = at, []
        self._flying.clear()
        first = self._notes.numbers
        times = self._times(value, seconds)
        self._journal.note_step(self.name, value, at, first + len(times))
        if self._stage.of is KneeOf.USERS:
            self._crew(value, at, seconds)
        else:
            await self._pace(times, first, at)
        await self._pause_until(at + seconds)
        if self._stopping.is_set():
            return None
        now = monotonic()
        ages = [Sample(age=(now - since) * MILLISECONDS) for since in self._flying.values()]
        verdict = self._capped(value) or judge(self._stage.objectives, [*self._samples, *ages])
        step = Step(value, at, at + seconds, verdict.failed, verdict.inconclusive)
        self._journal.note_held(self.name, step, is_soak=is_soak)
        return step

    def _crew(self, users: int, at: float, seconds: int) -> None:
        stage, shift = self._stage, self._shift
        if shift is None:
            shift = self._shift = Shift(self._index, stage.name, at, math.inf, users, stage.think, 0, told=self.sending)
            for step in self._notes.steps:
                _allow(shift, step.value, stage.most_each(stage.step_seconds))
            _allow(shift, users, stage.most_each(seconds))
            self._crowd.open(shift)
        else:
            shift.users = users
            shift.capped.clear()
            _allow(shift, users, stage.most_each(seconds))
            self._crowd.grow(shift, users, at)

    def _capped(self, value: int) -> StepVerdict | None:
        """Users who may not ask any more make it a step of fewer."""
        if self._shift is None or not self._shift.capped:
            return None
        most = f"maximumRequests, {self._stage.most_requests},"
        return StepVerdict(inconclusive=f"{most} was too small for {len(self._shift.capped)} of its {value} users")

    def _times(self, rate: int, seconds: int) -> "array[float]":
        """When a step's requests are due, in seconds from its begin; none for users, who ask as they please."""
        if self._stage.of is KneeOf.USERS:
            return array("d")
        stage = RateStage(self.name, seconds, Fraction(rate), Fraction(rate), Arrivals.POISSON)
        return instants(stage, f"{self._seed}/stages/{self._index}/{self._notes.numbers}")

    async def _pace(self, times: "array[float]", first: int, at: float) -> None:
        arrivals = (
            Arrival(request_id(self._index, 0, number), offset, self.name)
            for number, offset in enumerate(times, first)
        )
        self._pacer = Pacer(arrivals, at, self._tell, self._alarms)
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


def _allow(shift: Shift, users: int, requests: int) -> None:
    """So many requests more for each of the users that a step has."""
    for user in range(users):
        shift.allowed[user] = shift.allowed.get(user, 0) + requests


def _words(step: Step) -> str:
    if step.inconclusive is not None:
        return f"could not be judged: {step.inconclusive}"
    return "holds" if step.failed is None else f"fails: {step.failed}"


def climb_of(stage: KneeStage, notes: ClimbNotes) -> Climb:
    """What was found by now."""
    return Climb(stage.name, stage.of, tuple(notes.steps), notes.soak, tuple(notes.interrupted))
