"""The stages of a load and how each is read from its mapping. Times in seconds, rates in requests per second."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from elastometer_loadgen.fields import Fault, Fields, shown

RATE_FIELDS = (
    "name", "type", "durationSeconds", "startRequestsPerSecond", "endRequestsPerSecond", "arrivals", "burstiness",
)  # fmt: skip
STAGE_FIELDS = RATE_FIELDS
PLANNED_STAGE_TYPES = ("Users", "Concurrency", "Knee", "Sweep", "Trace")
LONGEST_STAGE_SECONDS = 604_800
HIGHEST_RATE = "100000"
BURSTINESS = ("0.01", "1000")


class Arrivals(StrEnum):
    """How arrivals are spread within a stage."""

    CONSTANT = "Constant"
    POISSON = "Poisson"
    GAMMA = "Gamma"


class StageType(StrEnum):
    """Kinds of stages that can be carried out."""

    RATE = "Rate"


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


def parse_stages(fields: Fields) -> tuple[RateStage, ...]:
    """The field `stages`; faults are appended, never raised."""
    stages: list[RateStage] = []
    for index, item in enumerate(fields.items("stages", 256, required=True)):
        before = stages[-1].end_rate if stages else None
        stages.append(_stage(item, f"stages[{index}]", before, fields.faults))
    return tuple(stages)


def _stage(value: object, path: str, before: Fraction | None, faults: list[Fault]) -> RateStage:
    kind = value.get("type") if isinstance(value, Mapping) else None
    if kind in PLANNED_STAGE_TYPES:
        # Its fields are another type's: to judge them by the rules of Rate would bury the one thing to know.
        words = ", ".join(StageType)
        faults.append(Fault(f"{path}.type", f"must be one of {words} ({kind} is not supported yet); got {shown(kind)}"))
        return RateStage("", 1, Fraction(0), Fraction(0), Arrivals.CONSTANT)
    fields = Fields(value, path, faults, STAGE_FIELDS)
    fields.require("type")
    fields.choice("type", StageType, default=StageType.RATE)
    return _rate(fields, before)


def _rate(fields: Fields, before: Fraction | None) -> RateStage:
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
