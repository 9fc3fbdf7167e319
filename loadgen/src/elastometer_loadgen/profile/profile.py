"""The load profile: the `spec.load` of an ElasticityTest, parsed and checked in one place.

Parsing is pure: the same document gives the same profile everywhere. What cannot be carried out is rejected here,
before anything is sent, and all faults are reported together.
"""

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import yaml

from elastometer_loadgen.base.document import one_line, read_document
from elastometer_loadgen.base.fields import Fault, Fields, shown
from elastometer_loadgen.base.retries import request_seconds
from elastometer_loadgen.checks.fingerprint import FingerprintRule, parse_fingerprints
from elastometer_loadgen.profile.impossible import (
    check_cycles,
    check_task_names,
    check_total,
    check_user_shares,
    needs_one_worker,
)
from elastometer_loadgen.profile.offer import Offer, TaskOrder
from elastometer_loadgen.profile.task import Endpoint, Task, default_task, parse_task
from elastometer_loadgen.stages.parse import parse_stages
from elastometer_loadgen.stages.stage import MAX_REQUESTS, Stage

# How long a request may take where a profile does not say.
DEFAULT_TIMEOUT_SECONDS = 300
PROFILE_FIELDS = (
    "seed", "workers", "endpoint", "model", "timeoutSeconds", "idleTimeoutSeconds",
    "latenessBoundMilliseconds", "retries", "connection", "fingerprints", "tasks", "taskOrder", "stages",
    "maximumRequests",
    # For the operator, which provides the files and the key to this program; they have no meaning here.
    "filesFrom", "apiKeyFrom",
)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile(Offer):
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
    def max_conversation_seconds(self) -> int:
        """The longest time that one conversation may take, with all its turns and all attempts of each."""
        return max(map(self.conversation_seconds, self.stages))

    def conversation_seconds(self, stage: Stage) -> int:
        """The same of the conversations that begin in one stage."""
        longest = request_seconds(self.timeout_seconds, self.retries)
        times = (task.turns * longest + (task.turns - 1) * task.think.high for task in self.tasks_of(stage))
        return math.ceil(max(times, default=longest))


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
    timeout_seconds = fields.integer("timeoutSeconds", 1, 86_400, default=DEFAULT_TIMEOUT_SECONDS)
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
        task_order=fields.choice("taskOrder", TaskOrder, default=TaskOrder.DRAWN),
        given_maximum_requests=_maximum_requests(fields),
        stages=parse_stages(fields, request_seconds(timeout_seconds, retries)),
    )
    _check_names([stage.name for stage in profile.stages], "stages", faults)
    if not faults:
        _check_whole(profile, fields)
    if faults:
        raise ProfileError(faults)
    return profile if profile.max_turns == 1 else replace(profile, stages=tuple(
        stage.with_request_seconds(profile.conversation_seconds(stage)) for stage in profile.stages))


def _check_whole(profile: Profile, fields: Fields) -> None:
    """Adds what is wrong with the profile as a whole, each of whose fields is right by itself."""
    check_task_names(profile, fields.faults)
    if fields.faults:
        return
    if profile.workers > 1 and (alone := needs_one_worker(profile.stages)) is not None:
        fields.refuse("workers", f"be 1: {alone}")
    check_cycles(profile, fields.faults)
    if not any(stage.awaits_data for stage in profile.stages):
        check_total(profile, fields.faults)
    if not fields.faults:
        check_user_shares(profile, fields.faults)


def _maximum_requests(fields: Fields) -> int | None:
    given = fields.integer("maximumRequests", 1, MAX_REQUESTS, default=MAX_REQUESTS)
    return given if fields.has("maximumRequests") else None


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
