"""The search for a knee: raises the load step by step until an objective fails, then holds the last good step.

One worker decides by what it alone sees, so a Knee is run by one worker. A step that could not be judged ends the
search too: nothing better would be known about the steps above it.
"""

import asyncio
import math
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from elastometer_loadgen.base.clock import monotonic
from elastometer_loadgen.base.measures import BUFFERED_TOKENS, is_in_one_piece
from elastometer_loadgen.base.notes import note
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.base.users import request_id
from elastometer_loadgen.drive.pacer import Pacer
from elastometer_loadgen.drive.timers import Timers
from elastometer_loadgen.drive.users import StageRun, UserPool
from elastometer_loadgen.journal.journal import Journal, KneeNotes
from elastometer_loadgen.journal.knee_record import KneeResult, Step
from elastometer_loadgen.plan.schedule import Arrival
from elastometer_loadgen.stages.knee import KneeStage, KneeVariable
from elastometer_loadgen.stages.objectives import Sample, StepVerdict, judge
from elastometer_loadgen.stages.rate import Arrivals, RateStage
from elastometer_loadgen.stages.stage import stage_seed
from elastometer_loadgen.wire.exchange import Exchange

MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class PlannedKnee:
    """A Knee and its place in the run: the index of its stage, and when it begins, in monotonic seconds."""

    stage: KneeStage
    index: int
    begin: float
    seed: int


class KneeSearch:
    """Carries out one Knee. `send` is called with each request of a step of rates when it is due."""

    def __init__(
        self,
        plan: PlannedKnee,
        users: UserPool,
        send: Callable[[Arrival, float], None],
        *,
        journal: Journal,
        timers: Timers,
    ) -> None:
        self.name = plan.stage.name
        self._stage = plan.stage
        self._index = plan.index
        self._seed = plan.seed
        self._begin = plan.begin
        self._users = users
        self._send = send
        self._journal = journal
        self._timers = timers
        self._notes = journal.knee(plan.stage.name)
        self._step_begin = math.inf
        self._samples: list[Sample] = []
        self._in_flight: dict[int, float] = {}
        self._exchanges: dict[int, Exchange] = {}
        self._stage_run: StageRun | None = None
        self._pacer: Pacer | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> KneeResult:
        """Returns when the soak is over, when no step was good, or when the search was stopped.

        Steps that an earlier incarnation completed are not repeated; the one that was interrupted is.
        """
        stage, steps, at = self._stage, self._notes.steps, self._begin
        if steps or self._notes.interrupted:
            # After a restart the planned begin is long past; the next step lasts its whole length from now on.
            at = max(at, monotonic())
        await self._pause_until(at)
        while (value := self._next_value()) is not None and not self._stopping.is_set():
            step = await self._hold(value, at, stage.step_seconds)
            if step is not None:
                note(f"{stage.name}: {stage.of} {value} {_describe(step)}")
                at = step.end
        good = knee_result(stage, self._notes).good
        if good is not None and stage.soak_seconds and self._notes.soak is None and not self._stopping.is_set():
            await self._hold(good, at, stage.soak_seconds, is_soak=True)
        if self._stage_run is not None:
            self._stage_run.end = monotonic()
        return knee_result(stage, self._notes)

    def sending(self, arrival: Arrival, intended_at: float) -> None:
        """A request of this stage is about to be sent."""
        if intended_at >= self._step_begin:
            self._in_flight[arrival.id] = intended_at

    def note(self, exchange: Exchange) -> None:
        """What becomes of a request of this stage that is about to be sent."""
        if exchange.arrival.id in self._in_flight:
            self._exchanges[exchange.arrival.id] = exchange

    def ended(self, exchange: Exchange) -> None:
        """A request is over; one that was wanted in an earlier step says nothing about the current one."""
        self._exchanges.pop(exchange.arrival.id, None)
        if self._in_flight.pop(exchange.arrival.id, None) is not None:
            self._samples.append(_sample(exchange))

    def stop(self) -> None:
        """Stops sending."""
        self._stopping.set()
        if self._pacer is not None:
            self._pacer.stop()

    def _next_value(self) -> int | None:
        """The value of the next step; None when a step was not good, or when all of them were."""
        steps, values = self._notes.steps, self._stage.steps
        is_over = len(steps) == len(values) or (steps and not steps[-1].is_good)
        return None if is_over else values[len(steps)]

    async def _hold(self, value: int, at: float, seconds: int, *, is_soak: bool = False) -> Step | None:
        """The step, which is also in the journal by then; None when it was stopped before its end."""
        # What is due in the warm-up is sent, and not judged.
        self._step_begin, self._samples = at + self._stage.warmup_seconds, []
        self._in_flight.clear()
        self._exchanges.clear()
        first = self._notes.numbers
        times = self._times(value, seconds)
        # Before the first request: a worker that is killed within the step must not give out these numbers again.
        self._journal.note_step(self.name, value, at, first + len(times))
        if self._stage.of is KneeVariable.USERS:
            self._set_users(value, at, seconds)
        else:
            await self._send_arrivals(times, first, at)
        await self._pause_until(at + seconds)
        if self._stopping.is_set():
            return None
        ages = self._ages(monotonic())
        verdict = self._capped(value) or judge(self._stage.objectives, [*self._samples, *ages])
        step = Step(value, at, at + seconds, verdict.failed, verdict.inconclusive)
        self._journal.note_held(self.name, step, is_soak=is_soak)
        return step

    def _ages(self, now: float) -> list[Sample]:
        """Of the requests that are in flight, with the first tokens that have come."""
        found = []
        for number, since in self._in_flight.items():
            exchange = self._exchanges.get(number)
            first = None if exchange is None else exchange.answer.first_token_at
            to_first = None if first is None else (first - since) * MILLISECONDS
            found.append(Sample(age=(now - since) * MILLISECONDS, first_token=to_first))
        return found

    def _set_users(self, users: int, at: float, seconds: int) -> None:
        stage, stage_run = self._stage, self._stage_run
        if stage_run is None:
            stage_run = self._stage_run = StageRun(
                self._index, stage.name, at, math.inf, users, stage.think, max_per_user=0, on_send=self.sending
            )
            # After a restart the recorded requests count as spent, so the steps that allowed them must count too.
            for step in self._notes.steps:
                _allow(stage_run, step.value, stage.max_per_user(stage.step_seconds))
            _allow(stage_run, users, stage.max_per_user(seconds))
            self._users.open(stage_run)
        else:
            stage_run.users = users
            stage_run.capped.clear()
            _allow(stage_run, users, stage.max_per_user(seconds))
            self._users.grow(stage_run, users, at)

    def _capped(self, value: int) -> StepVerdict | None:
        """A step in which some users may not send any more is a step of fewer users than its value says."""
        if self._stage_run is None or not self._stage_run.capped:
            return None
        own, budget = self._stage.max_requests, self._users.budget
        limit = f"maximumRequests of the load, {budget.bound}," if budget.was_refused else f"maximumRequests, {own},"
        return StepVerdict(inconclusive=f"{limit} was too small for {len(self._stage_run.capped)} of its {value} users")

    def _times(self, rate: int, seconds: int) -> "array[float]":
        """When a step's requests are due, in seconds from its begin; none for users, who send as answers come."""
        if self._stage.of is KneeVariable.USERS:
            return array("d")
        stage = RateStage(self.name, seconds, Fraction(rate), Fraction(rate), Arrivals.POISSON)
        # The number of the first request is part of the seed, so that a repeated step has fresh gaps of its own.
        return stage.instants(f"{stage_seed(self._seed, self._index)}/{self._notes.numbers}", Fraction(0))[0]

    async def _send_arrivals(self, times: "array[float]", first: int, at: float) -> None:
        arrivals = (
            Arrival(request_id(self._index, 0, number), offset, self.name)
            for number, offset in enumerate(times, first)
        )
        self._pacer = Pacer(arrivals, at, self._send_arrival, self._timers)
        await self._pacer.run()

    def _send_arrival(self, arrival: Arrival, intended_at: float) -> None:
        self.sending(arrival, intended_at)
        self._send(arrival, intended_at)

    async def _pause_until(self, at: float) -> None:
        try:
            async with asyncio.timeout(max(at - monotonic(), 0.0)):
                await self._stopping.wait()
        except TimeoutError:
            return


