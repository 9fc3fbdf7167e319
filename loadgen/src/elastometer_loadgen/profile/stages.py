"""The stages of a load. Times in seconds, rates in requests per second.

Open loop (Rate, Trace): requests are sent on a schedule. Closed loop (Users, Concurrency, Sweep, a Knee of users): each
user waits for the answer. `duration_seconds` is how long a stage lasts, or the longest time it may last where
`is_open_ended`; `expected` is what an open loop is expected to send, and the most that a closed loop may send.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from elastometer_loadgen.profile.knee import KneeObjective
from elastometer_loadgen.profile.task import Span
from elastometer_loadgen.profile.traces import Size, Trace, TraceFormat


class Arrivals(StrEnum):
    """How arrivals are distributed within a stage."""

    CONSTANT = "Constant"
    POISSON = "Poisson"
    GAMMA = "Gamma"


class StageType(StrEnum):
    """The types of stages."""

    RATE = "Rate"
    USERS = "Users"
    CONCURRENCY = "Concurrency"
    KNEE = "Knee"
    SWEEP = "Sweep"
    TRACE = "Trace"


class KneeVariable(StrEnum):
    """What a Knee raises from step to step."""

    RATE = "Rate"
    USERS = "Users"


@dataclass(frozen=True, slots=True)
class RateStage:
    """Open loop: the rate changes linearly in time from one rate to another.

    `burstiness`, for Gamma arrivals only, is the shape parameter of the gaps: their coefficient of variation is
    1/sqrt(burstiness), so 1 is Poisson, a smaller value comes in bursts, and a larger one is more even.
    """

    name: str
    duration_seconds: int
    start_rate: Fraction
    end_rate: Fraction
    arrivals: Arrivals
    burstiness: Fraction | None = None

    @property
    def expected(self) -> Fraction:
        """The area under the rate."""
        return (self.start_rate + self.end_rate) * self.duration_seconds / 2

    def rate_at(self, seconds: float) -> float:
        """The planned rate at an instant of the stage."""
        return float(self.start_rate) + float(self.end_rate - self.start_rate) * seconds / self.duration_seconds

    @property
    def is_open_ended(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class TraceStage:
    """Open loop: recorded instants and sizes. Times of the file are multiplied by `time_scale`: 0.5 is twice as fast.

    `trace` is None until the file was read. `limit_seconds` cuts the trace off; None means all of it.
    """

    name: str
    file: str
    format: TraceFormat
    time_scale: Fraction
    limit_seconds: int | None
    trace: Trace | None = None

    @property
    def duration_seconds(self) -> int:
        """The limit, or else up to the next whole second after the last request."""
        if self.limit_seconds is not None or self.trace is None:
            return self.limit_seconds or 1
        return math.floor(self.trace.times[-1] * float(self.time_scale)) + 1

    @property
    def expected(self) -> Fraction:
        """The number of requests; 0 until the file was read."""
        if self.trace is None:
            return Fraction(0)
        return Fraction(self.trace.within(self.duration_seconds, float(self.time_scale)))

    @property
    def is_open_ended(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class UsersStage:
    """Closed loop: Users, or Concurrency by time, whose users start at once and do not think.

    `spawn_rate` is new users per second, None for all at once. `max_requests` limits how many requests a server that
    answers at once could draw; each user has an equal share of it, and at least one request.
    """

    name: str
    type: StageType
    duration_seconds: int
    users: int
    spawn_rate: Fraction | None
    think: Span
    max_requests: int

    @property
    def expected(self) -> Fraction:
        return Fraction(max(self.max_requests, self.users))

    @property
    def is_open_ended(self) -> bool:
        return False

    @property
    def max_per_user(self) -> int:
        """How many requests one user may send."""
        return max(self.max_requests // self.users, 1)

    def present(self, seconds: float, before: int) -> int:
        """The number of users this long into the stage, when `before` carried over from the previous stage."""
        kept = min(before, self.users)
        if self.spawn_rate is None:
            return self.users
        return min(self.users, kept + math.floor(seconds * self.spawn_rate) + 1)


@dataclass(frozen=True, slots=True)
class CountStage:
    """Closed loop until `requests` were sent and answered: Concurrency by count, and Sweep with one at a time.

    A Sweep goes through `sizes` in order, each `requests / len(sizes)` times. No request takes more than
    `request_seconds`.
    """

    name: str
    type: StageType
    concurrency: int
    requests: int
    request_seconds: int
    sizes: tuple[Size, ...] = ()

    @property
    def duration_seconds(self) -> int:
        return -(-self.requests // self.concurrency) * self.request_seconds

    @property
    def expected(self) -> Fraction:
        return Fraction(self.requests)

    @property
    def is_open_ended(self) -> bool:
        return True

    def size(self, number: int) -> Size | None:
        """The size of the request with this number within the stage; None where its task determines it."""
        return self.sizes[number * len(self.sizes) // self.requests] if self.sizes else None


@dataclass(frozen=True, slots=True)
class KneeStage:
    """Steps up until an objective fails, then holds the last step that was good.

    For each step in which it takes part, a user has a share of `max_requests` in proportion to the step's seconds, and
    at least one request.
    """

    name: str
    of: KneeVariable
    start: int
    step: int
    step_seconds: int
    maximum: int
    soak_seconds: int
    think: Span
    max_requests: int
    objectives: tuple[KneeObjective, ...]

    @property
    def steps(self) -> tuple[int, ...]:
        """The values to try, in order; the last one is the maximum itself."""
        values = tuple(range(self.start, self.maximum + 1, self.step))
        return values if values[-1] == self.maximum else (*values, self.maximum)

    @property
    def duration_seconds(self) -> int:
        return len(self.steps) * self.step_seconds + self.soak_seconds

    @property
    def area(self) -> int:
        """Value times seconds, for all steps and a soak at the maximum: requests for rates, user-seconds for users."""
        return sum(self.steps) * self.step_seconds + self.maximum * self.soak_seconds

    def max_per_user(self, seconds: int) -> int:
        """How many requests one user may send in a step of this length."""
        return max(self.max_requests * seconds // self.area, 1)

    @property
    def expected(self) -> Fraction:
        """The most requests; for rates, what all steps and a soak at the maximum are expected to send."""
        if self.of is KneeVariable.RATE:
            return Fraction(self.area)
        soaked = self.maximum * self.max_per_user(self.soak_seconds) if self.soak_seconds else 0
        return Fraction(max(self.max_requests, sum(self.steps) * self.max_per_user(self.step_seconds) + soaked))

    @property
    def is_open_ended(self) -> bool:
        return True


Stage = RateStage | TraceStage | UsersStage | CountStage | KneeStage


def fixes_sizes(stage: Stage) -> bool:
    """True where the stage and not a task sets the lengths of prompts."""
    return isinstance(stage, TraceStage) or (isinstance(stage, CountStage) and bool(stage.sizes))


def type_of(stage: Stage) -> StageType:
    """The type of a stage as the profile writes it."""
    match stage:
        case RateStage():
            return StageType.RATE
        case TraceStage():
            return StageType.TRACE
        case KneeStage():
            return StageType.KNEE
        case _:
            return stage.type
