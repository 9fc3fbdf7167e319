"""The load profile: the `spec.load` of an ElasticityTest, parsed and checked in one place.

Parsing is pure: the same document gives the same profile everywhere. What cannot be carried out is refused here, before
anything is sent, and every fault is reported at once.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

import yaml

from elastometer_loadgen.base.document import read_document
from elastometer_loadgen.base.fields import Fault, Fields, shown
from elastometer_loadgen.checks.fingerprint import FingerprintRule, parse_fingerprints
from elastometer_loadgen.profile.parse_stages import parse_stages
from elastometer_loadgen.profile.stages import (
    CountStage,
    CrowdStage,
    KneeOf,
    KneeStage,
    RateStage,
    Stage,
    TraceStage,
    fixes_sizes,
)
from elastometer_loadgen.profile.task import Endpoint, Task, default_task, parse_task

PROFILE_FIELDS = (
    "seed", "workers", "endpoint", "model", "timeoutSeconds", "idleTimeoutSeconds",
    "latenessBoundMilliseconds", "retries", "connection", "fingerprints", "tasks", "stages",
    # Said to whoever places the files and the key where this program finds them; here they mean nothing.
    "filesFrom", "apiKeyFrom",
)  # fmt: skip
# 10 million arrivals are 80 MB of instants; beyond that a profile is a typing error more often than a wish.
MOST_ARRIVALS = 10_000_000


class ConnectionPolicy(StrEnum):
    """When a connection is used again."""

    REUSE = "Reuse"
    PER_REQUEST = "PerRequest"
    MAX_AGE = "MaxAge"
    SPREAD_OVER_PODS = "SpreadOverPods"


@dataclass(frozen=True, slots=True)
class ConnectionRule:
    """The policy; `max_age_seconds` only with MaxAge."""

    policy: ConnectionPolicy
    max_age_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything a load worker must know, except where to send it."""

    seed: int
    workers: int
    endpoint: Endpoint
    model: str | None
    timeout_seconds: int
    idle_timeout_seconds: int
    lateness_bound_milliseconds: int
    retries: int
    connection: ConnectionRule
    fingerprints: FingerprintRule
    tasks: tuple[Task, ...]
    stages: tuple[Stage, ...]

    @property
    def duration_seconds(self) -> int:
        """Length of all stages together; the longest that they may last where it is not exact."""
        return sum(stage.duration_seconds for stage in self.stages)

    @property
    def is_open_ended(self) -> bool:
        """True when nobody can say beforehand when the load ends."""
        return any(stage.is_open_ended for stage in self.stages)

    @property
    def most_turns(self) -> int:
        """Turns of the longest conversation; 1 where no task is one."""
        return max(task.turns for task in self.tasks)

    @property
    def ask_seconds(self) -> int:
        """The longest that one ask may take, with all turns of a conversation and all attempts of each."""
        longest = request_seconds(self.timeout_seconds, self.retries)
        return max(math.ceil(task.turns * longest + (task.turns - 1) * task.think.high) for task in self.tasks)

    def requests_of(self, stage: Stage) -> Fraction:
        """What a stage is expected to send, and the most that a closed loop may; each turn is a request."""
        if fixes_sizes(stage) or isinstance(stage, CrowdStage):
            return stage.expected
        if isinstance(stage, RateStage):
            weights = sum(task.weight for task in self.tasks)
            return stage.expected * sum(task.weight * task.turns for task in self.tasks) / weights
        if isinstance(stage, KneeStage) and stage.of is KneeOf.USERS:
            return stage.expected
        return stage.expected * self.most_turns


