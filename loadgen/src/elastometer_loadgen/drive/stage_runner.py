"""Carries out the stages of a profile, each at its time, whatever is still in flight from the one before.

Open-loop stages are a pacer over the schedule; closed-loop stages are a pool of users. All of them begin when the plan
says, and nothing is drained in between. Only where a stage is open-ended (Knee, Sweep, Concurrency by count) does the
next one begin as soon as it is over. The stages up to and including an open-ended one form a segment, whose instants
are fixed when it begins.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterator
from itertools import accumulate, chain

from elastometer_loadgen.base.clock import monotonic
from elastometer_loadgen.base.notes import note
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.base.spans import NO_THINKING
from elastometer_loadgen.base.turns import conversation_of
from elastometer_loadgen.base.users import FIRST_CLOSED_ID, request_id
from elastometer_loadgen.drive.knee_search import KneeSearch, PlannedKnee, knee_result
from elastometer_loadgen.drive.pacer import Pacer
from elastometer_loadgen.drive.share import WorkerShare
from elastometer_loadgen.drive.timers import Timers
from elastometer_loadgen.drive.users import StageRun, UserPool
from elastometer_loadgen.journal.journal import Journal
from elastometer_loadgen.journal.knee_record import KneeResult
from elastometer_loadgen.plan.schedule import Arrival
from elastometer_loadgen.stages.count import CountStage
from elastometer_loadgen.stages.knee import KneeStage
from elastometer_loadgen.stages.users import UsersStage
from elastometer_loadgen.wire.exchange import Exchange

Send = Callable[[Arrival, float], None]


class StageRunner:
    """One worker's part in every stage. `begin` is the start of the run, in monotonic seconds."""

    def __init__(self, share: WorkerShare, send: Send, *, journal: Journal, timers: Timers) -> None:
        self._profile = share.profile
        self._share = share
        self._send = send
        self._journal = journal
        self._timers = timers
        self._users = UserPool(share, send, timers)
        self._pacer: Pacer | None = None
        self._knee_search: KneeSearch | None = None
        self._stopping = asyncio.Event()
        self._ends = tuple(accumulate(stage.duration_seconds for stage in share.profile.stages))
        self.begin = math.inf
        """The plan's seconds count from here: the run's start, moved by as much as open-ended stages ended early."""
        self.knees: list[KneeResult] = []
        self.skipped = 0
        self.missed = 0
        """Requests that a Knee of an earlier incarnation had given out and that have no record."""
        self.cut = 0
        """Closed-loop stages that were stopped, or never begun: each would have sent at least one more request."""

    async def run(self, begin: float, ready_at: float) -> bool:
        """Returns when nothing more is to be sent: True when everything was, False when it was stopped.

        What was due before the worker was ready is skipped.
        """
        present, self.begin = 0, begin
        for first, last in self._segments():
            ended_at = self._journal.end_of(self._profile.stages[last].name)
            if ended_at is not None:
                present, self.begin = self._pass_over(first, last), ended_at - self._ends[last]
                continue
            begin = self.begin
            self._users.origin = begin
            stage_runs = []
            for index in range(first, last + 1):
                stage_run, present = self._open(index, begin, present)
                stage_runs.append(stage_run)
            self._pacer = Pacer(self._to_come(first, last, ready_at - begin), begin, self._send, self._timers)
            await self._pacer.run()
            if self._stopping.is_set() or not await self._end(last, begin, stage_runs[-1]):
                self.cut = self._count_cut(first, last)
                return False
            if self.capped_users:
                note(f"{self.capped_users} users have sent all requests that maximumRequests allows, and stopped early")
            if self._profile.stages[last].is_open_ended:
                over = monotonic()
                self._journal.note_end(self._profile.stages[last].name, over)
                self.begin = over - self._ends[last]
        return True

    def sending(self, arrival: Arrival, intended_at: float) -> None:
        """A further turn of a conversation is about to be sent."""
        if self._knee_search is not None and arrival.stage == self._knee_search.name:
            self._knee_search.sending(arrival, intended_at)

    def noted(self, exchange: Exchange) -> Exchange:
        """The same request, which is about to go on its way."""
        if self._knee_search is not None:
            self._knee_search.note(exchange)
        return exchange

    def ended(self, exchange: Exchange, *, continues: bool = False) -> None:
        """A request is over, and its user continues from there, unless its conversation does so first."""
        number = conversation_of(exchange.arrival.id)
        if number >= FIRST_CLOSED_ID and exchange.end_at is not None:
            if self._knee_search is not None:
                self._knee_search.ended(exchange)
            if not continues and self._users.waits_for(number):
                lost = exchange.outcome is not Outcome.SUCCESS
                self._users.ended(number, exchange.send_at, exchange.end_at, lost=lost)

    @property
    def capped_users(self) -> int:
        """How many users wanted to send more requests than maximumRequests allows them."""
        return len(self._users.capped)

    def stop(self) -> None:
        """Stops sending."""
        self._stopping.set()
        if self._pacer is not None:
            self._pacer.stop()
        if self._knee_search is not None:
            self._knee_search.stop()
        self._users.stop()

    def _segments(self) -> Iterator[tuple[int, int]]:
        """The first and the last stage of each segment."""
        first = 0
        for index, stage in enumerate(self._profile.stages):
            if stage.is_open_ended or index == len(self._profile.stages) - 1:
                yield first, index
                first = index + 1

    def _count_cut(self, first: int, last: int) -> int:
        """Closed-loop stages of the current segment that are not over, and all those that follow it."""
        stages, now = self._profile.stages, monotonic()
        # An open-ended stage is over only when its requests are, however long ago its latest planned end was.
        over = [
            index <= last and not stages[index].is_open_ended and self.begin + self._ends[index] <= now
            for index in range(len(stages))
        ]
        return sum(self._is_closed(index) and not over[index] for index in range(first, len(stages)))

    def _is_closed(self, index: int) -> bool:
        return self._profile.stages[index].is_closed

    def _open(self, index: int, begin: float, present: int) -> tuple[StageRun | None, int]:
        """Announces a stage to the users; the second value is how many of them there are at its end."""
        stage = self._profile.stages[index]
        starts, ends = begin + self._ends[index] - stage.duration_seconds, begin + self._ends[index]
        match stage:
            case UsersStage():
                stage_run = StageRun(index, stage.name, starts, ends, stage.users, stage.think, stage.max_per_user)
                self._users.open(stage_run, present, None if stage.spawn_rate is None else float(stage.spawn_rate))
                return stage_run, stage.present(stage.duration_seconds, present)
            case CountStage():
                numbers = deque(range(stage.count))
                stage_run = StageRun(index, stage.name, starts, math.inf, stage.concurrency, NO_THINKING,
                                     max_per_user=0, numbers=numbers, size=stage.size)
                self._users.open(stage_run, present)
                return stage_run, stage.concurrency
            case KneeStage():
                self._count_missed(stage, index)
                plan = PlannedKnee(stage, index, starts, self._profile.seed)
                self._knee_search = KneeSearch(
                    plan, self._users, self._send, journal=self._journal, timers=self._timers
                )
                return None, 0
            case _:
                return None, 0

    def _pass_over(self, first: int, last: int) -> int:
        """Skips what has no record of a segment that ended in an earlier incarnation; returns its users at its end."""
        deque(self._to_come(first, last, math.inf), maxlen=0)
        stage = self._profile.stages[last]
        if isinstance(stage, KneeStage):
            self._count_missed(stage, last)
            self.knees.append(knee_result(stage, self._journal.knee(stage.name)))
        return stage.concurrency if isinstance(stage, CountStage) else 0

    def _count_missed(self, stage: KneeStage, index: int) -> None:
        """Counts the requests that an earlier incarnation's steps had given out and that have no record."""
        ids = (request_id(index, 0, number) for number in range(self._journal.knee(stage.name).numbers))
        self.missed += sum(self._share.turns(number) for number in ids if number not in self._share.done)

    async def _end(self, last: int, begin: float, stage_run: StageRun | None) -> bool:
        """Waits for the end of a segment whose arrivals are all sent; False when stopped before."""
        stage = self._profile.stages[last]
        if isinstance(stage, KneeStage) and self._knee_search is not None:
            self.knees.append(await self._knee_search.run())
            self._knee_search = None
        elif isinstance(stage, CountStage) and stage_run is not None:
            await self._users.wait_until_exhausted(stage_run)
            stage_run.end = monotonic()
        elif isinstance(stage, UsersStage) or stage.is_quiet:
            await self._pause(begin + self._ends[last] - monotonic())
        return not self._stopping.is_set()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._stopping.wait()
        except TimeoutError:
            return

    def _to_come(self, first: int, last: int, elapsed: float) -> Iterator[Arrival]:
        """This worker's arrivals of a segment that have no record yet; those from before `elapsed` are skipped."""
        share, schedule = self._share, self._share.schedule
        low, high = schedule.bounds(first, last)
        arrivals = schedule.share(share.worker, share.workers, low, high)
        missing = (arrival for arrival in arrivals if arrival.id not in share.done)
        for arrival in missing:
            if arrival.at >= elapsed:
                return chain((arrival,), missing)
            self.skipped += 1 if arrival.size is not None else share.turns(arrival.id)
        return missing
