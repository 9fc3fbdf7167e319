"""The stages of a load and how each is read from its mapping. Times in seconds, rates in requests per second."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from elastometer_loadgen.fields import Fault, Fields, shown
from elastometer_loadgen.traces import Trace, TraceFormat

RATE_FIELDS = (
    "name", "type", "durationSeconds", "startRequestsPerSecond", "endRequestsPerSecond", "arrivals", "burstiness",
)  # fmt: skip
TRACE_FIELDS = ("name", "type", "file", "format", "timeScale", "durationSeconds")
STAGE_FIELDS = tuple(dict.fromkeys((*RATE_FIELDS, *TRACE_FIELDS)))
PLANNED_STAGE_TYPES = ("Users", "Concurrency", "Knee", "Sweep")
LONGEST_STAGE_SECONDS = 604_800
HIGHEST_RATE = "100000"
BURSTINESS = ("0.01", "1000")
TIME_SCALE = ("0.000001", "1000000")
LONGEST_PATH = 4096


class Arrivals(StrEnum):
    """How arrivals are spread within a stage."""

    CONSTANT = "Constant"
    POISSON = "Poisson"
    GAMMA = "Gamma"


class StageType(StrEnum):
    """Kinds of stages that can be carried out."""

    RATE = "Rate"
    TRACE = "Trace"


@dataclass(frozen=True, slots=True)
class RateStage:
    """Open loop: the rate moves in a straight line in time between two rates.

    `burstiness`, of Gamma arrivals alone, is the shape of the gaps' distribution: their coefficient of variation is
    1/sqrt(burstiness), so 1 is Poisson, less comes in bursts and more is more even.
    """

    name: str
    duration_seconds: int
    start_rate: Fraction
    end_rate: Fraction
    arrivals: Arrivals
    burstiness: Fraction | None = None

    @property
    def expected(self) -> Fraction:
        """The expected number of arrivals: the area under the line."""
        return (self.start_rate + self.end_rate) * self.duration_seconds / 2

    def rate_at(self, seconds: float) -> float:
        """The planned rate at an instant of the stage."""
        return float(self.start_rate) + float(self.end_rate - self.start_rate) * seconds / self.duration_seconds


@dataclass(frozen=True, slots=True)
class TraceStage:
    """Open loop: recorded instants and sizes. Times of the file are multiplied by `time_scale`: 0.5 is twice as fast.

    `trace` is None until the file was read. `limit_seconds` cuts the trace off; None is the whole of it.
    """

    name: str
    file: str
    format: TraceFormat
    time_scale: Fraction
    limit_seconds: int | None
    trace: Trace | None = None

    @property
    def duration_seconds(self) -> int:
        """As limited; else up to the whole second after the last request."""
        if self.limit_seconds is not None or self.trace is None:
            return self.limit_seconds or 1
        return math.floor(self.trace.times[-1] * float(self.time_scale)) + 1

    @property
    def expected(self) -> Fraction:
        """The number of requests; 0 while the file was not read."""
        if self.trace is None:
            return Fraction(0)
        return Fraction(self.trace.within(self.duration_seconds, float(self.time_scale)))


Stage = RateStage | TraceStage


def parse_stages(fields: Fields) -> tuple[Stage, ...]:
    """The field `stages`; faults are appended, never raised."""
    stages: list[Stage] = []
    for index, item in enumerate(fields.items("stages", 256, required=True)):
        last = stages[-1] if stages else None
        before = last.end_rate if isinstance(last, RateStage) else None
        stages.append(_stage(item, f"stages[{index}]", before, fields.faults))
    return tuple(stages)


def _stage(value: object, path: str, before: Fraction | None, faults: list[Fault]) -> Stage:
    kind = value.get("type") if isinstance(value, Mapping) else None
    if kind in PLANNED_STAGE_TYPES:
        # Its fields are another type's: to judge them by the rules of Rate would bury the one thing to know.
        words = ", ".join(StageType)
        faults.append(Fault(f"{path}.type", f"must be one of {words} ({kind} is not supported yet); got {shown(kind)}"))
        return RateStage("", 1, Fraction(0), Fraction(0), Arrivals.CONSTANT)
    fields = Fields(value, path, faults, TRACE_FIELDS if kind == StageType.TRACE else RATE_FIELDS)
    fields.require("type")
    return _trace(fields) if kind == StageType.TRACE else _rate(fields, before)


def _trace(fields: Fields) -> TraceStage:
    fields.require("format")
    limit = fields.integer("durationSeconds", 1, LONGEST_STAGE_SECONDS, default=1)
    return TraceStage(
        name=fields.name(),
        file=fields.text("file", LONGEST_PATH, default=None),
        format=fields.choice("format", TraceFormat, default=TraceFormat.AZURE_LLM),
        time_scale=fields.decimal("timeScale", *TIME_SCALE, default=Fraction(1)) or Fraction(1),
        limit_seconds=limit if fields.has("durationSeconds") else None,
    )


def _rate(fields: Fields, before: Fraction | None) -> RateStage:
    fields.choice("type", StageType, default=StageType.RATE)
    fields.require("endRequestsPerSecond")
    end = fields.decimal("endRequestsPerSecond", "0", HIGHEST_RATE) or Fraction(0)
    before = end if before is None else before
    start = fields.decimal("startRequestsPerSecond", "0", HIGHEST_RATE, default=before)
    arrivals = fields.choice("arrivals", Arrivals, default=Arrivals.POISSON)
    return RateStage(
        name=fields.name(),
        duration_seconds=fields.integer("durationSeconds", 1, LONGEST_STAGE_SECONDS, default=None),
        start_rate=start or Fraction(0),
        end_rate=end,
        arrivals=arrivals,
        burstiness=_burstiness(fields, arrivals),
    )


def _burstiness(fields: Fields, arrivals: Arrivals) -> Fraction | None:
    if arrivals is Arrivals.GAMMA:
        fields.require("burstiness")
        return fields.decimal("burstiness", *BURSTINESS, default=Fraction(1))
    if fields.has("burstiness"):
        fields.refuse("burstiness", "be absent unless arrivals is Gamma")
    return None
