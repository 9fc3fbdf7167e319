"""The comparison of a study's variants: each measure with its noise, differences, gates, and which variant is best.

Every interval is at 95 %. What cannot be judged is None or CannotTell, with a reason. `study.compare` makes it,
`render.study` shows it.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from elastometer.model.estimates import Interval
from elastometer.model.measure import Measure
from elastometer.model.report import Report, Verdict
from elastometer.model.run_figures import RunFigures
from elastometer.model.spares import MeasuredSpares

SCHEMA_VERSION = "elastometer.dev/study/v1alpha1"


class Judgement(StrEnum):
    """What a difference says about a variant. Within the noise, equal variants would differ as much."""

    BETTER = "Better"
    WORSE = "Worse"
    WITHIN_NOISE = "WithinNoise"
    CANNOT_TELL = "CannotTell"


class GateState(StrEnum):
    """Whether a measure became worse than its gate allows."""

    HELD = "Held"
    REGRESSED = "Regressed"
    CANNOT_TELL = "CannotTell"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure of one variant over its compared runs. `values` are theirs, in order of `repetitions`.

    `mean` is the mean on the measure's scale (the geometric mean if that is logarithmic), with its `interval` over
    repetitions; the interval is None for fewer than two values. `reason` says what is missing.
    """

    variant: str
    median: float | None
    mean: float | None
    interval: Interval | None
    repetitions: tuple[int, ...]
    values: tuple[float, ...]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class VariantDifference:
    """One measure of `variant` minus that of `baseline`: the difference of their means.

    `interval` is in the measure's unit; `percent` and `percent_interval` are shares of the baseline's mean. On a
    logarithmic scale the percent interval is the one that judges, and `interval` is that share of the baseline's mean.
    On a linear scale `interval` judges, and there is no percent interval; nor is there a percent of a mean that is less
    than a step of the measure's grid. `within_runs` is the interval of a latency's difference between two single runs,
    which knows the noise within them and not the noise between runs.
    """

    variant: str
    baseline: str
    absolute: float | None
    percent: float | None
    interval: Interval | None
    percent_interval: Interval | None
    judgement: Judgement
    reason: str
    within_runs: Interval | None = None


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """One measure: a figure for each variant, and a difference for each ordered pair of two variants, so that any
    variant can be the baseline."""

    measure: Measure
    figures: tuple[Figure, ...]
    differences: tuple[VariantDifference, ...]

    def figure(self, variant: str) -> Figure | None:
        """The figure of a variant."""
        return next((one for one in self.figures if one.variant == variant), None)

    def difference(self, variant: str, baseline: str) -> VariantDifference | None:
        """What `variant` differs from `baseline` by; None for one and the same."""
        return next((one for one in self.differences if (one.variant, one.baseline) == (variant, baseline)), None)


@dataclass(frozen=True, slots=True)
class Speedup:
    """The elastic speedup ε of a variant against another: above 1, supply followed demand more closely. `reason` says
    what kept it from being computed, or judged."""

    variant: str
    against: str
    value: float | None
    interval: Interval | None
    judgement: Judgement
    reason: str


@dataclass(frozen=True, slots=True)
class Wins:
    """How often a variant was better than another in the same repetition, for one measure. A draw is a difference of
    no more than the measure's resolution; it counts half a point."""

    measure: str
    variant: str
    against: str
    wins: int
    losses: int
    draws: int

    @property
    def points(self) -> float:
        """One for a win, a half for a draw."""
        return self.wins + self.draws / 2


@dataclass(frozen=True, slots=True)
class VariantSummary:
    """One variant: its runs, and its place among the others.

    `is_static` says that its replicas were fixed. `on_front` says that no other variant had fewer objective-miss
    seconds at no more GPU-seconds, or the other way round, by medians; None where one of the two is not known, and
    `front_reason` then says which. `patch` is its JSON merge patch on the template, as YAML. `points` are those of its
    wins over all others.
    """

    name: str
    planned: int
    compared: int
    passed: int
    failed: int
    is_static: bool
    is_tuned: bool
    on_front: bool | None
    front_reason: str | None
    points: float | None
    patch: str | None = None


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate for one variant. `allowed` is the bound as words ("at most 10 % more"), `message` the rule with both
    numbers."""

    measure: str
    variant: str
    allowed: str
    state: GateState
    message: str


@dataclass(frozen=True, slots=True)
class Best:
    """The variant that is best, or None; `sentence` names it and its margin, or says why none is."""

    variant: str | None
    sentence: str


@dataclass(frozen=True, slots=True)
class PredictedRow:
    """A predicted measure of a variant beside the one that was measured. `low` and `high` are the extremes over the
    prediction's draws; `is_within` says whether the measured median lies between them."""

    variant: str
    measure: str
    predicted: float | None
    low: float | None
    high: float | None
    measured: float | None
    is_within: bool | None


@dataclass(frozen=True, slots=True)
class RankAgreement:
    """How far predicted and measured medians put the variants in the same order: `agreeing` of `pairs`, without pairs
    that are equal in one of the two."""

    measure: str
    agreeing: int
    pairs: int


@dataclass(frozen=True, slots=True)
class ReportedRun:
    """The run whose tables open the report: the first one of a variant that the study reports but does not compare.
    `report` is None where it has none (yet), or one that this version cannot read; `reason` then says which."""

    variant: str
    run: str
    report: Report | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that a study found. `question` describes what all runs were asked; `differing` names what they were asked
    differently. `primary_cost` is the measure of cost that the Pareto front and the best variant go by.

    `judged` differences from the baseline could be judged, without those of measures that never varied; of them,
    `outside_by_chance` would be Better or Worse if no variant differed from it.
    """

    study: str
    namespace: str
    baseline: str
    verdict: Verdict
    verdict_reason: str
    verdict_message: str
    best: Best
    sentences: tuple[str, ...]
    variants: tuple[VariantSummary, ...]
    rows: tuple[MeasureRow, ...]
    gates: tuple[GateResult, ...]
    speedups: tuple[Speedup, ...]
    wins: tuple[Wins, ...]
    predicted: tuple[PredictedRow, ...]
    agreement: tuple[RankAgreement, ...]
    runs: tuple[RunFigures, ...]
    notes: tuple[str, ...]
    differing: tuple[str, ...]
    question: Mapping[str, str]
    primary_cost: str
    currency: str | None
    judged: int
    outside_by_chance: float
    measured_spares: tuple[MeasuredSpares, ...] = ()
    reported: ReportedRun | None = field(default=None, metadata={"json": False})
    schema_version: str = field(default=SCHEMA_VERSION)

    def row(self, measure: str) -> MeasureRow | None:
        """The row of a measure."""
        return next((one for one in self.rows if one.measure.name == measure), None)

    def variant(self, name: str) -> VariantSummary | None:
        """The summary of a variant."""
        return next((one for one in self.variants if one.name == name), None)
