"""Knee: steps up in rate or users until an objective fails, then soaks at the last good step. Pure."""

import math
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from elastometer_loadgen.base.fields import Fields
from elastometer_loadgen.base.spans import NO_THINKING, THINKING, Span, decimal_span
from elastometer_loadgen.stages.defaults import ClosedLoop
from elastometer_loadgen.stages.objectives import DEFAULT_PERCENTILE, KneeIndicator, KneeObjective, read_objectives
from elastometer_loadgen.stages.stage import (
    MAX_STAGE_SECONDS,
    MAX_USERS,
    Context,
    Refusal,
    StageType,
    Turns,
    read_max_requests,
    read_warmup,
    too_few_requests,
)

FIELDS = (
    "of", "start", "step", "stepSeconds", "maximum", "soakSeconds", "thinkTimeSeconds", "maximumRequests", "objectives",
    "warmupSeconds",
)
# With fewer requests in the first step of a Knee, randomness and not the server decides its verdict.
MIN_REQUESTS_IN_FIRST_STEP = 10
# What people call healthy: 99 of 100 requests succeed, and 99 of 100 answers take at most 2 seconds.
DEFAULT_OBJECTIVES = (
    KneeObjective(KneeIndicator.REQUEST_SUCCESS, DEFAULT_PERCENTILE, None, 99),
    KneeObjective(KneeIndicator.REQUEST_LATENCY, 99, 2000, None),
)


class KneeVariable(StrEnum):
    """What a Knee raises from step to step."""

    RATE = "Rate"
    USERS = "Users"


@dataclass(frozen=True, slots=True)
class KneeStage(ClosedLoop):
    """Steps up until an objective fails, then holds the last step that was good.

    For each step in which it takes part, a user has a share of `max_requests` in proportion to the step's seconds, and
    at least one request. Where it is None, only the bound of the whole load holds. A Knee of rates is an open loop
    within each step, but which steps come is decided as it runs. The warm-up is that of each step, and of the soak.
    """

    name: str
    of: KneeVariable
    start: int
    step: int
    step_seconds: int
    maximum: int
    soak_seconds: int
    think: Span
    max_requests: int | None
    objectives: tuple[KneeObjective, ...]

    @property
    def type(self) -> StageType:
        return StageType.KNEE

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

    def max_per_user(self, seconds: int) -> float:
        """How many requests one user may send in a step of this length; infinite without a limit of its own."""
        return math.inf if self.max_requests is None else max(self.max_requests * seconds // self.area, 1)

    @property
    def is_open_ended(self) -> bool:
        return True

    @property
    def one_worker_reason(self) -> str:
        return f"stage {self.name} is a Knee, and one worker must judge its steps from all requests"

    def requests(self, turns: Turns) -> Fraction | None:
        """The most requests; for rates, what all steps and a soak at the maximum are expected to send."""
        if self.of is KneeVariable.RATE:
            return Fraction(self.area * turns.most)
        if self.max_requests is None:
            return None
        each, last = (max(self.max_requests * seconds // self.area, 1)
                      for seconds in (self.step_seconds, self.soak_seconds))
        soaked = self.maximum * last if self.soak_seconds else 0
        return Fraction(max(self.max_requests, sum(self.steps) * each + soaked))

    def least_requests(self, turns: Turns) -> int | None:
        return self.maximum * turns.most if self.of is KneeVariable.USERS else None

    def conversation_refusal(self, turns: int) -> Refusal | None:
        if self.of is KneeVariable.RATE:
            return None
        least = -(-turns * self.area // self.step_seconds)
        return too_few_requests(self.maximum, turns, least, self.max_requests, " in each step")

    def details(self) -> dict[str, Any]:
        return {
            "of": self.of.value, "steps": list(self.steps), "stepSeconds": self.step_seconds,
            "soakSeconds": self.soak_seconds,
        }

    def sentence(self) -> str:
        ends = f"{self.start} to {self.maximum} by {self.step}"
        return f"{self.of} {ends}, {self.step_seconds} s each, then {self.soak_seconds} s"

    def load_at(self, seconds: float) -> str:
        """The highest that it may be: a step that fails ends the search earlier."""
        step = self.steps[min(int(seconds // self.step_seconds), len(self.steps) - 1)]
        return f"up to {step} users" if self.of is KneeVariable.USERS else f"up to {step}/s"


def read(fields: Fields, context: Context) -> KneeStage:  # noqa: ARG001
    """A Knee with its objectives, or with those that people call healthy."""
    fields.require("of")
    of = fields.choice("of", KneeVariable, default=KneeVariable.USERS)
    start = fields.integer("start", 1, MAX_USERS, default=None)
    if of is KneeVariable.RATE:
        for name in ("thinkTimeSeconds", "maximumRequests"):
            if fields.has(name):
                fields.refuse(name, "be absent unless of is Users")
        _check_first_step(fields, start)
    step_seconds = fields.integer("stepSeconds", 1, MAX_STAGE_SECONDS, default=None)
    soak_seconds = fields.integer("soakSeconds", 0, MAX_STAGE_SECONDS, default=0)
    is_short = 0 < soak_seconds < step_seconds
    held = (soak_seconds, "soakSeconds") if is_short else (step_seconds, "stepSeconds")
    return KneeStage(
        name=fields.name(),
        of=of,
        start=start,
        step=fields.integer("step", 1, MAX_USERS, default=None),
        step_seconds=step_seconds,
        maximum=fields.integer("maximum", start, MAX_USERS, default=None),
        soak_seconds=soak_seconds,
        warmup_seconds=read_warmup(fields, *held),
        think=decimal_span(fields, "thinkTimeSeconds", *THINKING) or NO_THINKING,
        max_requests=read_max_requests(fields),
        objectives=read_objectives(fields) if fields.has("objectives") else DEFAULT_OBJECTIVES,
    )


def _check_first_step(fields: Fields, rate: int) -> None:
    seconds, warmup = fields.raw("stepSeconds"), fields.raw("warmupSeconds") or 0
    are_valid = fields.raw("start") == rate and isinstance(seconds, int) and seconds >= 1 and isinstance(warmup, int)
    if are_valid and rate * (seconds - warmup) < MIN_REQUESTS_IN_FIRST_STEP:
        least = warmup + -(-MIN_REQUESTS_IN_FIRST_STEP // rate)
        after = f" after the warm-up of {warmup} s" if warmup else ""
        expected = f"{MIN_REQUESTS_IN_FIRST_STEP} requests are expected in the first step{after}, at {rate}/s"
        fields.refuse("stepSeconds", f"be at least {least}, so that {expected}")
