"""Users of closed-loop stages: each asks, waits for the answer, thinks, and asks again.

User u belongs to worker u mod N, whatever N is. What user u asks as the k-th request of a stage, and for how long he
thinks after it, hang on the seed, the stage, u and k alone; when he asks hangs on the answers. Users stay from one
closed-loop stage to the next one right behind it: a request belongs to the stage in which its user wanted it.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import blake2b

from elastometer_loadgen.base.clock import monotonic
from elastometer_loadgen.base.turns import turn_of
from elastometer_loadgen.drive.pacer import LONGEST_BURST
from elastometer_loadgen.drive.timers import Alarm, Alarms
from elastometer_loadgen.plan.schedule import Arrival
from elastometer_loadgen.profile.task import Span
from elastometer_loadgen.profile.traces import Size

# The numbers of closed-loop requests lie beyond those of any schedule: stage, user, request of that user.
STAGE_BITS, USER_BITS = 38, 24
FIRST_CLOSED_ID = 1 << STAGE_BITS
# Who gets no answer comes back no sooner: a server that refuses at once would draw thousands a second.
LOST_SECONDS = 1.0


@dataclass(slots=True)
class Shift:
    """One closed-loop stage at work, from `begin` to `end` in monotonic seconds; `end` is infinite while it is open.

    `most_each` is how many requests one user may send, unless `allowed` says otherwise of him, and `spent` how many he
    has, all turns of a conversation with its first; `asked` counts his asks, and `capped` are those who wanted more.
    With `numbers` each ask takes one, and there is none when they are gone.
    """

    index: int
    name: str
    begin: float
    end: float
    users: int
    think: Span
    most_each: int
    numbers: deque[int] | None = None
    size: Callable[[int], Size | None] = lambda _: None
    asked: dict[int, int] = field(default_factory=dict)
    spent: dict[int, int] = field(default_factory=dict)
    allowed: dict[int, int] = field(default_factory=dict)
    capped: set[int] = field(default_factory=set)
    told: Callable[[Arrival, float], None] | None = None
    """Hears of each request of this stage before it is sent."""
    least_thought: float = field(init=False)
    thought_span: float = field(init=False)

    def __post_init__(self) -> None:
        self.least_thought = float(self.think.low)
        self.thought_span = float(self.think.high) - self.least_thought


def request_id(stage: int, user: int, number: int) -> int:
    """The id of a user's request in a stage."""
    return (stage + 1 << STAGE_BITS) + (user << USER_BITS) + number


def thought(least: float, span: float, seed: int, request: int) -> float:
    """For how many seconds a user thinks, from `least` on, drawn from the seed and the request alone."""
    if not span:
        return least
    digest = blake2b(f"{seed}/thinks/{request}".encode(), digest_size=7).digest()
    return least + math.ldexp(int.from_bytes(digest, "big"), -56) * span


