"""Users, and Concurrency held by time: a number of users that each wait for their answer. Closed loop. Pure."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from elastometer_loadgen.base.fields import Fields
from elastometer_loadgen.base.spans import NO_THINKING, THINKING, Span, decimal_span
from elastometer_loadgen.stages.defaults import ClosedLoop
from elastometer_loadgen.stages.stage import (
    MAX_USERS,
    Context,
    Refusal,
    StageType,
    Turns,
    read_duration,
    read_max_requests,
    read_warmup,
    too_few_requests,
)

FIELDS = ("durationSeconds", "users", "spawnPerSecond", "thinkTimeSeconds", "maximumRequests", "warmupSeconds")


@dataclass(frozen=True, slots=True)
class UsersStage(ClosedLoop):
    """Closed loop: Users, or Concurrency by time, whose users start at once and do not think.

    `spawn_rate` is new users per second, None for all at once. `max_requests` limits how many requests a server that
    answers at once could draw; each user has an equal share of it, and at least one request. Where it is None, only the
    bound of the whole load holds.
    """

    name: str
    type: StageType
    duration_seconds: int
    users: int
    spawn_rate: Fraction | None
    think: Span
    max_requests: int | None

    @property
    def max_per_user(self) -> float:
        """How many requests one user may send; infinite where only the bound of the whole load holds."""
        return math.inf if self.max_requests is None else max(self.max_requests // self.users, 1)

    def present(self, seconds: float, before: int) -> int:
        """The number of users this long into the stage, when `before` carried over from the previous stage."""
        kept = min(before, self.users)
        if self.spawn_rate is None:
            return self.users
        return min(self.users, kept + math.floor(seconds * self.spawn_rate) + 1)

    def requests(self, turns: Turns) -> Fraction | None:  # noqa: ARG002
        """The limit counts requests, so it counts turns already."""
        return None if self.max_requests is None else Fraction(max(self.max_requests, self.users))

    def least_requests(self, turns: Turns) -> int:
        return self.users * turns.most

    def conversation_refusal(self, turns: int) -> Refusal | None:
        return too_few_requests(self.users, turns, self.users * turns, self.max_requests)

    def details(self) -> dict[str, Any]:
        return {
            "users": self.users, "spawnPerSecond": None if self.spawn_rate is None else float(self.spawn_rate),
            "thinkTimeSeconds": {"minimum": float(self.think.low), "maximum": float(self.think.high)},
        }

    def sentence(self) -> str:
        spawn = "at once" if self.spawn_rate is None else f"{float(self.spawn_rate):g} more per second"
        return f"{self.users} users, {spawn}, think {float(self.think.low):g} to {float(self.think.high):g} s"

    def load_at(self, seconds: float) -> str:  # noqa: ARG002
        return f"{self.users} users"


def read(fields: Fields, context: Context) -> UsersStage:  # noqa: ARG001
    """The type Users; Concurrency by time is read in `count`, which knows both of its forms."""
    seconds = read_duration(fields)
    return UsersStage(
        name=fields.name(),
        type=StageType.USERS,
        duration_seconds=seconds,
        warmup_seconds=read_warmup(fields, seconds, "durationSeconds"),
        users=fields.integer("users", 1, MAX_USERS, default=None),
        spawn_rate=fields.decimal("spawnPerSecond", "0.001", str(MAX_USERS)),
        think=decimal_span(fields, "thinkTimeSeconds", *THINKING) or NO_THINKING,
        max_requests=read_max_requests(fields),
    )
