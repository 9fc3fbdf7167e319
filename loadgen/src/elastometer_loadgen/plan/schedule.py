"""Every arrival of a run, fixed before the run, in seconds from its start; ramps are linear in time.

The expected count after t seconds of a stage is N(t) = r0 t + (r1 - r0) t^2 / 2T. Constant arrivals lie where
N passes k + 1/2, and adjacent Constant stages share one count. Poisson arrivals lie where N passes the running sum of
unit exponentials, Gamma arrivals where it passes the running sum of Gamma gaps of mean 1. Each stage draws its gaps
from `random.Random("<seed>/stages/<index>")`, so that changing one stage does not change the gaps of the others.
Workers take every N-th arrival, so their union is the same for any number of workers.
"""

import math
import random
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from elastometer_loadgen.profile.profile import Profile
from elastometer_loadgen.profile.stages import Arrivals, RateStage, Stage, TraceStage
from elastometer_loadgen.profile.traces import Size, Trace

HALF = Fraction(1, 2)


class Arrival(NamedTuple):
    """One request to be sent: its id in the whole schedule, and its instant in seconds from the start."""

    id: int
    at: float
    stage: str
    size: Size | None = None
    """The lengths of prompt and answer, where the stage and not a task sets them."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """All arrivals of a profile's open-loop stages; `first_ids[i]` is the id of the first arrival of stage i."""

    times: "array[float]"
    first_ids: tuple[int, ...]
    stage_names: tuple[str, ...]
    traces: tuple[Trace | None, ...]

    def __len__(self) -> int:
        return len(self.times)

    def arrival(self, request_id: int) -> Arrival:
        """The arrival with this id."""
        stage = bisect_right(self.first_ids, request_id) - 1
        trace = self.traces[stage]
        size = None if trace is None else trace.size(request_id - self.first_ids[stage])
        return Arrival(request_id, self.times[request_id], self.stage_names[stage], size)

    def share(self, worker: int, workers: int, low: int = 0, high: int | None = None) -> Iterator[Arrival]:
        """What one of `workers` workers sends, in order of time, of the arrivals in [low, high)."""
        first = low + (worker - low) % workers
        last = len(self.times) if high is None else high
        return (self.arrival(request_id) for request_id in range(first, last, workers))

    def bounds(self, first: int, last: int) -> tuple[int, int]:
        """The ids of the first arrival of stage `first` and of the first arrival after stage `last`."""
        ends = (*self.first_ids, len(self.times))
        return ends[first], ends[last + 1]


def instant_of_count(stage: RateStage, count: float) -> float:
    """The inverse of N: seconds into the stage at which `count` arrivals are expected; within the stage."""
    if count <= 0:
        return 0.0
    start = float(stage.start_rate)
    slope = (float(stage.end_rate) - start) / stage.duration_seconds
    # The root is in the denominator: the usual form loses its digits to cancellation for slopes near zero.
    root = math.sqrt(max(start * start + 2 * slope * count, 0.0))
    return min(2 * count / (start + root), float(stage.duration_seconds)) if start + root > 0 else 0.0


def compute_schedule(profile: Profile) -> Schedule:
    """The whole schedule of a profile."""
    times = array("d")
    first_ids: list[int] = []
    began = 0
    carried = Fraction(0)
    for index, stage in enumerate(profile.stages):
        first_ids.append(len(times))
        if isinstance(stage, RateStage) and stage.arrivals is Arrivals.CONSTANT:
            times.extend(began + t for t in _constant(stage, carried))
            carried += stage.expected
        else:
            times.extend(began + t for t in instants(stage, f"{profile.seed}/stages/{index}"))
            carried = Fraction(0)
        began += stage.duration_seconds
    names = tuple(stage.name for stage in profile.stages)
    traces = tuple(stage.trace if isinstance(stage, TraceStage) else None for stage in profile.stages)
    return Schedule(times, tuple(first_ids), names, traces)


def instants(stage: Stage, seed: str) -> "array[float]":
    """The instants of a stage's requests, drawn or recorded, in seconds from its begin; none for a closed loop."""
    match stage:
        case TraceStage():
            return array("d", _recorded(stage))
        case RateStage():
            return array("d", _drawn(stage, seed))
        case _:
            return array("d")


def _recorded(stage: TraceStage) -> Iterator[float]:
    if stage.trace is None:
        raise ValueError(f"the file of stage {stage.name} was not read")
    scale = float(stage.time_scale)
    return (at * scale for at in stage.trace.times[: int(stage.expected)])


def _constant(stage: RateStage, carried: Fraction) -> Iterator[float]:
    """Instants where the count, which starts at `carried`, passes k + 1/2; counts are exact fractions."""
    first = math.ceil(carried - HALF)
    last = math.ceil(carried + stage.expected - HALF)
    offset = float(first + HALF - carried)
    for k in range(last - first):
        yield instant_of_count(stage, k + offset)


def _drawn(stage: RateStage, seed: str) -> Iterator[float]:
    """Instants where the count passes the running sum of gaps drawn with mean 1."""
    rng = random.Random(seed)
    gaps = _exponential(rng) if stage.burstiness is None else _gamma(rng, float(stage.burstiness))
    limit = float(stage.expected)
    count = next(gaps)
    while count < limit:
        yield instant_of_count(stage, count)
        count += next(gaps)


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
