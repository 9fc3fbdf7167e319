"""Requests on their way through the replicas: which replica gets which request, when it starts and when it ends.

This is the twin's only hot loop: it takes about a microsecond per request. Attributes are therefore plain lists with
one entry per request, indexed by the request's number, and `_admit` binds them to local names first.
"""
from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from heapq import heappop, heappush, heapreplace
from itertools import pairwise
from math import floor, nan

from elastometer.model.capacity import Capacity
from elastometer.model.errors import SpecError
from elastometer.twin.balance import Balancer
from elastometer.twin.ladder import Climb
from elastometer.twin.replica import Replica
from elastometer.twin.scenario import Arrival, KpaController, Scenario

NOBODY = -1


class _Demand:
    """Arrivals as columns. `later_tokens` are the output tokens after the first.

    A search uses the same tuple of arrivals a thousand times. The columns are therefore cached by the identity of the
    tuple, since comparing it would cost as much as building them; `prefill` is cached for the last capacity.
    """

    __slots__ = ("_capacity", "_prefill", "arrivals", "at", "later_tokens", "prompt")

    def __init__(self, arrivals: tuple[Arrival, ...]) -> None:
        self.arrivals = arrivals
        self.at: list[float] = []
        self.prompt: list[int] = []
        self.later_tokens: list[int] = []
        self._capacity: Capacity | None = None
        self._prefill: list[float] = []

    def __hash__(self) -> int:
        return id(self.arrivals)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Demand) and other.arrivals is self.arrivals

    def prefill(self, capacity: Capacity) -> list[float]:
        """Seconds of each request's prefill."""
        if self._capacity is not capacity:
            base, per_token = capacity.prefill_seconds, capacity.prefill_seconds_per_token
            self._capacity, self._prefill = capacity, [base + per_token * tokens for tokens in self.prompt]
        return self._prefill


@lru_cache(maxsize=4)
def _with_columns(demand: _Demand) -> _Demand:
    arrivals = demand.arrivals
    demand.at = [arrival.at for arrival in arrivals]
    for number, (earlier, later) in enumerate(pairwise(demand.at), 1):
        if later < earlier:
            raise SpecError(f"arrivals[{number}].at: must not be before the arrival that precedes it ({earlier:g}), "
                            f"is {later:g}")
    demand.prompt = [arrival.prompt_tokens for arrival in arrivals]
    demand.later_tokens = [max(0, arrival.output_tokens - 1) for arrival in arrivals]
    return demand


