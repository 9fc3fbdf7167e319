"""A Knee in virtual time: the load rises in steps, each judged at its end by the load generator's own rules.

The rules of the search are those of `drive.knee_search` of the load generator, those of a step `stages.objectives`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from elastometer_loadgen.base.users import request_id
from elastometer_loadgen.stages.knee import KneeStage, KneeVariable
from elastometer_loadgen.stages.objectives import Sample, StepVerdict, judge
from elastometer_loadgen.stages.rate import Arrivals, RateStage
from elastometer_loadgen.stages.stage import stage_seed

# The requests of a stage that were wanted in [from, until), as they look at `until`.
Samples = Callable[[int, float, float], Sequence[Sample]]


class Held(NamedTuple):
    """A step that was held: its value, from when to when, and what it was."""

    value: int
    start: float
    end: float
    verdict: StepVerdict


@dataclass(frozen=True, slots=True)
class Climb:
    """What a Knee found: its steps in order, and its soak, None without one; `stage` is its index in the load."""

    stage: int
    steps: tuple[Held, ...]
    soak: Held | None


@dataclass(slots=True)
class Ladder:
    """One search while it runs. `index` is that of its stage. `value` is what it holds now, from `start` to `end`."""

    stage: KneeStage
    index: int
    seed: int
    start: float
    value: int = field(init=False)
    end: float = field(init=False)
    steps: list[Held] = field(default_factory=list)
    soak: Held | None = None
    soaks: bool = False
    _numbers: int = 0

    def __post_init__(self) -> None:
        self.value, self.end = self.stage.steps[0], self.start + self.stage.step_seconds

    @property
    def found(self) -> Climb:
        """What it found so far."""
        return Climb(self.index, tuple(self.steps), self.soak)

    def rises(self, samples: Samples) -> bool:
        """Judges the step that ends now and chooses the next one; False if the search is over."""
        held = Held(self.value, self.start, self.end,
                    judge(self.stage.objectives,
                          samples(self.index, self.start + self.stage.warmup_seconds, self.end)))
        if self.soaks:
            self.soak = held
            return False
        self.steps.append(held)
        is_good = held.verdict.failed is None and held.verdict.inconclusive is None
        if is_good and len(self.steps) < len(self.stage.steps):
            return self._hold(self.stage.steps[len(self.steps)], self.stage.step_seconds)
        good = [step.value for step in self.steps[:len(self.steps) if is_good else -1]]
        self.soaks = bool(good and self.stage.soak_seconds)
        return self.soaks and self._hold(good[-1], self.stage.soak_seconds)

    def allowed(self) -> float:
        """How many more requests each user of the step may send."""
        return self.stage.max_per_user(round(self.end - self.start))

    def scheduled(self) -> list[tuple[float, int]]:
        """(instant, id) of the requests of a step of rates; none of users, who send as answers come."""
        if self.stage.of is KneeVariable.USERS:
            return []
        rate, seconds = Fraction(self.value), round(self.end - self.start)
        drawn = RateStage(self.stage.name, seconds, rate, rate, Arrivals.POISSON).instants(
            f"{stage_seed(self.seed, self.index)}/{self._numbers}", Fraction(0))[0]
        first, self._numbers = self._numbers, self._numbers + len(drawn)
        return [(self.start + at, request_id(self.index, 0, number)) for number, at in enumerate(drawn, first)]

    def _hold(self, value: int, seconds: int) -> bool:
        self.value, self.start, self.end = value, self.end, self.end + seconds
        return True
