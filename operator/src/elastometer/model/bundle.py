"""One run in memory: what was specified, what was observed, and what could not be read. Nothing is derived."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite

from elastometer.model.document import EMPTY, Document, at, document_at, documents_at, text_at
from elastometer.model.observation import Observation
from elastometer.model.prediction_basis import PredictionBasis
from elastometer.model.request import GeneratorSummary, RecordedRequest
from elastometer.model.terms import Terms
from elastometer.model.units import Instant, from_unix_seconds


class SeriesName(StrEnum):
    """Short names of the Prometheus queries of a run."""

    WAITING = "requests_waiting"
    RUNNING = "requests_running"
    KV_CACHE = "kv_cache_usage"
    FINISHED = "requests_finished_total"
    PROMPT_TOKENS = "prompt_tokens_total"
    GENERATION_TOKENS = "generation_tokens_total"
    PROCESS_START = "process_start_time_seconds"
    UP = "up"
    DESIRED = "autoscaler_desired_replicas"
    PREEMPTIONS = "num_preemptions_total"
    PROCESS_MEMORY = "process_resident_memory_bytes"
    PROCESS_CPU = "process_cpu_seconds_total"
    PROCESS_SAMPLED = "process_sample_time_seconds"
    WORKING_SET = "container_memory_working_set_bytes"
    CONTAINER_RSS = "container_memory_rss"
    CONTAINER_CPU = "container_cpu_usage_seconds_total"
    CFS_PERIODS = "container_cpu_cfs_periods_total"
    CFS_THROTTLED = "container_cpu_cfs_throttled_periods_total"
    CONTAINER_SAMPLED = "container_sample_time_seconds"
    NETWORK_SAMPLED = "network_sample_time_seconds"
    NETWORK_RECEIVED = "container_network_receive_bytes_total"
    NETWORK_SENT = "container_network_transmit_bytes_total"
    GPU_MEMORY = "gpu_memory_used"
    GPU_MEMORY_FREE = "gpu_memory_free"
    GPU_BUSY = "gpu_utilization"
    ADMISSION_REJECTIONS = "admission_rejections_total"
    OPEN_FILES = "process_open_fds"


class SeriesOutcome(StrEnum):
    """The three outcomes of a query: no data is not zero, and a failed query is not 'no data'."""

    SAMPLES = "Samples"
    NO_DATA = "NoData"
    QUERY_FAILED = "QueryFailed"


@dataclass(frozen=True, slots=True)
class LabelledSamples:
    """One time series: labels and samples, each (instant of Prometheus' clock, value)."""

    labels: Document
    samples: tuple[tuple[Instant, float], ...]

    @property
    def pod(self) -> str:
        """The pod label; empty if the series does not belong to a Pod."""
        return text_at(self.labels, "pod") or ""


@dataclass(frozen=True, slots=True)
class SeriesResult:
    """The answer to one range query."""

    name: str
    query: str
    outcome: SeriesOutcome
    message: str
    step_seconds: float | None
    series: tuple[LabelledSamples, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """`start` is the instant at which the load started. `missing` names the files that were not there; `outside_window`
    counts the records and samples that were dropped because they are dated outside of the run. With a `predicted` basis
    the bundle was made by the simulator, and nothing in it was ever observed."""

    terms: Terms
    manifest: Document = field(default_factory=dict)
    spec: Document = field(default_factory=dict)
    plan: Document = field(default_factory=dict)
    provenance: Document = field(default_factory=dict)
    start: Instant | None = None
    observations: tuple[Observation, ...] = ()
    requests: Sequence[RecordedRequest] = ()
    series: tuple[SeriesResult, ...] = ()
    generators: tuple[GeneratorSummary, ...] = ()
    missing: tuple[str, ...] = ()
    torn_lines: int = 0
    unreadable_lines: int = 0
    outside_window: int = 0
    predicted: PredictionBasis | None = None


def outcome_of(word: str | None) -> SeriesOutcome:
    """The outcome of that name; an unknown one counts as a failed query."""
    return SeriesOutcome(word) if word in set(SeriesOutcome) else SeriesOutcome.QUERY_FAILED


def series_from(line: Document) -> SeriesResult | None:
    """The result, or None if it has no name; an unknown outcome counts as a failed query."""
    name = text_at(line, "name")
    if name is None:
        return None
    step = at(line, "stepSeconds")
    return SeriesResult(
        name=name, query=text_at(line, "query") or "", outcome=outcome_of(text_at(line, "outcome")),
        message=text_at(line, "message") or "",
        step_seconds=float(step) if isinstance(step, (int, float)) else None,
        series=tuple(_labelled(item) for item in documents_at(line, "series")),
    )


def _labelled(item: Document) -> LabelledSamples:
    pairs = at(item, "samples")
    samples = [_sample(pair) for pair in pairs] if isinstance(pairs, list) else []
    return LabelledSamples(document_at(item, "labels") or EMPTY, tuple(pair for pair in samples if pair is not None))


def _sample(pair: object) -> tuple[Instant, float] | None:
    """None if the value is not a finite number: in PromQL, a division by zero gives NaN or infinity."""
    if not isinstance(pair, list) or len(pair) != 2:
        return None
    try:
        value = float(pair[1])
        return (from_unix_seconds(float(pair[0])), value) if isfinite(value) else None
    except (TypeError, ValueError, OverflowError):
        return None
