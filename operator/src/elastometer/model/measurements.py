"""What a report measures: instants with source and resolution, durations with their uncertainty, and tables of them.

Seconds count from the start of the load and are negative before it. What was not measured is None, with a reason.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from elastometer.model.milestones import CHAIN, Milestone
from elastometer.model.start_class import NO_EVIDENCE, ClassifiedStart

Steps: TypeAlias = tuple[tuple[float, int | None], ...]
UNATTRIBUTED = "unattributed"
# The only phase of a predicted start: the simulator knows no others.
WHOLE = "whole"
# Names of the phases and their labels, in the order of a start.
PHASE_LABELS: Mapping[str, str] = {
    **{link.phase: link.label for link in CHAIN if link.phase},
    WHOLE: "cold start as a whole", UNATTRIBUTED: UNATTRIBUTED,
}


class Direction(StrEnum):
    """Which way replicas go, or should have gone. Only a time in which replicas were held back can be UNKNOWN: the
    wanted replicas are then not known."""

    OUT = "Out"
    IN = "In"
    UNKNOWN = "Unknown"


class Origin(StrEnum):
    """Why a server Pod was created."""

    INITIAL = "Initial"  # there from the start of the run
    SCALE_OUT = "ScaleOut"  # added by a scale-out
    REPLACEMENT = "Replacement"  # in the place of one that went away


class Source(StrEnum):
    """Where an instant comes from, and therefore whose clock it is in."""

    WATCH = "Watch"
    API = "API"
    EVENT = "Event"
    LOG = "Log"
    PROMETHEUS = "Prometheus"
    REQUEST = "Request"
    PREDICTED = "Predicted"


@dataclass(frozen=True, slots=True)
class Stamp:
    """An instant. The true one lies within `resolution_milliseconds` of it, which is None if it was predicted."""

    seconds: float
    time: str
    source: Source
    resolution_milliseconds: float | None


@dataclass(frozen=True, slots=True)
class Duration:
    """A duration, or why there is none; `at_least_milliseconds` if the run ended before the duration did. The `note`
    says why its ± is large."""

    milliseconds: float | None = None
    plus_minus_milliseconds: float | None = None
    at_least_milliseconds: float | None = None
    reason: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ScrapedCurve:
    """A scraped quantity, summed over replicas."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Load per bin (rates per second, from the bin's start), TTFT per window, and replicas as step functions."""

    bin_seconds: float = 1.0
    seconds: tuple[float, ...] = ()
    planned: tuple[float | None, ...] = ()
    offered: tuple[float, ...] = ()
    sent: tuple[float, ...] = ()
    served: tuple[float, ...] = ()
    failed: tuple[float, ...] = ()
    in_flight: tuple[int, ...] = ()
    window_seconds: float = 5.0
    window_starts: tuple[float, ...] = ()
    first_token_p50_milliseconds: tuple[float | None, ...] = ()
    first_token_p95_milliseconds: tuple[float | None, ...] = ()
    desired: Steps = ()
    spec: Steps = ()
    created: Steps = ()
    ready: Steps = ()
    serving: Steps = ()
    curves: tuple[ScrapedCurve, ...] = ()
    start_seconds: float | None = None
    end_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ScaleEvent:
    """One change of the scale target's spec.replicas."""

    number: int
    direction: Direction
    from_replicas: int
    to_replicas: int
    seen: Stamp
    written: Stamp | None
    writer: str | None
    reason: str | None
    conditions: tuple[str, ...]
    metrics: tuple[str, ...]
    pods: tuple[str, ...]
    lag: Duration | None
    note: str | None


@dataclass(frozen=True, slots=True)
class PodInstant:
    """One instant of a Pod by one source. Of several sources, `used` marks the one that durations are computed from."""

    name: Milestone
    stamp: Stamp
    used: bool


@dataclass(frozen=True, slots=True)
class Phase:
    """One bar of the waterfall, between two instants of a Pod; a predicted one has no ±. `model` is what the time was
    for, where a server has several models; None for the model that is served."""

    name: str
    label: str
    start_seconds: float
    milliseconds: float
    plus_minus_milliseconds: float | None
    source: str
    note: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class ScrapedStart:
    """A Pod's start as Prometheus saw it, and how far the watch and Prometheus differ."""

    process_start: Stamp | None
    first_scrape: Stamp | None
    first_success: Stamp | None
    process_start_difference_milliseconds: float | None
    first_success_difference_milliseconds: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class ColdStart:
    """The start of one server Pod."""

    pod: str
    node: str | None
    origin: Origin
    scale_event: int | None
    image: str | None
    instants: tuple[PodInstant, ...]
    phases: tuple[Phase, ...]
    cold_start: Duration
    scale_out: Duration | None
    first_token: Duration
    scraped: ScrapedStart
    start_class: ClassifiedStart = NO_EVIDENCE


@dataclass(frozen=True, slots=True)
class ScaleIn:
    """One server Pod that went away during the run."""

    pod: str
    scale_event: int | None
    deleted: Stamp
    gone: Stamp | None
    drain: Duration
    in_flight: int
    sent_after_deletion: int
    lost: Mapping[str, int]
