"""The load profile: the `spec.load` of an ElasticityTest, parsed and checked in one place.

Parsing is pure: the same document gives the same profile everywhere. What cannot be carried out is rejected here,
before anything is sent, and all faults are reported together.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

import yaml

from elastometer_loadgen.base.document import one_line, read_document
from elastometer_loadgen.base.fields import Fault, Fields, shown
from elastometer_loadgen.base.retries import request_seconds
from elastometer_loadgen.checks.fingerprint import FingerprintRule, parse_fingerprints
from elastometer_loadgen.profile.task import Endpoint, Task, default_task, parse_task
from elastometer_loadgen.stages.parse import parse_stages
from elastometer_loadgen.stages.stage import Stage, Turns

PROFILE_FIELDS = (
    "seed", "workers", "endpoint", "model", "timeoutSeconds", "idleTimeoutSeconds",
    "latenessBoundMilliseconds", "retries", "connection", "fingerprints", "tasks", "stages",
    # For the operator, which provides the files and the key to this program; they have no meaning here.
    "filesFrom", "apiKeyFrom",
)
# 10 million arrivals take 80 MB; a profile that plans more is more likely a typing error than an intention.
MAX_ARRIVALS = 10_000_000


class ConnectionPolicy(StrEnum):
    """When a connection is reused."""

    REUSE = "Reuse"
    PER_REQUEST = "PerRequest"
    MAX_AGE = "MaxAge"
    SPREAD_OVER_PODS = "SpreadOverPods"


@dataclass(frozen=True, slots=True)
class ConnectionRule:
    """The policy; `max_age_seconds` is set with MaxAge only."""

    policy: ConnectionPolicy
    max_age_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything that a load worker must know, except where to send the load."""

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
        """The length of all stages together; the longest that they may take where it is not exact."""
        return sum(stage.duration_seconds for stage in self.stages)

    @property
    def is_open_ended(self) -> bool:
        """True when it is not known in advance when the load ends."""
        return any(stage.is_open_ended for stage in self.stages)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What its files make doubtful, and how to settle it."""
        return tuple(stage.warning for stage in self.stages if stage.warning is not None)

    @property
    def max_turns(self) -> int:
        """The turns of the longest conversation; 1 where no task is a conversation."""
        return max(task.turns for task in self.tasks)

    @property
    def max_conversation_seconds(self) -> int:
        """The longest time that one conversation may take, with all its turns and all attempts of each."""
        longest = request_seconds(self.timeout_seconds, self.retries)
        return max(math.ceil(task.turns * longest + (task.turns - 1) * task.think.high) for task in self.tasks)

    def requests_of(self, stage: Stage) -> Fraction:
        """What an open loop is expected to send, and the most that a closed loop may send; each turn is a request."""
        return stage.requests(self._turns)

    @property
    def _turns(self) -> Turns:
        weights = sum(task.weight for task in self.tasks)
        return Turns(Fraction(sum(task.weight * task.turns for task in self.tasks), weights), self.max_turns)


class ProfileError(ValueError):
    """A profile that is not valid; holds all faults."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in faults))


def read_profile(text: str) -> Profile:
    """The profile in a YAML document; raises ProfileError."""
    try:
        document = read_document(text)
    except yaml.YAMLError as error:
        raise ProfileError([Fault("the profile", f"must be YAML: {one_line(error)}")]) from error
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
    if not faults and not any(stage.awaits_data for stage in profile.stages):
        check_total(profile, faults)
    if not faults and profile.max_turns > 1:
        _check_user_shares(profile, faults)
        seconds = profile.max_conversation_seconds
        profile = replace(profile, stages=tuple(stage.with_request_seconds(seconds) for stage in profile.stages))
    if faults:
        raise ProfileError(faults)
    return profile


def needs_one_worker(stages: Sequence[Stage]) -> str | None:
    """Why a load cannot be shared between workers, which do not communicate; None when it can."""
    for number, stage in enumerate(stages):
        if stage.one_worker_reason is not None:
            return stage.one_worker_reason
        if stage.is_open_ended and number < len(stages) - 1:
            return f"stage {stage.name} ends when its requests do, and only one worker knows when the next begins"
    return None


def _connection(fields: Fields) -> ConnectionRule:
    rule = fields.mapping("connection", ("policy", "maxAgeSeconds"))
    policy = rule.choice("policy", ConnectionPolicy, default=ConnectionPolicy.REUSE)
    if policy is ConnectionPolicy.MAX_AGE:
        rule.require("maxAgeSeconds", "policy is MaxAge")
        return ConnectionRule(policy, rule.integer("maxAgeSeconds", 1, 86_400, default=1))
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
    """Adds a fault when a profile plans nothing, or too much to hold in memory; traces must have been read before."""
    expected = sum(profile.requests_of(stage) for stage in profile.stages)
    if expected == 0:
        faults.append(Fault("stages", "must plan at least one request; got rates of 0 throughout"))
    elif expected > MAX_ARRIVALS:
        faults.append(Fault("stages", f"must plan at most {MAX_ARRIVALS} requests; got about {float(expected):.0f}"))


def _check_user_shares(profile: Profile, faults: list[Fault]) -> None:
    """Adds faults where a user may not send a complete conversation: it would never start one."""
    for index, stage in enumerate(profile.stages):
        if (refusal := stage.conversation_refusal(profile.max_turns)) is not None:
            faults.append(Fault(f"stages[{index}].{refusal.field}", refusal.rule))
