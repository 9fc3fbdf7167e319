"""Whether a step of a Knee was good: its objectives against the requests that were meant to be sent within it.

Pure. Latencies count from the instant at which a request was wanted. A request still in flight at the step's end counts
once it is older than the bound, since it has missed it already, and not before: nothing is known of it yet.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from elastometer_loadgen.stages import KneeIndicator, KneeObjective


@dataclass(frozen=True, slots=True)
class Sample:
    """One request of a step, in milliseconds; None where it did not come to that.

    `age` is set for one still in flight, and then nothing else is.
    """

    succeeded: bool = False
    first_token: float | None = None
    per_token: float | None = None
    latency: float | None = None
    age: float | None = None


def failing(objectives: Sequence[KneeObjective], samples: Sequence[Sample]) -> str | None:
    """The first objective that does not hold, as a sentence with both numbers; None when all do."""
    if not samples:
        return "no request was sent"
    for objective in objectives:
        words = _failing(objective, samples)
        if words is not None:
            return words
    return None


def _failing(objective: KneeObjective, samples: Sequence[Sample]) -> str | None:
    indicator, bound = objective.indicator, objective.maximum_milliseconds
    if bound is None:
        ended = [sample.succeeded for sample in samples if sample.age is None]
        share = 100 * sum(ended) / len(ended) if ended else 0.0
        least = objective.minimum_percent or 0
        return None if share >= least else f"{indicator} must be at least {least} %, was {share:.2f} %"
    seen = (_value(indicator, sample, bound) for sample in samples)
    values = sorted(value for value in seen if value is not None)
    name = f"{indicator} p{objective.percentile}"
    if not values:
        return f"{name} must be at most {bound} ms, was never seen"
    found = values[max(math.ceil(len(values) * objective.percentile / 100) - 1, 0)]
    return None if found <= bound else f"{name} must be at most {bound} ms, was {found:.0f} ms"


def _value(indicator: KneeIndicator, sample: Sample, bound: float) -> float | None:
    if sample.age is not None:
        # How slow its tokens come cannot be told of a request that has not ended.
        known = indicator is not KneeIndicator.TIME_PER_OUTPUT_TOKEN and sample.age > bound
        return sample.age if known else None
    match indicator:
        case KneeIndicator.TIME_TO_FIRST_TOKEN:
            return sample.first_token
        case KneeIndicator.TIME_PER_OUTPUT_TOKEN:
            return sample.per_token
        case _:
            return sample.latency if sample.succeeded else None
