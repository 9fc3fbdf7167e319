"""What every type of stage says about itself. Times in seconds, rates in requests per second. Pure.

Open loop: requests are sent when they are due, whatever the server does. Closed loop: each user waits for its answer
before it sends again. `duration_seconds` is how long a stage lasts, or at most lasts where `is_open_ended`; `expected`
is the number of requests that an open loop is expected to send, and the most that a closed loop may.
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
DEFAULT_MAX_REQUESTS = 100_000
MAX_USERS = 10_000


class StageType(StrEnum):
    """The types of stages, as a profile names them."""

    RATE = "Rate"
    USERS = "Users"
    CONCURRENCY = "Concurrency"
    KNEE = "Knee"
    SWEEP = "Sweep"
    TRACE = "Trace"


class Turns(NamedTuple):
    """Requests per conversation over the tasks of a profile: the weighted mean, and those of the longest one."""

    mean: Fraction
    most: int


class Refusal(NamedTuple):
    """A field of a stage that must not stay as it is, and the rule that it breaks."""

    field: str
    rule: str


class Stage(Protocol):
    """One stage of a load. The classes of this room implement it; `StageDefaults` has what most of them share."""

    @property
    def name(self) -> str: ...

    @property
    def type(self) -> StageType: ...

    @property
    def duration_seconds(self) -> int: ...

    @property
    def expected(self) -> Fraction: ...

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

    def requests(self, turns: Turns) -> Fraction:
        """Like `expected`, with each turn of a conversation counted as a request."""

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

    def sentence(self) -> str:
        """The same in a few words."""

    def load_at(self, seconds: float) -> str:
        """What it asks of the server this long after its begin, for a column of a table."""


class StageDefaults:
    """What holds for a stage unless its class says otherwise: an open loop that needs no file."""

    __slots__ = ()

    @property
    def is_closed(self) -> bool:
        return False

    @property
    def is_open_ended(self) -> bool:
        return False

    @property
    def fixes_sizes(self) -> bool:
        return False

    @property
    def data_file(self) -> str | None:
        return None

    @property
    def awaits_data(self) -> bool:
        return False

    @property
    def has_unknown_length(self) -> bool:
        return False

    @property
    def recorded(self) -> Trace | None:
        return None

    @property
    def warning(self) -> str | None:
        return None

    @property
    def one_worker_reason(self) -> str | None:
        return None

    def with_data(self, lines: Iterable[str]) -> Self:  # noqa: ARG002
        return self

    def data_refusal(self) -> Refusal | None:
        return None

    def with_request_seconds(self, seconds: int) -> Self:  # noqa: ARG002
        return self

    def conversation_refusal(self, turns: int) -> Refusal | None:  # noqa: ARG002
        return None


class ClosedLoop(StageDefaults):
    """What closed loops share: their requests are due when answers arrive, so no instant is planned."""

    __slots__ = ()

    @property
    def is_closed(self) -> bool:
        return True

    def instants(self, seed: str, carried: Fraction) -> "tuple[array[float], Fraction]":  # noqa: ARG002
        return array("d"), Fraction(0)

    def count_between(self, low: float, high: float) -> float | None:  # noqa: ARG002
        return None


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


def read_max_requests(fields: Fields) -> int:
    """The field `maximumRequests`."""
    return fields.integer("maximumRequests", 1, MAX_REQUESTS, default=DEFAULT_MAX_REQUESTS)


def too_few_requests(users: int, turns: int, least: int, given: int, where: str = "") -> Refusal | None:
    """A refusal unless each user may send a complete conversation: otherwise it would never start one."""
    if given >= least:
        return None
    rule = f"must let each of {users} users have a conversation of {turns} turns{where}, {least} requests"
    return Refusal("maximumRequests", f"{rule}; got {given}")


