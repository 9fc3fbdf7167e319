"""What a load sends: its tasks and stages, and how many requests follow from them. Pure.

Stages whose number of requests is known before they run set it aside from the bound of the whole load,
`maximumRequests`. What is left of it is shared by those that send as answers come until their time is over, and is
counted as it is spent: what such a stage might send at most says nothing about what it will.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from elastometer_loadgen.profile.task import Task
from elastometer_loadgen.stages.stage import Stage, Turns

DEFAULT_MAX_REQUESTS = 500_000


class TaskOrder(StrEnum):
    """Which task a request of a stage belongs to: one that is drawn by weight, or the next one in turn."""

    DRAWN = "Drawn"
    ALTERNATING = "Alternating"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Tasks and stages. `given_maximum_requests` is the bound of the whole load, None where the profile has none."""

    tasks: tuple[Task, ...]
    stages: tuple[Stage, ...]
    task_order: TaskOrder = TaskOrder.DRAWN
    given_maximum_requests: int | None = None

    def tasks_of(self, stage: Stage) -> tuple[Task, ...]:
        """The tasks that a stage draws from; none where the stage itself sets the lengths, or sends nothing."""
        if stage.fixes_sizes or stage.is_quiet:
            return ()
        return tuple(task for task in self.tasks if task.name in stage.tasks) if stage.tasks else self.tasks

    def task_names_of(self, stage: Stage) -> tuple[str, ...]:
        """The tasks that the records of a stage name."""
        return tuple(task.name for task in self.tasks_of(stage)) or stage.sized_tasks

    def turns_of(self, stage: Stage) -> Turns:
        """How many requests the conversations have that begin in a stage."""
        tasks = self.tasks_of(stage)
        if not tasks:
            return Turns(Fraction(1), 1)
        mean = Fraction(sum(task.weight * task.turns for task in tasks), sum(task.weight for task in tasks))
        return Turns(mean, max(task.turns for task in tasks))

    @property
    def max_turns(self) -> int:
        """The turns of the longest conversation; 1 where no stage draws a task that is one."""
        return max(self.turns_of(stage).most for stage in self.stages)

    def requests_of(self, stage: Stage) -> Fraction:
        """What an open loop is expected to send, and the most that a closed loop may send; each turn is a request."""
        own = stage.requests(self.turns_of(stage))
        if not self.shares_bound(stage):
            return own or Fraction(0)
        shared = Fraction(self.shared_requests)
        return shared if own is None else min(own, shared)

    def shares_bound(self, stage: Stage) -> bool:
        """Whether its requests are counted against what is left of the bound of the whole load, as they are sent."""
        return stage.least_requests(self.turns_of(stage)) is not None

    @property
    def planned_requests(self) -> int:
        """The requests of all stages whose number is known beforehand, rounded up."""
        return math.ceil(sum(self.requests_of(stage) for stage in self.stages if not self.shares_bound(stage)))

    @property
    def maximum_requests(self) -> int:
        """The bound of the whole load."""
        if self.given_maximum_requests is not None:
            return self.given_maximum_requests
        return max(DEFAULT_MAX_REQUESTS, self.planned_requests)

    @property
    def shared_requests(self) -> int:
        """What is left of the bound for users that send until their stage is over."""
        return max(self.maximum_requests - self.planned_requests, 0)

    @property
    def most_requests(self) -> int:
        """How many requests there may be in all: planned ones, and those of users, each stage within its own limit."""
        spent = sum(self.requests_of(stage) for stage in self.stages if self.shares_bound(stage))
        return self.planned_requests + min(math.ceil(spent), self.shared_requests)