class Crowd:
    """One worker's users. `origin` is the run's start, monotonic; `want` is told of each request as it is due.

    `turns` tells how many requests an ask takes, all turns of a conversation together.
    """

    def __init__(
        self, seed: int, worker: int, workers: int, done: Iterable[int], want: Callable[[Arrival, float], None],
        *, turns: Callable[[int], int], alarms: Alarms,
    ) -> None:  # fmt: skip
        self._loop = asyncio.get_running_loop()
        self._alarms = alarms
        self._due: list[tuple[int, float]] = []
        self._stopped = False
        self._seed = seed
        self._worker = worker
        self._workers = workers
        self._done = frozenset(number for number in done if number >= FIRST_CLOSED_ID and turn_of(number) == 1)
        self._want = want
        self._turns = turns
        self._shifts: list[Shift] = []
        self._waiting: dict[int, Alarm] = {}
        self._asking: dict[int, tuple[int, Shift]] = {}
        self._there: set[int] = set()
        self._settled: asyncio.Event = asyncio.Event()
        self.origin = 0.0
        self.capped: set[int] = set()
        """Users that were stopped by what one user may ask."""

    def open(self, shift: Shift, present: int = 0, spawn_rate: float | None = None) -> None:
        """Announces a stage: `present` users are there as it begins, the others come at the rate, or at once."""
        self._shifts.append(shift)
        self._count_before(shift)
        if shift.numbers is not None:
            mine = (number for number in shift.numbers if self._is_mine(number % shift.users))
            shift.numbers = deque(number for number in mine if request_id(shift.index, 0, number) not in self._done)
        self.grow(shift, present, shift.begin, spawn_rate)

    def grow(self, shift: Shift, present: int, at: float, spawn_rate: float | None = None) -> None:
        """Lets the users of a shift come from this instant on; who is there already stays as he is."""
        now = monotonic()
        for user in range(self._worker, shift.users, self._workers):
            wait = 0.0 if spawn_rate is None else max(user - present, 0) / spawn_rate
            if at + wait < shift.end:
                self._alarms.call_at(at + wait, self._arrive, user, max(at + wait, now))

    def knows(self, request: int) -> bool:
        """True while one of the users waits for this request."""
        return request in self._asking

    def ended(self, request: int, sent_at: float, end_at: float, *, lost: bool) -> None:
        """A request is over: its user thinks, and then asks again."""
        user, shift = self._asking.pop(request)
        if shift.numbers is not None and not shift.numbers:
            self._settled.set()
        wanted = end_at + thought(shift.least_thought, shift.thought_span, self._seed, request)
        self._wait(user, max(wanted, sent_at + LOST_SECONDS) if lost else wanted)

    async def exhausted(self, shift: Shift) -> None:
        """Returns when every number of a shift was taken and answered, or the crowd was stopped."""
        while not self._stopped and (shift.numbers or any(at is shift for _, at in self._asking.values())):
            self._settled.clear()
            await self._settled.wait()

    def stop(self) -> None:
        """Nobody asks any more."""
        self._stopped = True
        for alarm in self._waiting.values():
            alarm.cancel()
        self._waiting.clear()
        self._due.clear()
        for shift in self._shifts:
            shift.end = min(shift.end, monotonic())
            shift.numbers = None if shift.numbers is None else deque()
        self._settled.set()

    def _arrive(self, user: int, at: float) -> None:
        if user not in self._there:
            self._there.add(user)
            self._wait(user, at)

    def _wait(self, user: int, wanted: float) -> None:
        if wanted > monotonic():
            self._waiting[user] = self._alarms.call_at(wanted, self._ask, user, wanted)
            return
        if not self._due:
            # What has arrived is read, and stamped, before anybody asks again; and a server is woken once for many.
            self._loop.call_soon(self._ask_due)
        self._due.append((user, wanted))

    def _ask_due(self) -> None:
        due, self._due = self._due[:LONGEST_BURST], self._due[LONGEST_BURST:]
        if self._due:
            self._loop.call_soon(self._ask_due)
        for user, wanted in due:
            self._ask(user, wanted)

    def _ask(self, user: int, wanted: float) -> None:
        self._waiting.pop(user, None)
        if self._stopped:
            return
        shift = self._shift_at(wanted)
        number = None if shift is None or user >= shift.users else self._take(shift, user)
        if shift is None or number is None:
            self._there.discard(user)
            self._settled.set()
            return
        request = request_id(shift.index, 0 if shift.numbers is not None else user, number)
        self._asking[request] = (user, shift)
        arrival = Arrival(request, wanted - self.origin, shift.name, shift.size(number))
        if shift.told is not None:
            shift.told(arrival, wanted)
        self._want(arrival, wanted)

    def _take(self, shift: Shift, user: int) -> int | None:
        if shift.numbers is not None:
            return shift.numbers.popleft() if shift.numbers else None
        number = shift.asked.get(user, 0)
        spent = shift.spent.get(user, 0) + self._turns(request_id(shift.index, user, number))
        if spent > shift.allowed.get(user, shift.most_each):
            shift.capped.add(user)
            self.capped.add(user)
            return None
        shift.asked[user], shift.spent[user] = number + 1, spent
        return number

    def _shift_at(self, at: float) -> Shift | None:
        for shift in reversed(self._shifts):
            if shift.begin <= at < shift.end:
                return shift
        return None

    def _count_before(self, shift: Shift) -> None:
        """What each user asked and spent in an earlier life of this worker."""
        for request in self._done:
            if (request >> STAGE_BITS) - 1 == shift.index:
                user, number = divmod(request & (FIRST_CLOSED_ID - 1), 1 << USER_BITS)
                shift.asked[user] = max(shift.asked.get(user, 0), number + 1)
                shift.spent[user] = shift.spent.get(user, 0) + self._turns(request)
        if shift.numbers is None:
            # Whoever had nothing left may not come again, and would be missed by nobody.
            spent = shift.spent.items()
            self.capped.update(user for user, count in spent if count >= shift.allowed.get(user, shift.most_each))

    def _is_mine(self, user: int) -> bool:
        return user % self._workers == self._worker
