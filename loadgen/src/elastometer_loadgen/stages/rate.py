"""Rate: requests at a rate that changes linearly in time. Open loop. Pure.

The expected count after t seconds is N(t) = r0 t + (r1 - r0) t^2 / 2T. Constant arrivals lie where N passes k + 1/2,
and adjacent Constant stages share one count. Poisson arrivals lie where N passes the running sum of unit exponentials,
Gamma arrivals where it passes the running sum of Gamma gaps of mean 1.
"""

import math
import random
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from elastometer_loadgen.base.fields import Fields
from elastometer_loadgen.stages.defaults import StageDefaults
from elastometer_loadgen.stages.stage import Context, StageRole, StageType, Turns, read_duration

FIELDS = ("durationSeconds", "startRequestsPerSecond", "endRequestsPerSecond", "arrivals", "burstiness")
MAX_RATE = "100000"
BURSTINESS = ("0.01", "1000")
HALF = Fraction(1, 2)


class Arrivals(StrEnum):
    """How arrivals are spread within a stage."""

    CONSTANT = "Constant"
    POISSON = "Poisson"
    GAMMA = "Gamma"


@dataclass(frozen=True, slots=True)
class RateStage(StageDefaults):
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
    def type(self) -> StageType:
        return StageType.RATE

    @property
    def expected(self) -> Fraction:
        """The area under the rate."""
        return (self.start_rate + self.end_rate) * self.duration_seconds / 2

    def requests(self, turns: Turns) -> Fraction:
        """An arrival begins a conversation of a task that is drawn by weight."""
        return self.expected * turns.mean

    def rate_at(self, seconds: float) -> float:
        """The planned rate at an instant of the stage."""
        return float(self.start_rate) + float(self.end_rate - self.start_rate) * seconds / self.duration_seconds

    def instant_of_count(self, count: float) -> float:
        """The inverse of N: seconds into the stage at which `count` arrivals are expected; within the stage."""
        if count <= 0:
            return 0.0
        start = float(self.start_rate)
        slope = (float(self.end_rate) - start) / self.duration_seconds
        # The root is in the denominator: the usual form loses its digits to cancellation for slopes near zero.
        root = math.sqrt(max(start * start + 2 * slope * count, 0.0))
        return min(2 * count / (start + root), float(self.duration_seconds)) if start + root > 0 else 0.0

    def instants(self, seed: str, carried: Fraction) -> "tuple[array[float], Fraction]":
        """Constant arrivals carry a fraction of a request over, so two stages at one rate are as even as one."""
        if self.arrivals is Arrivals.CONSTANT:
            return array("d", self._constant(carried)), carried + self.expected
        return array("d", self._drawn(random.Random(seed))), Fraction(0)

    def _constant(self, carried: Fraction) -> Iterator[float]:
        """Instants where the count, which starts at `carried`, passes k + 1/2; counts are exact fractions."""
        first = math.ceil(carried - HALF)
        last = math.ceil(carried + self.expected - HALF)
        offset = float(first + HALF - carried)
        for k in range(last - first):
            yield self.instant_of_count(k + offset)

    def _drawn(self, rng: random.Random) -> Iterator[float]:
        """Instants where the count passes the running sum of gaps drawn with mean 1."""
        gaps = _exponential(rng) if self.burstiness is None else _gamma(rng, float(self.burstiness))
        limit = float(self.expected)
        count = next(gaps)
        while count < limit:
            yield self.instant_of_count(count)
            count += next(gaps)

    def count_between(self, low: float, high: float) -> float:
        return self.rate_at((low + high) / 2) * (high - low)

    def details(self) -> dict[str, Any]:
        burst = {} if self.burstiness is None else {"burstiness": float(self.burstiness)}
        return {
            "startRequestsPerSecond": float(self.start_rate), "endRequestsPerSecond": float(self.end_rate),
            "arrivals": self.arrivals.value, **burst,
        }

    def sentence(self) -> str:
        burst = "" if self.burstiness is None else f", burstiness {float(self.burstiness):g}"
        return f"{float(self.start_rate):g} to {float(self.end_rate):g}/s, {self.arrivals}{burst}"

    def load_at(self, seconds: float) -> str:
        return f"{self.rate_at(seconds):.1f}/s"


def read(fields: Fields, context: Context) -> RateStage:
    """A ramp starts where the stage before it ended, unless it says where."""
    fields.require("endRequestsPerSecond")
    end = fields.decimal("endRequestsPerSecond", "0", MAX_RATE) or Fraction(0)
    start = fields.decimal("startRequestsPerSecond", "0", MAX_RATE, default=_rate_before(fields, context, end))
    arrivals = fields.choice("arrivals", Arrivals, default=Arrivals.POISSON)
    return RateStage(
        name=fields.name(),
        duration_seconds=read_duration(fields),
        start_rate=start or Fraction(0),
        end_rate=end,
        arrivals=arrivals,
        burstiness=_burstiness(fields, arrivals),
    )


def _rate_before(fields: Fields, context: Context, end: Fraction) -> Fraction:
    """Where a ramp starts that does not say so; a stage without load does not fade out."""
    is_quiet = fields.raw("role") == StageRole.QUIET
    return context.before.end_rate if isinstance(context.before, RateStage) and not is_quiet else end


def _burstiness(fields: Fields, arrivals: Arrivals) -> Fraction | None:
    if arrivals is Arrivals.GAMMA:
        fields.require("burstiness", "arrivals is Gamma")
        return fields.decimal("burstiness", *BURSTINESS, default=Fraction(1))
    if fields.has("burstiness"):
        fields.refuse("burstiness", "be absent unless arrivals is Gamma")
    return None


def _exponential(rng: random.Random) -> Iterator[float]:
    draw = rng.random
    while True:
        yield -math.log(1.0 - draw())


def _gamma(rng: random.Random, shape: float) -> Iterator[float]:
    """Gamma gaps of mean 1 and variance 1/shape.

    The stage begins somewhere within a gap, and more likely within a long one: the first wait is a uniform share of a
    gap drawn in proportion to its length, which is Gamma of shape + 1 (the residual life of a renewal process). Only
    then is the expected count N(t) from the first second on.
    """
    yield rng.random() * rng.gammavariate(shape + 1, 1 / shape)
    while True:
        yield rng.gammavariate(shape, 1 / shape)
