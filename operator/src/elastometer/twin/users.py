"""The users and conversations of a closed load in virtual time: who wants to send what, and when.

The rules are those of the load generator (its `drive.users`, `drive.conversations` and `drive.stage_runner`): users
carry over from one stage to the next, a request belongs to the stage in which its user wanted it, a conversation that
has begun is carried to its end, and after a lost request a user waits for at least a second.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush
from itertools import count
from typing import NamedTuple

from elastometer.twin.closed_load import ClosedLoad, Step, UserStage
from elastometer.twin.ladder import Climb, Samples
from elastometer.twin.scenario import Arrival
from elastometer.twin.stage_run import StageRun
from elastometer_loadgen.base.turns import conversation_of, turn_id, turn_of
from elastometer_loadgen.base.users import MIN_SECONDS_AFTER_LOSS, request_id, think_seconds
from elastometer_loadgen.stages.knee import KneeVariable

NOBODY = -1
# A wish of a user who has yet to choose: what it sends depends on the stage that runs by then.
OPEN = -1
# No wish, but the end of a step of a Knee.
JUDGED = -2


class Wanted(NamedTuple):
    """A request that is due: its id, the index of its stage, and its user (NOBODY: it came by a schedule). What is due
    in a warm-up is not judged."""

    at: float
    request: int
    stage: int
    user: int
    is_judged: bool = True


class _Wish(NamedTuple):
    """`before` is the number of the request whose answer it follows, NOBODY for none; `order` decides among equals."""

    at: float
    order: int
    before: int
    request: int
    stage: int
    user: int


class Users:
    """Gives out requests in order of time; `answered` must be called for each before the next is asked for."""

    def __init__(self, load: ClosedLoad, arrivals: Sequence[Arrival], samples: Samples) -> None:
        self._load = load
        self._samples = samples
        self.climbs: list[Climb] = []
        self._segments = _segments(load, arrivals)
        self._heap: list[_Wish] = []
        self._order = count()
        self._valid: dict[int, int] = {}
        self._runs: dict[int, StageRun] = {}
        self._present: set[int] = set()
        self._left = [load.left_per_worker] * load.workers
        self._open(0.0)

    @property
    def over_at(self) -> float | None:
        """When the last stage ended after which nobody asks any more, whatever the answers; None while some may."""
        if self._segments or any(run.stage.is_open_ended and not run.is_over for run in self._runs.values()):
            return None
        end = max((run.end for run in self._runs.values()), default=0.0)
        # Who thinks beyond the end of the last stage leaves.
        return end if all(wish.request == OPEN and wish.at >= end for wish in self._heap) else None

    def next_before(self, until: float) -> Wanted | None:
        """The next request, if it is due before `until`."""
        heap = self._heap
        while heap and heap[0].at < until:
            wish = heappop(heap)
            # A lost answer may have put another wish in its place.
            if wish.before != NOBODY and self._valid.pop(wish.before, None) != wish.order:
                continue
            if (wanted := self._begin(wish)) is not None:
                return wanted
        return None

    def answered(self, number: int, wanted: Wanted, end: float, *, lost: bool) -> None:
        """Request `number` is over at `end`; a later call for the same number replaces an earlier one."""
        first, turn = conversation_of(wanted.request), turn_of(wanted.request)
        if not lost and turn < self._load.facts.turns(first):
            further = turn_id(first, turn + 1)
            self._wish(end + self._load.facts.turn_think(further), number, further, wanted)
        elif wanted.user != NOBODY:
            stage = self._runs[wanted.stage].stage
            at = end + think_seconds(stage.think, stage.think_span, self._load.seed, first)
            self._wish(max(at, wanted.at + MIN_SECONDS_AFTER_LOSS) if lost else at, number, OPEN, wanted)

    def _wish(self, at: float, before: int, request: int, wanted: Wanted) -> None:
        self._valid[before] = order = next(self._order)
        heappush(self._heap, _Wish(at, order, before, request, wanted.stage, wanted.user))

    def _begin(self, wish: _Wish) -> Wanted | None:
        if wish.request == JUDGED:
            self._judge(self._runs[wish.stage])
            return None
        if wish.request != OPEN:
            return self._wanted(wish.at, wish.request, wish.stage, wish.user)
        if wish.before == NOBODY:
            if wish.user in self._present:
                return None
            self._present.add(wish.user)
        else:
            self._runs[wish.stage].outstanding -= 1
        wanted = self._chosen(wish)
        if wanted is None:
            self._present.discard(wish.user)
        self._close(wish)
        return wanted

    def _chosen(self, wish: _Wish) -> Wanted | None:
        """What the user sends now; None if it leaves."""
        run = next((run for run in reversed(self._runs.values()) if run.runs_at(wish.at)), None)
        if run is None or run.used_up or not run.has(wish.user, wish.at):
            return None
        stage, number = run.stage, run.number(wish.user)
        request = request_id(stage.index, wish.user if stage.count is None else 0, number)
        turns, worker = self._load.facts.turns(request), wish.user % self._load.workers
        is_bounded = stage.count is None
        if (is_bounded and turns > self._left[worker]) or not run.take(wish.user, turns, wish.at):
            return None
        self._left[worker] -= turns * is_bounded
        return self._wanted(wish.at, request, stage.index, wish.user)

    def _wanted(self, at: float, request: int, stage: int, user: int) -> Wanted:
        run = self._runs.get(stage)
        return Wanted(at, request, stage, user, run is None or run.judges(at))

    def _close(self, wish: _Wish) -> None:
        """What follows a stage with a count begins once its last request is over."""
        run = self._runs.get(wish.stage)
        if run is not None and run.used_up and not run.outstanding and not run.is_over:
            self._over(run, wish.at)

    def _over(self, run: StageRun, at: float) -> None:
        """A stage that answers end is over: what follows it begins."""
        run.is_over, run.end = True, at
        self._open(at - run.stage.end)

    def _judge(self, run: StageRun) -> None:
        """A step of a Knee ends: the next one begins, or the stage is over."""
        ladder = run.ladder
        if ladder is None:
            raise TypeError(f"stage {run.stage.index} is no Knee")
        at = ladder.end
        if ladder.rises(self._samples):
            run.add(Step(at, ladder.value, ladder.allowed()))
            self._hold(run)
        else:
            self.climbs.append(ladder.found)
            self._over(run, at)

    def _hold(self, run: StageRun) -> None:
        """What a step sends of itself, and its end."""
        stage, step, ladder = run.stage, run.steps[-1], run.ladder
        if ladder is None or ladder.stage.of is KneeVariable.USERS:
            for user, at in _arrivals(stage, step):
                self._push(at, OPEN, stage.index, user)
        if ladder is not None:
            for at, request in ladder.scheduled():
                self._push(at, request, stage.index, NOBODY)
            self._push(ladder.end, JUDGED, stage.index, NOBODY)

    def _push(self, at: float, request: int, stage: int, user: int) -> None:
        heappush(self._heap, _Wish(at, next(self._order), NOBODY, request, stage, user))

    def _open(self, shift: float) -> None:
        """Announces the next segment: the stages up to one whose end depends on answers, and their arrivals."""
        if not self._segments:
            return
        stages, arrivals = self._segments.pop(0)
        self._heap += [_Wish(at + shift, next(self._order), NOBODY, request, stage, NOBODY)
                       for at, request, stage in arrivals]
        for stage in stages:
            run = self._runs[stage.index] = StageRun(stage, shift, self._load.seed)
            if stage.knee is not None:
                self._hold(run)
                continue
            self._heap += [_Wish(at, next(self._order), NOBODY, OPEN, stage.index, user)
                           for step in run.steps for user, at in _arrivals(stage, step) if run.runs_at(at)]
        heapify(self._heap)


def _arrivals(stage: UserStage, step: Step) -> Iterator[tuple[int, float]]:
    """(user, instant) at which each user of a step arrives, unless it is there already."""
    rate = stage.spawn_per_second
    return ((user, step.at + (0.0 if rate is None else max(user - stage.present, 0) / rate))
            for user in range(step.users))


def _segments(
    load: ClosedLoad, arrivals: Sequence[Arrival],
) -> list[tuple[list[UserStage], list[tuple[float, int, int]]]]:
    """The load, cut after each stage that answers end."""
    lasts = [stage.index for stage in load.stages if stage.is_open_ended]
    bounds = [*lasts, max([*lasts, *(stage.index for stage in load.stages), *(one.stage for one in arrivals)]) + 1]
    found, after = [], -1
    for last in bounds:
        found.append((
            [stage for stage in load.stages if after < stage.index <= last],
            [(arrival.at, request, arrival.stage) for arrival, request in zip(arrivals, load.ids, strict=True)
             if after < arrival.stage <= last]))
        after = last
    return found
