"""The report: every number that was derived, with its source and its resolution.

Seconds count from the start of the load and are negative before it. What was not measured is None, with a reason.
"""
from __future__ import annotations

from dataclasses import dataclass, field

from elastometer.model.answer_tables import AnswerEndRow, IsolationRow, Recall, StructuredRow
from elastometer.model.answers import AnswerRow
from elastometer.model.autoscaler import AutoscalerAccount
from elastometer.model.by_input import InputLine, InputRow
from elastometer.model.calibration import CalibrationResult
from elastometer.model.elasticity import DemandAccount, Elasticity
from elastometer.model.errors_in_time import ErrorKind
from elastometer.model.findings import FindingName, Severity
from elastometer.model.first_starts import StartKind
from elastometer.model.health import HealthRow
from elastometer.model.in_short import InShort
from elastometer.model.knee import Knee
from elastometer.model.levels import LevelRow, RecommendedLimit
from elastometer.model.load_rows import LoadRow
from elastometer.model.measurements import ColdStart, ScaleEvent, ScaleIn, Timeline
from elastometer.model.memory import MemoryTable
from elastometer.model.prediction_basis import PredictionBasis
from elastometer.model.price import Price
from elastometer.model.resources_used import ResourcesUsed
from elastometer.model.saturation import SaturationTable
from elastometer.model.scaleout_gains import ScaleOutGain
from elastometer.model.scaleout_waterfall import ScaleOutWaterfall
from elastometer.model.story import NO_STORY, Story
from elastometer.model.under_test import UnderTest
from elastometer.model.verdict import ObjectiveResult as ObjectiveResult
from elastometer.model.verdict import Verdict as Verdict
from elastometer.model.wake import Wake
from elastometer.model.what_if import WarmSpares, WhatIf

SCHEMA_VERSION = "elastometer.dev/report/v1alpha2"


@dataclass(frozen=True, slots=True)
class StageBand:
    """A stage of the load on the time axis."""

    name: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class GapBand:
    """An interval in which nothing of `resource` was watched."""

    resource: str
    start_seconds: float
    end_seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A named problem with its evidence and what to change."""

    name: FindingName
    severity: Severity
    title: str
    evidence: str
    advice: str


@dataclass(frozen=True, slots=True)
class SeriesState:
    """The outcome of one Prometheus query."""

    name: str
    outcome: str
    samples: int
    message: str


@dataclass(frozen=True, slots=True)
class GeneratorState:
    """One load worker's account of itself."""

    worker: int
    planned: int | None
    sent: int | None
    skipped: int | None
    records: int | None
    lateness_p99_milliseconds: float | None
    bound_milliseconds: float | None
    fell_behind: bool


@dataclass(frozen=True, slots=True)
class AwayBand:
    """The time in which a load worker was away; `start_seconds` is None if it had recorded nothing before."""

    worker: int
    start_seconds: float | None
    end_seconds: float


@dataclass(frozen=True, slots=True)
class Quality:
    """How far the record itself can be trusted. The offset is the operator's clock minus the API server's."""

    torn_lines: int = 0
    unreadable_lines: int = 0
    outside_window: int = 0
    missing_files: tuple[str, ...] = ()
    gaps: tuple[GapBand, ...] = ()
    series: tuple[SeriesState, ...] = ()
    generators: tuple[GeneratorState, ...] = ()
    away: tuple[AwayBand, ...] = ()
    skipped_requests: int | None = None
    unsent_requests: int | None = None
    unsent_turns: int | None = None
    clock_offset_low_milliseconds: float | None = None
    clock_offset_high_milliseconds: float | None = None
    clock_samples: int = 0
    served_requests: int | None = None
    served_without_pod: int | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """The few figures that the status shows as columns; medians over scale-outs and over added Pods."""

    peak_ready_replicas: int | None = None
    scale_out_count: int | None = None
    scale_in_count: int | None = None
    scale_out_lag_milliseconds: int | None = None
    cold_start_milliseconds: int | None = None
    time_to_first_token_p95_milliseconds: int | None = None
    request_count: int | None = None
    failed_request_count: int | None = None
    wake_milliseconds: int | None = None
    wake_request_count: int | None = None
    wake_failed_request_count: int | None = None
    judged_answer_count: int | None = None
    failed_answer_count: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All that is known about one run; with a `predicted` basis, all that the simulator predicts about one."""

    test: str
    namespace: str
    uid: str
    model: str | None
    load_start: str | None
    verdict: Verdict
    verdict_reason: str
    verdict_message: str
    summary: Summary
    objectives: tuple[ObjectiveResult, ...]
    stages: tuple[StageBand, ...]
    timeline: Timeline
    scale_events: tuple[ScaleEvent, ...]
    cold_starts: tuple[ColdStart, ...]
    load: tuple[LoadRow, ...]
    answers: tuple[AnswerRow, ...]
    knees: tuple[Knee, ...]
    scale_ins: tuple[ScaleIn, ...]
    price: Price | None
    findings: tuple[Finding, ...]
    quality: Quality
    provenance: tuple[tuple[str, str], ...]
    autoscaler: AutoscalerAccount
    wakes: tuple[Wake, ...] = ()
    load_by_task: tuple[LoadRow, ...] = ()
    predicted: PredictionBasis | None = None
    demand: DemandAccount | None = None
    elasticity: Elasticity | None = None
    calibration: CalibrationResult | None = None
    resources: ResourcesUsed | None = None
    memory: MemoryTable | None = None
    saturation: SaturationTable | None = None
    story: Story = NO_STORY
    scale_outs: tuple[ScaleOutWaterfall, ...] = ()
    health: tuple[HealthRow, ...] = ()
    scale_out_gains: tuple[ScaleOutGain, ...] = ()
    first_starts: tuple[StartKind, ...] = ()
    what_if: WhatIf | None = None
    warm_spares: WarmSpares | None = None
    under_test: UnderTest | None = None
    in_short: tuple[InShort, ...] = ()
    isolation: tuple[IsolationRow, ...] = ()
    answer_ends: tuple[AnswerEndRow, ...] = ()
    structured: tuple[StructuredRow, ...] = ()
    recall: Recall | None = None
    levels: tuple[LevelRow, ...] = ()
    recommended_limit: tuple[RecommendedLimit, ...] = ()
    errors_in_time: tuple[ErrorKind, ...] = ()
    by_input: tuple[InputRow, ...] = ()
    input_lines: tuple[InputLine, ...] = ()
    schema_version: str = field(default=SCHEMA_VERSION)
