"""Whether a step of a Knee was good: its objectives, applied to the requests that were due within the step.

Pure. Latencies count from the intended time. A request still in flight at the end of the step counts once it is older
than the bound, since it has already missed it, and not before, since nothing is known about it yet; its first token
counts as soon as it has come. A step about which too little is known has not failed: it could not be judged.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from statistics import fmean

from elastometer_loadgen.base.fields import Fields
from elastometer_loadgen.base.measures import nearest_rank

# Of an objective that names none; the objectives of an ElasticityTest have the same.
DEFAULT_PERCENTILE = 95
OBJECTIVE_FIELDS = ("indicator", "statistic", "percentile", "maximumMilliseconds", "minimumPercent")


class KneeIndicator(StrEnum):
    """What an objective of a Knee measures; the names are those of an ElasticityTest's objectives."""

    TIME_TO_FIRST_TOKEN = "TimeToFirstToken"
    TIME_PER_OUTPUT_TOKEN = "TimePerOutputToken"
    REQUEST_LATENCY = "RequestLatency"
    REQUEST_SUCCESS = "RequestSuccess"


class Statistic(StrEnum):
    """Which number of many durations must not exceed a bound."""

    PERCENTILE = "Percentile"
    MEAN = "Mean"

    def of(self, values: Sequence[float], percentile: int) -> float | None:
        """The number; None without values. Percentiles are by nearest rank, and mean nothing to another statistic."""
        if self is Statistic.PERCENTILE:
            return nearest_rank(sorted(values), percentile)
        return fmean(values) if values else None

    def named(self, percentile: int) -> str:
        """Behind what it is of: `p95`, or `mean`."""
        return "mean" if self is Statistic.MEAN else f"p{percentile}"


@dataclass(frozen=True, slots=True)
class KneeObjective:
    """What must hold in a step; exactly one of the two bounds is set."""

    indicator: KneeIndicator
    percentile: int
    maximum_milliseconds: int | None
    minimum_percent: Decimal | int | None
    statistic: Statistic = Statistic.PERCENTILE

    @property
    def name(self) -> str:
        """What is compared with the bound."""
        return f"{self.indicator} {self.statistic.named(self.percentile)}"

    def of(self, values: Sequence[float]) -> float | None:
        """The statistic of these values; None without any."""
        return self.statistic.of(values, self.percentile)


@dataclass(frozen=True, slots=True)
class Sample:
    """One request of a step, in milliseconds; None for what did not happen.

    For a request still in flight `age` is set, and `first_token` if that has come; nothing else. With `is_buffered`
    there is no `per_token` because its tokens came together.
    """

    succeeded: bool = False
    first_token: float | None = None
    per_token: float | None = None
    latency: float | None = None
    age: float | None = None
    is_buffered: bool = False


@dataclass(frozen=True, slots=True)
class StepVerdict:
    """What a step was, at most one of the two as a sentence; with neither it was good.

    `failed` is the objective that does not hold, `inconclusive` why it is not known whether all of them do.
    """

    failed: str | None = None
    inconclusive: str | None = None


GOOD = StepVerdict()


def judge(objectives: Sequence[KneeObjective], samples: Sequence[Sample]) -> StepVerdict:
    """The first objective that does not hold decides; without one, the first that could not be judged."""
    if not samples:
        return StepVerdict(inconclusive="no request was due in it")
    verdicts = [_verdict(objective, samples) for objective in objectives]
    failures = (verdict for verdict in verdicts if verdict.failed is not None)
    gaps = (verdict for verdict in verdicts if verdict.inconclusive is not None)
    return next(failures, None) or next(gaps, GOOD)


def _verdict(objective: KneeObjective, samples: Sequence[Sample]) -> StepVerdict:
    indicator, bound = objective.indicator, objective.maximum_milliseconds
    ended = [sample.succeeded for sample in samples if sample.age is None]
    nothing = StepVerdict(inconclusive=f"{indicator} is not known: no request had ended, {len(samples)} in flight")
    if bound is None:
        if not ended:
            return nothing
        least = objective.minimum_percent or 0
        if 100 * sum(ended) >= least * len(ended):
            return GOOD
        return StepVerdict(f"{indicator} must be at least {least} %, was {100 * sum(ended) / len(ended):.2f} %")
    seen = (_value(indicator, sample, bound) for sample in samples)
    found, name = objective.of([value for value in seen if value is not None]), objective.name
    if indicator is KneeIndicator.TIME_PER_OUTPUT_TOKEN and any(ended):
        return _pace_verdict(objective, samples, bound)
    if found is None:
        return StepVerdict(f"{name} must be at most {bound} ms, was never seen") if ended else nothing
    return GOOD if found <= bound else StepVerdict(f"{name} must be at most {bound} ms, was {found:.0f} ms")


