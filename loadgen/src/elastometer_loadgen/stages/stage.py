"""What every type of stage says about itself. Times in seconds, rates in requests per second. Pure.

Open loop: requests are sent when they are due, whatever the server does. Closed loop: each user waits for its answer
before it sends again. `duration_seconds` is how long a stage lasts, or at most lasts where `is_open_ended`.
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any, NamedTuple, Protocol, Self

from elastometer_loadgen.base.fields import Fields
from elastometer_loadgen.stages.trace_file import Trace

MAX_STAGE_SECONDS = 604_800
MAX_REQUESTS = 10_000_000
MAX_USERS = 10_000


class StageType(StrEnum):
    """The types of stages, as a profile names them."""

    RATE = "Rate"
    USERS = "Users"
    CONCURRENCY = "Concurrency"
    KNEE = "Knee"
    SWEEP = "Sweep"
    TRACE = "Trace"


class StageRole(StrEnum):
    """What a stage is for, besides load: Quiet offers none, and Baseline is what later levels are compared with."""

    QUIET = "Quiet"
    BASELINE = "Baseline"


class Turns(NamedTuple):
    """Requests per conversation over the tasks of a stage: the weighted mean, and those of the longest one."""

    mean: Fraction
    most: int


class Refusal(NamedTuple):
    """A field of a stage that must not stay as it is, and the rule that it breaks."""

    field: str
    rule: str


class Stage(Protocol):
    """One stage of a load. The classes of this room implement it; `defaults` has what most of them share."""

    @property
    def name(self) -> str: ...

    @property
    def type(self) -> StageType: ...

    @property
    def duration_seconds(self) -> int: ...

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of the tasks that it draws from; empty for all of them."""

    @property
    def role(self) -> StageRole | None:
        """What the stage is for, where that is not only to load the server."""

    @property
    def warmup_seconds(self) -> int:
        """For so long after its begin, or after that of each step of a Knee, requests are sent but not judged."""

    @property
    def is_quiet(self) -> bool:
        """True where nothing is sent."""

    @property
    def is_closed(self) -> bool:
        """True for a closed loop."""

    @property
    def is_open_ended(self) -> bool:
        """True when the stage ends with its last request, at a time that is not known in advance."""

    @property
    def fixes_sizes(self) -> bool:
        """True where the stage and not a task sets the lengths of prompts."""

    @property
    def sized_tasks(self) -> tuple[str, ...]:
        """The names that stand for tasks in the records of such requests."""

    @property
    def data_file(self) -> str | None:
        """The file that must be read before the load is known; None for most types."""

    @property
    def awaits_data(self) -> bool:
        """True until the file that it needs was read: how many requests it has is not known before."""

    @property
    def has_unknown_length(self) -> bool:
        """True when the length of the stage is in its file, which was not read yet."""

    @property
    def recorded(self) -> Trace | None:
        """The requests of its file, once it was read."""

    @property
    def warning(self) -> str | None:
        """What its file makes doubtful, and how to settle it."""

    @property
    def one_worker_reason(self) -> str | None:
        """Why its requests cannot be shared among workers; None when they can."""

    def with_data(self, lines: Iterable[str]) -> Self:
        """The stage after its file was read. Raises FileFault."""

    def data_refusal(self) -> Refusal | None:
        """What is wrong with the stage now that its file was read."""

    def with_request_seconds(self, seconds: int) -> Self:
        """The stage where one request, with all turns of its conversation, may take this long."""

    def drawing(self, tasks: tuple[str, ...], role: StageRole | None) -> Self:
        """The stage with the tasks that it draws from, and with its role."""

    def requests(self, turns: Turns) -> Fraction | None:
        """How many requests an open loop is expected to send, and the most that a closed loop may, with each turn of a
        conversation counted as one; None where only the bound of the whole load limits them."""

    def least_requests(self, turns: Turns) -> int | None:
        """How many requests its users need for one conversation each. None unless it sends as answers come and until a
        time is over, so that its requests are counted against the bound of the whole load as they are sent."""

    def conversation_refusal(self, turns: int) -> Refusal | None:
        """Why a user could not finish a conversation of this many turns."""

    def instants(self, seed: str, carried: Fraction) -> "tuple[array[float], Fraction]":
        """When its requests are due, in seconds from its begin, and the share of a request to carry to the next stage.

        `carried` came from the previous stage. There are no instants for a closed loop.
        """

    def count_between(self, low: float, high: float) -> float | None:
        """How many requests are planned between two instants of the stage; None for a closed loop."""

    def details(self) -> dict[str, Any]:
        """Its own fields in a plan, as JSON."""

    def marks(self) -> dict[str, Any]:
        """Its tasks, role and warm-up in a plan, as far as they were given."""

    def sentence(self) -> str:
        """The same in a few words."""

    def load_at(self, seconds: float) -> str:
        """What it asks of the server this long after its begin, for a column of a table."""


def stage_seed(seed: int, index: int) -> str:
    """What a stage draws from: its own, so that changing one stage does not change the draws of the others."""
    return f"{seed}/stages/{index}"


@dataclass(frozen=True, slots=True)
class Context:
    """What a reader of a stage knows besides its fields: the stage before it, and the longest that a request takes."""

    before: Stage | None
    request_seconds: int


def read_duration(fields: Fields) -> int:
    """The required field `durationSeconds`."""
    return fields.integer("durationSeconds", 1, MAX_STAGE_SECONDS, default=None)


def read_max_requests(fields: Fields) -> int | None:
    """The field `maximumRequests`; None where only the bound of the whole load holds."""
    given = fields.integer("maximumRequests", 1, MAX_REQUESTS, default=MAX_REQUESTS)
    return given if fields.has("maximumRequests") else None


def read_warmup(fields: Fields, limit: int, of: str) -> int:
    """The field `warmupSeconds`, which must leave something to judge of the `limit` seconds that the field `of` has."""
    seconds = fields.integer("warmupSeconds", 0, MAX_STAGE_SECONDS, default=0)
    if seconds and seconds >= limit:
        fields.refuse("warmupSeconds", f"be below {of}, {limit}, since what is due in it is not judged")
    return seconds


def too_few_requests(users: int, turns: int, least: int, given: int | None, where: str = "") -> Refusal | None:
    """A refusal unless each user may send a complete conversation: otherwise it would never start one."""
    if given is None or given >= least:
        return None
    rule = f"must let each of {users} users have a conversation of {turns} turns{where}, {least} requests"
    return Refusal("maximumRequests", f"{rule}; got {given}")