class ProfileError(ValueError):
    """A profile that must not be run; holds every fault found."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in faults))


def request_seconds(timeout_seconds: int, retries: int) -> int:
    """Every attempt may take its full time-out, and the pauses before them double from half a second on."""
    return (retries + 1) * timeout_seconds + (1 << retries) // 2


def read_profile(text: str) -> Profile:
    """The profile in a YAML document; raises ProfileError."""
    try:
        document = read_document(text)
    except yaml.YAMLError as error:
        raise ProfileError([Fault("the profile", f"must be YAML: {' '.join(str(error).split())}")]) from error
    return parse_profile(document)


def parse_profile(document: object) -> Profile:
    """The profile in a decoded document (`spec.load`); raises ProfileError with all faults."""
    faults: list[Fault] = []
    fields = Fields(document, "", faults, PROFILE_FIELDS)
    endpoint = fields.choice("endpoint", Endpoint, default=Endpoint.CHAT_COMPLETIONS)
    timeout_seconds = fields.integer("timeoutSeconds", 1, 86_400, default=300)
    retries = fields.integer("retries", 0, 10, default=0)
    profile = Profile(
        seed=fields.integer("seed", 0, 2**63 - 1, default=0),
        workers=fields.integer("workers", 1, 1000, default=1),
        endpoint=endpoint,
        model=fields.text("model", 512, default=None) if fields.has("model") else None,
        timeout_seconds=timeout_seconds,
        idle_timeout_seconds=fields.integer("idleTimeoutSeconds", 1, 86_400, default=30),
        lateness_bound_milliseconds=fields.integer("latenessBoundMilliseconds", 1, 60_000, default=50),
        retries=retries,
        connection=_connection(fields),
        fingerprints=parse_fingerprints(fields),
        tasks=_tasks(fields, endpoint),
        stages=parse_stages(fields, request_seconds(timeout_seconds, retries)),
    )
    _check_names([stage.name for stage in profile.stages], "stages", faults)
    if not faults and (alone := needs_one_worker(profile.stages)) is not None and profile.workers > 1:
        fields.refuse("workers", f"be 1: {alone}")
    if not faults and not any(isinstance(stage, TraceStage) for stage in profile.stages):
        check_total(profile, faults)
    if not faults and profile.most_turns > 1:
        _check_crowds(profile, faults)
        profile = replace(profile, stages=tuple(_by_count(stage, profile.ask_seconds) for stage in profile.stages))
    if faults:
        raise ProfileError(faults)
    return profile


def _by_count(stage: Stage, ask_seconds: int) -> Stage:
    """A stage held by count lasts as long as its conversations may."""
    if isinstance(stage, CountStage) and not fixes_sizes(stage):
        return replace(stage, request_seconds=ask_seconds)
    return stage


def needs_one_worker(stages: Sequence[Stage]) -> str | None:
    """Why a load cannot be shared; None when it can. Workers do not talk to each other."""
    for number, stage in enumerate(stages):
        if isinstance(stage, KneeStage):
            return f"stage {stage.name} is a Knee, whose steps one worker decides by what it sees"
        if stage.is_open_ended and number < len(stages) - 1:
            return f"stage {stage.name} ends when its requests do, and only one worker knows when the next begins"
    return None


def _connection(fields: Fields) -> ConnectionRule:
    rule = fields.mapping("connection", ("policy", "maxAgeSeconds"))
    policy = rule.choice("policy", ConnectionPolicy, default=ConnectionPolicy.REUSE)
    if policy is ConnectionPolicy.MAX_AGE:
        return ConnectionRule(policy, rule.integer("maxAgeSeconds", 1, 86_400, default=None))
    if rule.has("maxAgeSeconds"):
        rule.refuse("maxAgeSeconds", "be absent unless policy is MaxAge")
    return ConnectionRule(policy)


def _tasks(fields: Fields, endpoint: Endpoint) -> tuple[Task, ...]:
    if not fields.has("tasks"):
        return (default_task(),)
    given = fields.items("tasks", 256, required=False)
    tasks = tuple(parse_task(item, f"tasks[{i}]", endpoint, fields.faults) for i, item in enumerate(given))
    _check_names([task.name for task in tasks], "tasks", fields.faults)
    return tasks


def _check_names(names: list[str], where: str, faults: list[Fault]) -> None:
    for index, name in enumerate(names):
        if name and name in names[:index]:
            rule = f"must be unique in {where}; got {shown(name)} again"
            faults.append(Fault(f"{where}[{index}].name", rule))


def check_total(profile: Profile, faults: list[Fault]) -> None:
    """Notes a profile that plans nothing, or more than can be held; of a Trace it must have been read before."""
    expected = sum(profile.requests_of(stage) for stage in profile.stages)
    if expected == 0:
        faults.append(Fault("stages", "must plan at least one request; got rates of 0 throughout"))
    elif expected > MOST_ARRIVALS:
        faults.append(Fault("stages", f"must plan at most {MOST_ARRIVALS} requests; got about {float(expected):.0f}"))


def _check_crowds(profile: Profile, faults: list[Fault]) -> None:
    """A user who may not send a whole conversation would never begin one."""
    turns = profile.most_turns
    for index, stage in enumerate(profile.stages):
        if isinstance(stage, CrowdStage):
            users, least, each = stage.users, stage.users * turns, ""
        elif isinstance(stage, KneeStage) and stage.of is KneeOf.USERS:
            users, least, each = stage.maximum, -(-turns * stage.area // stage.step_seconds), " in each step"
        else:
            continue
        if stage.most_requests < least:
            rule = f"must let each of {users} users have a conversation of {turns} turns{each}, {least} requests"
            faults.append(Fault(f"stages[{index}].maximumRequests", f"{rule}; got {stage.most_requests}"))