def _pace_verdict(objective: KneeObjective, samples: Sequence[Sample], bound: float) -> StepVerdict:
    """Streams whose tokens came together may have been of any pace: what they decide is not known."""
    known = [sample.per_token for sample in samples if sample.per_token is not None]
    buffered = sum(sample.is_buffered for sample in samples)
    at_best, at_worst = (objective.of(known + [pace] * buffered) for pace in (0.0, math.inf))
    name = objective.name
    if at_best is None:
        return StepVerdict(inconclusive=f"{name} is not known: no answer states its tokens, or has two of them")
    if at_best > bound:
        return StepVerdict(f"{name} must be at most {bound} ms, was {at_best:.0f} ms")
    if at_worst is not None and at_worst <= bound:
        return GOOD
    streams = f"{buffered} of {sum(sample.succeeded for sample in samples)} streams"
    return StepVerdict(inconclusive=f"{name} is not known: the tokens of {streams} arrived together")


def _value(indicator: KneeIndicator, sample: Sample, bound: float) -> float | None:
    if sample.age is not None:
        # The time per output token of a request that has not ended is not known, however old it is.
        if indicator is KneeIndicator.TIME_TO_FIRST_TOKEN and sample.first_token is not None:
            return sample.first_token
        known = indicator is not KneeIndicator.TIME_PER_OUTPUT_TOKEN and sample.age > bound
        return sample.age if known else None
    match indicator:
        case KneeIndicator.TIME_TO_FIRST_TOKEN:
            return sample.first_token
        case KneeIndicator.TIME_PER_OUTPUT_TOKEN:
            return sample.per_token
        case _:
            return sample.latency if sample.succeeded else None


def read_objectives(fields: Fields) -> tuple[KneeObjective, ...]:
    """The field `objectives` of a Knee that has one."""
    given = fields.items("objectives", 16, required=False)
    where = fields.at("objectives")
    return tuple(
        _objective(Fields(item, f"{where}[{index}]", fields.faults, OBJECTIVE_FIELDS))
        for index, item in enumerate(given)
    )


def _objective(fields: Fields) -> KneeObjective:
    fields.require("indicator")
    indicator = fields.choice("indicator", KneeIndicator, default=KneeIndicator.REQUEST_SUCCESS)
    bounds = ("maximumMilliseconds", "minimumPercent")
    wanted, other = bounds[::-1] if indicator is KneeIndicator.REQUEST_SUCCESS else bounds
    if fields.raw("indicator") == indicator:
        fields.require(wanted)
        if fields.has(other):
            fields.refuse(other, f"be absent with the indicator {indicator}")
    maximum = fields.integer("maximumMilliseconds", 1, 2**31 - 1, default=1)
    minimum = _percent(fields, "minimumPercent")
    percentile = fields.integer("percentile", 1, 100, default=DEFAULT_PERCENTILE)
    statistic = fields.choice("statistic", Statistic, default=Statistic.PERCENTILE)
    if statistic is Statistic.MEAN and fields.has("percentile"):
        fields.refuse("percentile", f"be absent where statistic is {Statistic.MEAN}")
    if indicator is KneeIndicator.REQUEST_SUCCESS:
        if fields.has("statistic"):
            fields.refuse("statistic", f"be absent with the indicator {indicator}, which is a share")
        return KneeObjective(indicator, percentile, None, minimum)
    return KneeObjective(indicator, percentile, maximum, None, statistic)


def _percent(fields: Fields, name: str) -> Decimal:
    """A percentage: an integer, or a decimal string where a fraction of a percent matters."""
    value = fields.raw(name)
    if isinstance(value, str):
        return Decimal(value) if fields.decimal(name, "0", "100") is not None else Decimal(0)
    return Decimal(fields.integer(name, 0, 100, default=0))
