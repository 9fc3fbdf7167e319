"""Levels of load side by side: what clients and servers experienced at each, and up to which level all objectives held.

Every interval is at 95 %. What was not measured is None, with its reason in `missing` by the name of the field.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from elastometer.model.estimates import Difference, OpenInterval, Rate
from elastometer.model.load_rows import LittlesLaw, Quantiles
from elastometer.model.verdict import ObjectiveResult, Verdict


class LevelOf(StrEnum):
    """What a level counts. They are never mixed: 50 users that think are fewer than 50 requests in flight."""

    IN_FLIGHT = "InFlight"
    USERS = "Users"
    RATE = "Rate"  # requests per second that are offered


# As in `50 users`.
LEVEL_WORDS: Mapping[LevelOf, str] = {
    LevelOf.IN_FLIGHT: "in flight", LevelOf.USERS: "users", LevelOf.RATE: "requests/s offered"}


@dataclass(frozen=True, slots=True)
class LostCount:
    """Requests that were not served, by how they ended and by the HTTP status, None without an answer."""

    outcome: str
    status: int | None
    count: int


@dataclass(frozen=True, slots=True)
class LevelMemory:
    """Of all Pods together, in bytes; `of` names the quantity in the resources that it was read from."""

    mean_bytes: float | None = None
    peak_bytes: float | None = None
    of: str | None = None


@dataclass(frozen=True, slots=True)
class LevelObjective:
    """One objective judged at one level. `interval` is that of the measured number, in its unit; the verdict
    `is_beyond_noise` if the bound lies outside of it, and None where there is no interval, or nothing failed."""

    result: ObjectiveResult
    interval: OpenInterval | None
    is_beyond_noise: bool | None


@dataclass(frozen=True, slots=True)
class LevelDifference:
    """The level's mean latency against that of the Baseline: in milliseconds with its interval, and in percent."""

    latency_milliseconds: Difference
    percent: float | None


@dataclass(frozen=True, slots=True)
class LevelRow:
    """One closed-loop stage, or one step or the soak of a Knee, without its warm-up. Seconds count from the start of
    the load.

    `requests`, latencies and `errors` are of the requests that were due between `start_seconds` and `end_seconds`.
    Requests and tokens per second are of what was served in that time: a request that began before or ended after it
    counts by the share of its time that lies within. Little's law is checked with that rate, counting all requests; the
    row `is_doubtful` where it is more than 5 % off. `verdict` is that of all objectives on requests that apply here,
    and at a step of a Knee also of the load generator, whose reason is `failed` or `inconclusive`. `others_in_flight`
    has the mean number in flight of requests of other stages during the level, by stage.
    """

    stage: str
    of: LevelOf
    level: int | None
    start_seconds: float
    end_seconds: float
    warmup_seconds: float
    tasks: tuple[str, ...]
    requests: int
    requests_per_second: float | None
    requests_per_second_plus_minus: float | None
    input_tokens_per_second: float | None
    output_tokens_per_second: float | None
    latency: Quantiles
    time_to_first_token: Quantiles
    errors: Rate | None
    lost: tuple[LostCount, ...]
    in_flight: LittlesLaw | None
    is_doubtful: bool
    memory: LevelMemory
    cpu_cores: float | None
    kv_cache_percent: float | None
    waiting: float | None
    preemptions: float | None
    gpu_memory_bytes: float | None
    ready_minimum: int | None
    ready_maximum: int | None
    verdict: Verdict
    objectives: tuple[LevelObjective, ...] = ()
    failed: str | None = None
    inconclusive: str | None = None
    is_step: bool = False
    is_soak: bool = False
    is_baseline: bool = False
    to_baseline: LevelDifference | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    others_in_flight: Mapping[str, float] = field(default_factory=dict)

    @property
    def ladder(self) -> tuple[str | None, LevelOf, tuple[str, ...]]:
        """What the levels that may be compared have in common: a Knee, or the kind of level and the tasks."""
        return self.stage if self.is_step else None, self.of, tuple(sorted(self.tasks))


def ladders(rows: Sequence[LevelRow]) -> tuple[tuple[LevelRow, ...], ...]:
    """Rows with a known level, soaks left out, that may be compared with each other: at least two different levels, in
    rising order; the ladder with the most levels first."""
    found: dict[object, list[LevelRow]] = {}
    for row in rows:
        if row.level is not None and not row.is_soak:
            found.setdefault(row.ladder, []).append(row)
    counted = [(len({row.level for row in one}), one) for one in found.values()]
    several = sorted((pair for pair in counted if pair[0] > 1), key=lambda pair: -pair[0])
    return tuple(tuple(sorted(one, key=lambda row: (row.level or 0, row.start_seconds))) for _, one in several)


@dataclass(frozen=True, slots=True)
class RecommendedLimit:
    """The highest level of one ladder at which all objectives held, there and below; None where the lowest failed.

    A ladder is the steps of one Knee, or the stages that hold the same kind of level with the same tasks. `next_level`
    is the lowest level that did not hold, for the reasons in `failures`; None where all held. `undecided` has the
    levels between which noise forbids a choice, the limit among them; none where it does not. `soak` is the row of the
    highest rate that was held through a soak, `best_experience` the last level whose P95 is within 10 % of the
    Baseline's; both by their number in the levels. `text` says all of it but those two, in a sentence.
    """

    of: LevelOf
    level: int | None
    stage: str
    levels: tuple[int, ...]
    requests_per_second: float | None
    next_level: int | None
    failures: tuple[str, ...]
    undecided: tuple[int, ...]
    text: str
    soak: int | None = None
    best_experience: int | None = None
    best_experience_reason: str | None = None
