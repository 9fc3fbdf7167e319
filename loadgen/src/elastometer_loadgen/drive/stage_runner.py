"""Carries out the stages of a profile, each at its time, whatever is still in flight from the one before.

Open-loop stages are a pacer over the schedule; closed-loop stages are a crowd of users. All begin when the plan says,
and nothing is drained in between. Only where a stage is open-ended (Knee, Sweep, Concurrency by count) does the next
one begin as soon as it is over: the stages up to and with such a one are a leg, whose instants are fixed as it begins.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Collection, Iterator
from itertools import accumulate, chain

from elastometer_loadgen.base.clock import monotonic
from elastometer_loadgen.base.notes import note
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.base.turns import conversation_of
from elastometer_loadgen.drive.knee_search import Ascent, climb_of
from elastometer_loadgen.drive.pacer import Pacer
from elastometer_loadgen.drive.timers import Alarms
from elastometer_loadgen.drive.users import FIRST_CLOSED_ID, Crowd, Shift, request_id
from elastometer_loadgen.journal.journal import Journal
from elastometer_loadgen.journal.knee_record import Climb
from elastometer_loadgen.plan.schedule import Arrival, Schedule
from elastometer_loadgen.profile.profile import Profile
from elastometer_loadgen.profile.stages import CountStage, CrowdStage, KneeStage
from elastometer_loadgen.profile.task import NO_THINKING
from elastometer_loadgen.wire.exchange import Exchange

Send = Callable[[Arrival, float], None]


class Conductor:
    """One worker's part in every stage. `begin` is the run's start, monotonic; `done` are ids of an earlier life."""

    def __init__(
        self, profile: Profile, schedule: Schedule, place: tuple[int, int], done: Collection[int], send: Send,
        *, turns: Callable[[int], int], journal: Journal, alarms: Alarms,
    ) -> None:  # fmt: skip
        self._profile = profile
        self._schedule = schedule
        self._place = place
        self._done = done
        self._send = send
        self._turns = turns
        self._journal = journal
        self._alarms = alarms
        self._crowd = Crowd(profile.seed, *place, done, send, turns=turns, alarms=alarms)
        self._pacer: Pacer | None = None
        self._ascent: Ascent | None = None
        self._stopping = asyncio.Event()
        self._ends = tuple(accumulate(stage.duration_seconds for stage in profile.stages))
        self.begin = math.inf
        """What the plan's seconds count from: the run's start, moved by how much sooner open-ended stages were over."""
        self.climbs: list[Climb] = []
        self.skipped = 0
        self.missed = 0
        """Requests that a Knee of an earlier life had given out and that have no record."""
        self.cut = 0
        """Closed-loop stages that were stopped, or never begun: each would have sent at least one request more."""

    async def run(self, begin: float, there_at: float) -> bool:
        """Returns when nothing more is to be sent; True when that is since all was. What was due before the worker was
        there is skipped."""
        present, self.begin = 0, begin
        for first, last in self._legs():
            ended_at = self._journal.end_of(self._profile.stages[last].name)
            if ended_at is not None:
                present, self.begin = self._pass_over(first, last), ended_at - self._ends[last]
                continue
            begin = self.begin
            self._crowd.origin = begin
            shifts = []
            for index in range(first, last + 1):
                shift, present = self._open(index, begin, present)
                shifts.append(shift)
            self._pacer = Pacer(self._to_come(first, last, there_at - begin), begin, self._send, self._alarms)
            await self._pacer.run()
            if self._stopping.is_set() or not await self._end(last, begin, shifts[-1]):
                self.cut = self._count_cut(first, last)
                return False
            if self.capped_users:
                note(f"{self.capped_users} users sent all that maximumRequests lets them, and stopped early")
            if self._profile.stages[last].is_open_ended:
                over = monotonic()
                self._journal.note_end(self._profile.stages[last].name, over)
                self.begin = over - self._ends[last]
        return True

    def sending(self, arrival: Arrival, intended_at: float) -> None:
        """A further turn of a conversation is about to be sent."""
        if self._ascent is not None and arrival.stage == self._ascent.name:
            self._ascent.sending(arrival, intended_at)

    def ended(self, exchange: Exchange, *, goes_on: bool = False) -> None:
        """A request is over, and a closed loop goes on from there, unless its conversation does first."""
        number = conversation_of(exchange.arrival.id)
        if number >= FIRST_CLOSED_ID and exchange.end_at is not None:
            if self._ascent is not None:
                self._ascent.ended(exchange)
            if not goes_on and self._crowd.knows(number):
                lost = exchange.outcome is not Outcome.SUCCESS
                self._crowd.ended(number, exchange.send_at, exchange.end_at, lost=lost)

    @property
    def capped_users(self) -> int:
        """How many users wanted more than maximumRequests lets them send."""
        return len(self._crowd.capped)

    def stop(self) -> None:
        """Nothing more is sent."""
        self._stopping.set()
        if self._pacer is not None:
            self._pacer.stop()
        if self._ascent is not None:
            self._ascent.stop()
        self._crowd.stop()

    def _legs(self) -> Iterator[tuple[int, int]]:
        first = 0
        for index, stage in enumerate(self._profile.stages):
            if stage.is_open_ended or index == len(self._profile.stages) - 1:
                yield first, index
                first = index + 1

    def _count_cut(self, first: int, last: int) -> int:
        """Closed-loop stages of the leg at work that are not over, and all those behind it."""
        stages, now = self._profile.stages, monotonic()
        over = [
            index <= last and not stages[index].is_open_ended and self.begin + self._ends[index] <= now
            for index in range(len(stages))
        ]
        return sum(self._is_closed(index) and not over[index] for index in range(first, len(stages)))

    def _is_closed(self, index: int) -> bool:
        return isinstance(self._profile.stages[index], CrowdStage | CountStage | KneeStage)

    def _open(self, index: int, begin: float, present: int) -> tuple[Shift | None, int]:
        """Announces a stage to the crowd; the second value is how many users there are at its end."""
        stage, seed = self._profile.stages[index], self._profile.seed
        starts, ends = begin + self._ends[index] - stage.duration_seconds, begin + self._ends[index]
        match stage:
            case CrowdStage():
                shift = Shift(index, stage.name, starts, ends, stage.users, stage.think, stage.most_each)
                self._crowd.open(shift, present, None if stage.spawn_rate is None else float(stage.spawn_rate))
                return shift, stage.present(stage.duration_seconds, present)
            case CountStage():
                shift = Shift(index, stage.name, starts, math.inf, stage.concurrency, NO_THINKING, most_each=0,
                              numbers=deque(range(stage.requests)), size=stage.size)
                self._crowd.open(shift, present)
                return shift, stage.concurrency
            case KneeStage():
                self._count_missed(stage, index)
                self._ascent = Ascent(
                    stage, index, self._crowd, self._send, seed=seed, journal=self._journal, begin=starts,
                    alarms=self._alarms,
                )
                return None, 0
            case _:
                return None, 0

    def _pass_over(self, first: int, last: int) -> int:
        """A leg of an earlier life: what has no record of it is skipped. The result is how many users it ended with."""
        deque(self._to_come(first, last, math.inf), maxlen=0)
        stage = self._profile.stages[last]
        if isinstance(stage, KneeStage):
            self._count_missed(stage, last)
            self.climbs.append(climb_of(stage, self._journal.climb(stage.name)))
        return stage.concurrency if isinstance(stage, CountStage) else 0

    def _count_missed(self, stage: KneeStage, index: int) -> None:
        """Of the requests that the steps of an earlier life had given out those without a record were missed."""
        ids = (request_id(index, 0, number) for number in range(self._journal.climb(stage.name).numbers))
        self.missed += sum(self._turns(number) for number in ids if number not in self._done)

    async def _end(self, last: int, begin: float, shift: Shift | None) -> bool:
        """Waits for the end of a leg whose arrivals are all sent; False when stopped before."""
        stage = self._profile.stages[last]
        if isinstance(stage, KneeStage) and self._ascent is not None:
            self.climbs.append(await self._ascent.run())
            self._ascent = None
        elif isinstance(stage, CountStage) and shift is not None:
            await self._crowd.exhausted(shift)
            shift.end = monotonic()
        elif isinstance(stage, CrowdStage):
            await self._pause(begin + self._ends[last] - monotonic())
        return not self._stopping.is_set()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._stopping.wait()
        except TimeoutError:
            return

    def _to_come(self, first: int, last: int, elapsed: float) -> Iterator[Arrival]:
        """This worker's arrivals of a leg without those of an earlier life; what was past when it came is skipped."""
        worker, workers = self._place
        low, high = self._schedule.bounds(first, last)
        share = self._schedule.share(worker, workers, low, high)
        missing = (arrival for arrival in share if arrival.id not in self._done)
        for arrival in missing:
            if arrival.at >= elapsed:
                return chain((arrival,), missing)
            self.skipped += 1 if arrival.size is not None else self._turns(arrival.id)
        return missing