class Traffic:
    """`next` is the number of the first request that has not arrived yet; `held` are the requests that an activator
    keeps because no replica serves.

    One entry per request: `at` is its arrival, `first_token` when its first token comes, `done_at` when it left the
    system (NaN while it has not arrived or is held), `replica` the one that served it, or had it when it failed,
    `prompt` its prompt tokens and `later_tokens` its output tokens after the first. Requests in `unserved` left
    without an answer.
    """

    def __init__(self, scenario: Scenario) -> None:
        arrivals, capacity = scenario.arrivals, scenario.capacity
        self.scenario = scenario
        demand = _with_columns(_Demand(arrivals))
        self.at, self.prompt, self.later_tokens = demand.at, demand.prompt, demand.later_tokens
        self.prefill = demand.prefill(capacity)
        count = len(arrivals)
        self.first_token = [nan] * count
        self.done_at = [nan] * count
        self.replica = [NOBODY] * count
        self.unserved: set[int] = set()
        # Seconds per later token, by how many others were running when the request started.
        self._pace = [capacity.decode_seconds + neighbours * capacity.decode_seconds_per_neighbour
                      for neighbours in range(capacity.slots)]
        self.balancer = Balancer(scenario, self.done_at, self.unserved)
        self.next = 0
        self.held: list[int] = []
        path = scenario.resource_path or scenario.path
        # The longest time that a sample can look back: the window of CPU, and the age of the sample itself.
        self._lookback = path.window_seconds + path.scrape_seconds + path.delay_seconds
        self._has_activator = isinstance(scenario.controller, KpaController)

    @property
    def horizon(self) -> float:
        """When the prediction ends."""
        return self.scenario.horizon_seconds

    def requests(self) -> tuple[Arrival, ...]:
        """All requests, in the order of the columns."""
        return self.scenario.arrivals

    def climbs(self) -> tuple[Climb, ...]:
        """What each Knee found; a schedule has none."""
        return ()

    def ids(self) -> Sequence[int]:
        """Their ids in the load."""
        return range(len(self.at))

    def serve(self, until: float, serving: list[Replica]) -> None:
        """Admits every request that arrives before `until`; meanwhile the set of serving replicas does not change."""
        begin, self.next = self.next, bisect_left(self.at, until, self.next)
        if serving:
            self._admit(self._picked(range(begin, self.next), self.at[begin:self.next], serving))
        elif self._has_activator:
            self.held.extend(range(begin, self.next))

    def release(self, at: float, serving: list[Replica]) -> None:
        """Passes the requests that the activator has kept to the first replicas that serve."""
        held, self.held = self.held, []
        self._admit(self._picked(held, [at] * len(held), serving))

    def _picked(
        self, numbers: Sequence[int], instants: list[float], serving: list[Replica],
    ) -> Iterable[tuple[int, float, Replica]]:
        return zip(numbers, instants, self.balancer.picks(numbers, instants, serving), strict=True)

    def _admit(self, sent: Iterable[tuple[int, float, Replica]]) -> None:
        """Computes start, first token and end of each request: (number, instant, replica). `neighbours` is how many
        others are running on the replica when the request starts; `occupy` puts its end into the heap of the running
        ones."""
        scenario, capacity, pace = self.scenario, self.scenario.capacity, self._pace
        slots, join = capacity.slots, capacity.join_seconds
        # With one slot a request from the queue starts alone, and joins no step of others.
        refill, timeout = capacity.refill_seconds if slots > 1 else 0.0, scenario.timeout_seconds
        patience = min(scenario.patience_seconds, timeout)
        prefill, later_tokens = self.prefill, self.later_tokens
        first_token, done_at, served_by = self.first_token, self.done_at, self.replica
        occupy: Callable[[list[float], float], object]
        for number, arrival, replica in sent:
            busy = replica.busy
            while busy[0] <= arrival:
                heappop(busy)
            neighbours, start = len(busy) - 1, arrival
            replica.requests.append(number)
            if neighbours < slots:
                occupy, first = heappush, start + prefill[number] + (join if neighbours else 0.0)
            else:
                # The queue is first come, first served: this request takes the slot that becomes free next.
                neighbours, start = slots - 1, busy[0]
                if start - arrival > patience:
                    done_at[number] = arrival + patience
                    replica.left_queue.append(done_at[number])
                    self.unserved.add(number)
                    continue
                occupy, first = heapreplace, start + prefill[number] + refill
            replica.left_queue.append(start)
            end = first + later_tokens[number] * pace[neighbours]
            if end - arrival > timeout:
                end = arrival + timeout
                self.unserved.add(number)
            first_token[number] = first
            done_at[number] = end
            served_by[number] = replica.number
            occupy(busy, end)

    def running(self, replica: Replica, at: float) -> int:
        """Requests that are running on the replica."""
        done_at = self.done_at
        return len([number for number in self._recent(replica, at) if done_at[number] > at])

    def progress(self, replica: Replica, at: float) -> Iterator[tuple[int, int]]:
        """(prompt tokens, output tokens so far) of each request that is running on the replica at `at`."""
        for number in self._recent(replica, at):
            if self.done_at[number] > at:
                yield self.prompt[number], floor(self._output_tokens(number, at))

    def tokens_between(self, replica: Replica, start: float, end: float) -> float:
        """Output tokens of the replica in (start, end]."""
        return sum([self._output_tokens(number, end) - self._output_tokens(number, start)
                    for number in self._recent(replica, end)])

    def _output_tokens(self, number: int, at: float) -> float:
        """Output tokens of one request until `at`: the first at once, the others evenly until its end."""
        first, done_at = self.first_token[number], self.done_at[number]
        # Not `first > at`: the comparison must also be false for NaN, a request without a first token.
        if not first <= at:
            return 0.0
        share = min(1.0, (at - first) / (done_at - first)) if done_at > first else 1.0
        return 1.0 + self.later_tokens[number] * share

    def _recent(self, replica: Replica, at: float) -> list[int]:
        """Its requests that left the queue by `at`, without those that ended before any sample can look back."""
        self._skip_finished(replica, at - self._lookback)
        return replica.requests[replica.finished:bisect_right(replica.left_queue, at)]

    def _skip_finished(self, replica: Replica, at: float) -> None:
        """Advances `replica.finished` over the requests that ended by `at`. Samples are taken in order of time, so no
        request is skipped that is needed again."""
        requests, finished, done_at = replica.requests, replica.finished, self.done_at
        while finished < len(requests) and done_at[requests[finished]] <= at:
            finished += 1
        replica.finished = finished

    def drain(self, replica: Replica, at: float, deadline: float) -> float:
        """A replica that is deleted at `at` keeps its requests until `deadline`, when the rest are lost. Returns the
        end of the last one."""
        self._skip_finished(replica, at - self._lookback)
        last, done_at = at, self.done_at
        for number in replica.requests[replica.finished:]:
            if done_at[number] > deadline:
                self._lose(number, deadline)
            last = max(last, done_at[number])
        return last

    def _lose(self, number: int, at: float) -> None:
        """The request ends without an answer."""
        self.done_at[number] = at
        self.unserved.add(number)

    def outcome(self, horizon: float) -> tuple[array[float], array[float], array[int]]:
        """First token, end and replica of each request; NaN and NOBODY if it was not served before the horizon. A
        request that failed later may still have had its first token."""
        done_at, first_token, replica = self.done_at, self.first_token, self.replica
        ended, first = array("d", done_at), array("d", first_token)
        late = [number for number, end in enumerate(done_at) if end > horizon]
        for number in (*self.unserved, *late):
            ended[number] = nan
            if first[number] >= min(done_at[number], horizon):
                first[number] = nan
        return first, ended, array("l", replica)
