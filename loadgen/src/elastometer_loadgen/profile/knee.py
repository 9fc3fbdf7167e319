"""Whether a step of a Knee was good: its objectives against the requests that were meant to be sent within it.

Pure. Latencies count from the instant at which a request was wanted. A request still in flight at the step's end counts
once it is older than the bound, since it has missed it already, and not before: nothing is known of it yet. A step of
which too little is known is no failed one: it could not be judged.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class KneeIndicator(StrEnum):
    """What an objective of a Knee looks at; the words of an ElasticityTest's objectives."""

    TIME_TO_FIRST_TOKEN = "TimeToFirstToken"
    TIME_PER_OUTPUT_TOKEN = "TimePerOutputToken"
    REQUEST_LATENCY = "RequestLatency"
    REQUEST_SUCCESS = "RequestSuccess"


@dataclass(frozen=True, slots=True)
class KneeObjective:
    """What must hold in a step; exactly one of the bounds is set. Percentile by nearest rank."""

    indicator: KneeIndicator
    percentile: int
    maximum_milliseconds: int | None
    minimum_percent: int | None


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


@dataclass(frozen=True, slots=True)
class StepVerdict:
    """What a step was, at most one of the two as a sentence; with neither it was good.

    `failed` is the objective that does not hold, `inconclusive` why nobody can say whether all of them do.
    """

    failed: str | None = None
    inconclusive: str | None = None


GOOD = StepVerdict()


def judge(objectives: Sequence[KneeObjective], samples: Sequence[Sample]) -> StepVerdict:
    """The first objective that does not hold decides; without one, the first that cannot be told."""
    if not samples:
        return StepVerdict(inconclusive="no request was wanted in it")
    verdicts = [_verdict(objective, samples) for objective in objectives]
    failures = (verdict for verdict in verdicts if verdict.failed is not None)
    gaps = (verdict for verdict in verdicts if verdict.inconclusive is not None)
    return next(failures, None) or next(gaps, GOOD)


def _verdict(objective: KneeObjective, samples: Sequence[Sample]) -> StepVerdict:
    indicator, bound = objective.indicator, objective.maximum_milliseconds
    ended = [sample.succeeded for sample in samples if sample.age is None]
    nothing = StepVerdict(inconclusive=f"{indicator} cannot be told: no request had ended, {len(samples)} in flight")
    if bound is None:
        if not ended:
            return nothing
        share, least = 100 * sum(ended) / len(ended), objective.minimum_percent or 0
        return GOOD if share >= least else StepVerdict(f"{indicator} must be at least {least} %, was {share:.2f} %")
    seen = (_value(indicator, sample, bound) for sample in samples)
    values = sorted(value for value in seen if value is not None)
    name = f"{indicator} p{objective.percentile}"
    if not values:
        return StepVerdict(f"{name} must be at most {bound} ms, was never seen") if ended else nothing
    found = values[max(math.ceil(len(values) * objective.percentile / 100) - 1, 0)]
    return GOOD if found <= bound else StepVerdict(f"{name} must be at most {bound} ms, was {found:.0f} ms")


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
