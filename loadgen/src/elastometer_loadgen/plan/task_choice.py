"""Which task a request belongs to: drawn by weight from those of its stage, or taken in turn. By its id alone.

In turn, the k-th request of a stage takes the k-th place of a cycle in which each task occurs as often as its weight
says, spread as evenly as can be; in a closed loop each user has turns of its own, and user u begins with the u-th
place, so that users who start together do not all ask for the same.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import accumulate
from math import gcd
from typing import NamedTuple

from elastometer_loadgen.base.users import FIRST_CLOSED_ID, STAGE_BITS, USER_BITS
from elastometer_loadgen.plan.draws import RANGE
from elastometer_loadgen.plan.schedule import compute_schedule
from elastometer_loadgen.profile.offer import TaskOrder
from elastometer_loadgen.profile.profile import Profile
from elastometer_loadgen.stages.stage import Stage


class _Choice(NamedTuple):
    """The tasks of one stage by their places in the profile, their weights added up, and their turns; those are empty
    where tasks are drawn."""

    places: tuple[int, ...]
    weights: tuple[int, ...]
    turns: tuple[int, ...]


class TaskChoice:
    """The choice for each stage. `first_ids` are those of the schedule, and are computed if they are not given; empty
    ones stand for a schedule that is not known, where a trace was not read."""

    def __init__(self, profile: Profile, first_ids: Sequence[int] | None = None) -> None:
        choices = tuple(_choice(profile, stage) for stage in profile.stages)
        is_same = not choices[0].turns and all(choice == choices[0] for choice in choices)
        self._choices = choices
        # Most loads have one choice for all stages, and it is asked for with every request.
        self._only = choices[0] if is_same else None
        self._first_ids: Sequence[int] = ()
        if not is_same:
            self._first_ids = compute_schedule(profile).first_ids if first_ids is None else first_ids

    def place(self, request_id: int, draw: int) -> int:
        """The place of the request's task among those of the profile; `draw` is from [0, RANGE)."""
        choice = self._only
        if choice is None:
            stage, turn = self._turn(request_id)
            choice = self._choices[stage]
            if choice.turns:
                return choice.turns[turn % len(choice.turns)]
        return choice.places[bisect_right(choice.weights, draw * choice.weights[-1] // RANGE)]

    def is_known(self, request_id: int) -> bool:
        """Whether the task is known: it may depend on which stage of the schedule a request belongs to."""
        return self._only is not None or request_id >= FIRST_CLOSED_ID or bool(self._first_ids)

    def _turn(self, request_id: int) -> tuple[int, int]:
        """The index of its stage, and its place in the turns of that stage."""
        if request_id < FIRST_CLOSED_ID:
            stage = bisect_right(self._first_ids, request_id) - 1
            return stage, request_id - self._first_ids[stage]
        user, number = divmod(request_id & FIRST_CLOSED_ID - 1, 1 << USER_BITS)
        return (request_id >> STAGE_BITS) - 1, user + number


def _choice(profile: Profile, stage: Stage) -> _Choice:
    # A stage that sets the lengths of its requests itself has no tasks, and is never asked for any.
    tasks = profile.tasks_of(stage) or profile.tasks
    places = tuple(profile.tasks.index(task) for task in tasks)
    weights = [task.weight for task in tasks]
    turns = tuple(places[at] for at in _cycle(weights)) if profile.task_order is TaskOrder.ALTERNATING else ()
    return _Choice(places, tuple(accumulate(weights)), turns)


def _cycle(weights: Sequence[int]) -> Iterator[int]:
    """Each index as often as its weight, in lowest terms: at every place, the one that is furthest behind its share.

    That is nginx's smooth weighted round robin (https://github.com/nginx/nginx/commit/52327e0627f49dbda1e8db695e63a4b0af4448b1).
    """
    divisor = reduce(gcd, weights)
    shares = [weight // divisor for weight in weights]
    behind = [0] * len(shares)
    for _ in range(sum(shares)):
        behind = [owed + share for owed, share in zip(behind, shares, strict=True)]
        first = behind.index(max(behind))
        behind[first] -= sum(shares)
        yield first
