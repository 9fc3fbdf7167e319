"""Virtual users of closed-loop stages: each sends a request, waits for the answer, thinks, and sends the next one.

User u belongs to worker u mod N, for any N. What user u sends as its k-th request of a stage, and how long it thinks
afterwards, depend on the seed, the stage, u and k alone; when it sends depends on the answers. Users carry over from
one closed-loop stage to the one that follows it directly: a request belongs to the stage in which its user wanted it.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from elastometer_loadgen.base.clock import monotonic
from elastometer_loadgen.base.spans import Span
from elastometer_loadgen.base.turns import turn_of
from elastometer_loadgen.base.users import (
    FIRST_CLOSED_ID,
    MIN_SECONDS_AFTER_LOSS,
    STAGE_BITS,
    USER_BITS,
    request_id,
    think_seconds,
)
from elastometer_loadgen.drive.budget import budget_of
from elastometer_loadgen.drive.pacer import MAX_BURST
from elastometer_loadgen.drive.share import WorkerShare
from elastometer_loadgen.drive.timers import ScheduledCall, Timers
from elastometer_loadgen.plan.schedule import Arrival
from elastometer_loadgen.stages.trace_file import Size


@dataclass(slots=True)
class StageRun:
    """One closed-loop stage while it runs, from `begin` to `end` in monotonic seconds; `end` is infinite while open.

    `started` counts how often each user has started a request or a conversation, and `spent` the requests that these
    take, with all turns of a conversation charged when it starts. One user may spend `max_per_user`, unless `allowed`
    has its own number; `capped` are the users that wanted more. With `numbers` each start takes one of them, and no
    user starts anything once they are used up.
    """

    index: int
    name: str
    begin: float
    end: float
    users: int
    think: Span
    max_per_user: float
    numbers: deque[int] | None = None
    size: Callable[[int], Size | None] = lambda _: None
    started: dict[int, int] = field(default_factory=dict)
    spent: dict[int, int] = field(default_factory=dict)
    allowed: dict[int, float] = field(default_factory=dict)
    capped: set[int] = field(default_factory=set)
    on_send: Callable[[Arrival, float], None] | None = None
    """Called with each request of this stage before it is sent."""
    min_think: float = field(init=False)
    think_span: float = field(init=False)

    def __post_init__(self) -> None:
        # Converted once: Fractions are exact but slow, and a think time is computed for every request.
        self.min_think = float(self.think.low)
        self.think_span = float(self.think.high) - self.min_think


class UserPool:
    """One worker's users. `origin` is the start of the run, monotonic; `send` is called with each request when due."""

    def __init__(self, share: WorkerShare, send: Callable[[Arrival, float], None], timers: Timers) -> None:
        self._loop = asyncio.get_running_loop()
        self._timers = timers
        self._due: list[tuple[int, float]] = []
        self._stopped = False
        self._seed = share.profile.seed
        self._worker = share.worker
        self._workers = share.workers
        # Further turns of a conversation are not starts of their own.
        self._done = frozenset(number for number in share.done if number >= FIRST_CLOSED_ID and turn_of(number) == 1)
        self._send = send
        self._turns = share.turns
        self._stage_runs: list[StageRun] = []
        self._thinking: dict[int, ScheduledCall] = {}
        self._outstanding: dict[int, tuple[int, StageRun]] = {}
        self._present: set[int] = set()
        self._settled: asyncio.Event = asyncio.Event()
        self.budget = budget_of(share)
        self.origin = 0.0
        self.capped: set[int] = set()
        """Users that stopped because of a limit on requests: their own share, or what is left for all of them."""

    def open(self, stage_run: StageRun, present: int = 0, spawn_rate: float | None = None) -> None:
        """Announces a stage: `present` users are there when it begins, the others arrive at the rate, or at once."""
        self._stage_runs.append(stage_run)
        self._count_done(stage_run)
        if stage_run.numbers is not None:
            mine = (number for number in stage_run.numbers if self._is_mine(number % stage_run.users))
            stage_run.numbers = deque(
                number for number in mine if request_id(stage_run.index, 0, number) not in self._done
            )
        self.grow(stage_run, present, stage_run.begin, spawn_rate)

    def grow(self, stage_run: StageRun, present: int, at: float, spawn_rate: float | None = None) -> None:
        """Lets the users of a stage arrive from this instant on; a user that is already present continues as before."""
        now = monotonic()
        for user in range(self._worker, stage_run.users, self._workers):
            wait = 0.0 if spawn_rate is None else max(user - present, 0) / spawn_rate
            if at + wait < stage_run.end:
                self._timers.call_at(at + wait, self._arrive, user, max(at + wait, now))

    def waits_for(self, request: int) -> bool:
        """True while one of the users waits for the answer to this request."""
        return request in self._outstanding

    def ended(self, request: int, sent_at: float, end_at: float, *, lost: bool) -> None:
        """A request is over: its user thinks, and then sends the next one."""
        user, stage_run = self._outstanding.pop(request)
        if stage_run.numbers is not None and not stage_run.numbers:
            self._settled.set()
        wanted = end_at + think_seconds(stage_run.min_think, stage_run.think_span, self._seed, request)
        self._wait(user, max(wanted, sent_at + MIN_SECONDS_AFTER_LOSS) if lost else wanted)

    async def wait_until_exhausted(self, stage_run: StageRun) -> None:
        """Returns when every number of a stage was taken and answered, or the pool was stopped."""
        while not self._stopped and (
            stage_run.numbers or any(of is stage_run for _, of in self._outstanding.values())
        ):
            self._settled.clear()
            await self._settled.wait()

    def stop(self) -> None:
        """No user sends anything from now on."""
        self._stopped = True
        for call in self._thinking.values():
            call.cancel()
        self._thinking.clear()
        self._due.clear()
        for stage_run in self._stage_runs:
            stage_run.end = min(stage_run.end, monotonic())
            stage_run.numbers = None if stage_run.numbers is None else deque()
        self._settled.set()

    def _arrive(self, user: int, at: float) -> None:
        if user not in self._present:
            self._present.add(user)
            self._wait(user, at)

    def _wait(self, user: int, wanted: float) -> None:
        if wanted > monotonic():
            self._thinking[user] = self._timers.call_at(wanted, self._start, user, wanted)
            return
        if not self._due:
            # At the end of this turn of the loop: everything that has arrived is read and stamped before any user sends
            # again, and a sleeping server is woken once for many requests.
            self._loop.call_soon(self._start_due)
        self._due.append((user, wanted))

    def _start_due(self) -> None:
        due, self._due = self._due[:MAX_BURST], self._due[MAX_BURST:]
        if self._due:
            self._loop.call_soon(self._start_due)
        for user, wanted in due:
            self._start(user, wanted)

    def _start(self, user: int, wanted: float) -> None:
        """Sends the user's next request, or its next conversation's first; a user without one leaves."""
        self._thinking.pop(user, None)
        if self._stopped:
            return
        stage_run = self._stage_run_at(wanted)
        number = None if stage_run is None or user >= stage_run.users else self._take(stage_run, user)
        if stage_run is None or number is None:
            self._present.discard(user)
            self._settled.set()
            return
        request = request_id(stage_run.index, 0 if stage_run.numbers is not None else user, number)
        self._outstanding[request] = (user, stage_run)
        arrival = Arrival(request, wanted - self.origin, stage_run.name, stage_run.size(number))
        if stage_run.on_send is not None:
            stage_run.on_send(arrival, wanted)
        self._send(arrival, wanted)

    def _take(self, stage_run: StageRun, user: int) -> int | None:
        """The number of the user's next request in the stage; None when there is none for it."""
        if stage_run.numbers is not None:
            return stage_run.numbers.popleft() if stage_run.numbers else None
        number = stage_run.started.get(user, 0)
        turns = self._turns(request_id(stage_run.index, user, number))
        spent = stage_run.spent.get(user, 0) + turns
        if spent > stage_run.allowed.get(user, stage_run.max_per_user) or not self.budget.take(turns):
            stage_run.capped.add(user)
            self.capped.add(user)
            return None
        stage_run.started[user], stage_run.spent[user] = number + 1, spent
        return number

    def _stage_run_at(self, at: float) -> StageRun | None:
        for stage_run in reversed(self._stage_runs):
            if stage_run.begin <= at < stage_run.end:
                return stage_run
        return None

    def _count_done(self, stage_run: StageRun) -> None:
        """Takes over what each user started and spent in an earlier incarnation of this worker."""
        for request in self._done:
            if (request >> STAGE_BITS) - 1 == stage_run.index:
                user, number = divmod(request & (FIRST_CLOSED_ID - 1), 1 << USER_BITS)
                stage_run.started[user] = max(stage_run.started.get(user, 0), number + 1)
                stage_run.spent[user] = stage_run.spent.get(user, 0) + self._turns(request)
        if stage_run.numbers is None:
            # A user that had nothing left may not try again, and would then be missing from the count of capped users.
            for user, count in stage_run.spent.items():
                if count >= stage_run.allowed.get(user, stage_run.max_per_user):
                    self.capped.add(user)

    def _is_mine(self, user: int) -> bool:
        return user % self._workers == self._worker
