"""The first screen of a report: what happened, what it cost, what would help most, the worst minute, and what no
objective covers.

Seconds count from the start of the load. What was not measured is None; a part that there is not is None as a whole.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from elastometer.model.terms import Objective


class Anchor(StrEnum):
    """The sections of a report that a sentence points to, by their ids in the page."""

    CHARTS = "charts"
    FINDINGS = "findings"
    AUTOSCALER = "autoscaler"
    COLD_STARTS = "cold-starts"
    SCALE_EVENTS = "scale-events"
    LOAD = "load"
    PRICE = "price"
    ELASTICITY = "elasticity"
    ADVICE = "advice"
    LEVELS = "levels"
    BY_INPUT = "by-input"
    ERRORS_IN_TIME = "errors-in-time"
    MEMORY = "memory"
    SATURATION = "saturation"
    ISOLATION = "isolation"
    ANSWERS = "answers"
    ANSWER_ENDS = "answer-ends"
    STRUCTURED = "structured"
    RECALL = "recall"
    HEALTH = "health"
    SCALE_OUT_GAINS = "scale-out-gains"
    FIRST_STARTS = "first-starts"
    WARM_SPARES = "warm-spares"
    WHAT_IF = "what-if"
    UNDER_TEST = "under-test"


class SentenceKind(StrEnum):
    """What a sentence of the first screen tells."""

    BLIND = "Blind"  # a bad stretch that no objective covers
    HAPPENED = "Happened"
    COST = "Cost"
    HELP = "Help"  # what would help most
    WORST_MINUTE = "WorstMinute"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, and the sections that hold its evidence."""

    kind: SentenceKind
    text: str
    evidence: tuple[Anchor, ...]


@dataclass(frozen=True, slots=True)
class Happened:
    """The load and what followed it. `slow_count` requests waited longer than `slow_milliseconds` for their first
    token, or got none; the replicas are Ready ones."""

    request_count: int
    failed_request_count: int
    peak_requests_per_second: float | None
    first_replicas: int | None
    peak_replicas: int | None
    scale_out_count: int | None
    scale_out_lag_milliseconds: int | None
    first_token_p95_milliseconds: int | None
    slow_milliseconds: float
    slow_count: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What the run paid for from the start of the load, in whole replicas and in GPUs, and what its users lost:
    `miss_seconds` are objective-miss seconds, None without an objective on requests. Shares are of what was paid for;
    `money` is a decimal string. `missing_replicas` is how many of the demanded replicas were not Ready on average, of
    which `undecided_replicas` had not been ordered; None without a demand."""

    miss_seconds: int | None
    load_seconds: float
    paid_replica_seconds: float | None = None
    paid_gpu_seconds: float | None = None
    maximum_replicas: int | None = None
    static_maximum_percent: float | None = None
    idle_percent: float | None = None
    starting_percent: float | None = None
    missing_replicas: float | None = None
    undecided_replicas: float | None = None
    money: str | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class WorstMinute:
    """The 60 s of the load (all of it where it is shorter) with the most objective-miss seconds; among equal ones, and
    without an objective on requests, the one in which requests waited longest for their first token.

    `demanded` is the mean demand, `wanted` the most replicas that the autoscaler's metrics asked for, `held_by` the
    label of the constraint that bound most of its syncs.
    """

    start_seconds: float
    end_seconds: float
    request_count: int
    miss_seconds: int | None
    first_token_p95_milliseconds: float | None
    ready_low: int | None
    ready_high: int | None
    demanded: float | None
    wanted: int | None
    held_by: str | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Adjacent windows of the timeline with a bad p95 of the first token."""

    start_seconds: float
    end_seconds: float
    worst_p95_milliseconds: float


@dataclass(frozen=True, slots=True)
class Blind:
    """The bad stretches that no objective covers. A window is bad if its p95 of the first token is above
    `limit_milliseconds`, for the reason that `rule` states; `seconds` is how long they are together."""

    seconds: float
    limit_milliseconds: float
    rule: str
    stretches: tuple[Stretch, ...]
    stages: tuple[str, ...]
    worst_p95_milliseconds: float
    proposed: Objective


class AdviceSource(StrEnum):
    """Where the advice comes from."""

    WHAT_IF = "WhatIf"  # a search with the twin of this run
    FINDING = "Finding"
    NONE = "None"


@dataclass(frozen=True, slots=True)
class Change:
    """One setting of the autoscaler, before and after, as in its manifest."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Effect:
    """One figure of the run and what it is predicted to become: the median, `low` and `high` over the held-out draws.
    `plus_minus` is the largest difference between such a draw under the recorded settings and what was measured, or how
    far such a draw lies from the median under the changed ones, whichever is larger."""

    measured: float
    predicted: float
    low: float
    high: float
    plus_minus: float


@dataclass(frozen=True, slots=True)
class MoreReplicas:
    """The smallest maximum at which all objectives are predicted to hold in most draws, with the change applied."""

    maximum: int
    held: int


@dataclass(frozen=True, slots=True)
class Advice:
    """What would help most. `reason` says why there is no what-if, or why nothing is changed; `finding` is the name of
    the finding that the advice comes from. All objectives hold in `held` of `draws` predictions with the change, judged
    also by the `proposed` objective where there is one. `cost` is in GPU-seconds if a replica `has_gpus`, otherwise in
    replica-seconds. With starts that take no time at all, the twin predicts `instant_start_miss_seconds`, and
    `recorded_miss_seconds` with the recorded ones."""

    basis: AdviceSource
    text: str | None = None
    reason: str | None = None
    finding: str | None = None
    changes: tuple[Change, ...] = ()
    miss_seconds: Effect | None = None
    first_token_p95_milliseconds: Effect | None = None
    cost: Effect | None = None
    has_gpus: bool = False
    held: int = 0
    draws: int = 0
    tried: int = 0
    proposed: Objective | None = None
    more_replicas: MoreReplicas | None = None
    instant_start_miss_seconds: int | None = None
    recorded_miss_seconds: int | None = None
    patch: str | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """The first screen as data. `sentences` come from the rest, in the order in which they are shown."""

    sentences: tuple[Sentence, ...] = ()
    happened: Happened | None = None
    cost: Cost | None = None
    worst_minute: WorstMinute | None = None
    blind: Blind | None = None
    advice: Advice | None = None


# Of a report without a story.
NO_STORY = Story()