def _sample(exchange: Exchange) -> Sample:
    answer, wanted, succeeded = exchange.answer, exchange.intended_at, exchange.outcome is Outcome.SUCCESS
    first, last, tokens = answer.first_token_at, answer.last_token_at, answer.completion_tokens
    per_token, is_joint = None, is_in_one_piece(answer.chunks, answer.joint_chunks)
    if succeeded and not is_joint and first is not None and last is not None and tokens is not None and tokens > 1:
        per_token = (last - first) * MILLISECONDS / (tokens - 1)
    return Sample(
        succeeded=succeeded,
        is_buffered=succeeded and is_joint and max(tokens or 0, answer.chunks) >= BUFFERED_TOKENS,
        first_token=None if first is None else (first - wanted) * MILLISECONDS,
        per_token=per_token,
        latency=None if exchange.end_at is None else (exchange.end_at - wanted) * MILLISECONDS,
    )


def _allow(stage_run: StageRun, users: int, requests: float) -> None:
    """Adds to what each user of a step may send; what it did not use in an earlier step stays with it."""
    for user in range(users):
        stage_run.allowed[user] = stage_run.allowed.get(user, 0) + requests


def _describe(step: Step) -> str:
    if step.inconclusive is not None:
        return f"could not be judged: {step.inconclusive}"
    return "holds" if step.failed is None else f"fails: {step.failed}"


def knee_result(stage: KneeStage, notes: KneeNotes) -> KneeResult:
    """What was found so far."""
    return KneeResult(stage.name, stage.of, tuple(notes.steps), notes.soak, tuple(notes.interrupted))
