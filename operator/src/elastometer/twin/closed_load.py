"""Requests that are sent when answers come: those of users who wait and think, and the further turns of conversations.

What a user sends as its k-th request of a stage, and how long it thinks afterwards, follow from the load's seed and the
request's id alone, as in the load generator (`elastometer_loadgen.base.users`). When it is sent depends on the answers.
"""
from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import NamedTuple, Protocol

from elastometer_loadgen.stages.knee import KneeStage


class Step(NamedTuple):
    """From `at` on, `users` take part in a stage, and each may send `allowed` more requests."""

    at: float
    users: int
    allowed: float


@dataclass(frozen=True, slots=True)
class UserStage:
    """One closed-loop stage: `index` among the load's stages, from `begin` to `end` in seconds from the load's start.

    Its `steps` begin with the stage. Users beyond the `present` ones arrive at `spawn_per_second`, or at once (None).
    A user thinks from `think` up to `think` + `think_span` seconds. What is due within `warmup` seconds of the begin of
    a step is not judged. With a `count` each start takes one number of one sequence; the stage is over when all are
    answered, and whatever follows begins then instead of at `end`. So it is with a `knee`, which decides as it runs how
    many users or requests its next step has; its only step is the first.
    """

    index: int
    begin: float
    end: float
    steps: tuple[Step, ...]
    present: int = 0
    spawn_per_second: float | None = None
    think: float = 0.0
    think_span: float = 0.0
    count: int | None = None
    knee: KneeStage | None = None
    warmup: float = 0.0

    @property
    def is_open_ended(self) -> bool:
        """Whether answers decide when it ends."""
        return self.count is not None or self.knee is not None


class Facts(Protocol):
    """What is known about any request by its id alone."""

    def tokens(self, request: int) -> tuple[int, int]:
        """Prompt and output tokens."""
        ...

    def turns(self, conversation: int) -> int:
        """How many requests the conversation takes that begins with this one; 1 where it is no conversation."""
        ...

    def task(self, request: int) -> str:
        """The name of its task."""
        ...

    def turn_think(self, request: int) -> float:
        """Seconds from the answer before this further turn of a conversation to the turn."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class ClosedLoad:
    """The part of a load that depends on answers. `ids` are those of the scenario's arrivals, each of which may begin a
    conversation; `stages` are in their order. `expected` is about how many requests there are in all. The users of each
    of the `workers` may send `left_per_worker` requests, whatever each stage allows them; a user's worker follows from
    its number. The numbers of a count, and what came by a schedule, are not among them."""

    ids: tuple[int, ...]
    stages: tuple[UserStage, ...]
    facts: Facts
    seed: int
    expected: int
    left_per_worker: float = inf
    workers: int = 1

    @property
    def is_open_ended(self) -> bool:
        """Whether it ends with an answer, at a time that nobody knows before."""
        return any(stage.is_open_ended for stage in self.stages)
